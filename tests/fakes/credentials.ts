import { maskUrl, readTargetUrl } from '../../source/config/target-url.js';
import {
	CredentialMemo,
	type CredentialOptions,
	type FoundCredentials,
	findCredentials,
	type OnRow,
} from '../../source/core/credentials/find.js';
import type { TargetNeed, UserNeed } from '../../source/core/credentials/needs.js';
import type { WizardChoices } from '../../source/core/operations.js';
import type { Cloud, TargetTest } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';

interface Asked {
	readonly choices: WizardChoices;
	/** As the environment shows it; `ssm ...`: by parameter. */
	readonly target: string | null;
	/** Null: the pool has it. */
	readonly tenant: string | null;
	readonly test: () => Promise<TargetTest>;
}

/** The real search over a scripted AWS; what was typed stands in its place. `pool`: the Cognito pool that the settings name. */
export function fakeCredentials(cloud: Cloud, pool: string | undefined) {
	const memo = new CredentialMemo();
	return (
		{ choices, target, tenant, test }: Asked,
		options: CredentialOptions,
		onRow: OnRow,
		signal?: AbortSignal,
	): Promise<FoundCredentials> =>
		findCredentials(
			{
				environment: choices.environment,
				access: { profile: choices.awsProfile ?? null, region: null },
				profileFrom: 'default',
				tokens: false,
				target: targetNeed(choices, target),
				user: userNeed(choices, tenant, pool),
			},
			{
				cloud,
				readUrl: readTargetUrl,
				mask: (url) => (URL.canParse(url.reveal()) ? maskUrl(url) : url.reveal()),
				test,
				refuse: async () => {},
				refuseParameter: () => {},
				memo,
				skipsSchema: false,
			},
			options,
			onRow,
			signal,
		);
}

function targetNeed({ environment, target: typed }: WizardChoices, shown: string | null): TargetNeed {
	if (typed !== null) return { kind: 'given', url: new Secret('postgresql://typed:********@db.example/app'), from: 'typed' };
	if (shown !== null && !shown.startsWith('ssm ')) return { kind: 'given', url: new Secret(shown), from: 'env DATABASE_URL' };
	const folder = `/collections/${environment}/database`;
	return { kind: 'parameter', name: `${folder}-url`, from: 'default', folder: `${folder}/` };
}

function userNeed(choices: WizardChoices, tenant: string | null, known: string | undefined): UserNeed {
	if (tenant !== null) return { kind: 'given', id: tenant, from: choices.tenant === null ? 'env REPOT_USER_ID' : 'typed' };
	const pool = choices.userPool ?? known;
	if (pool === undefined)
		return { kind: 'missing', why: 'no user pool is known', next: ['--user-id ID: the user that every row is given'], username: null };
	return { kind: 'cognito', pool, poolFrom: 'chosen', username: 'migration-test-golden', usernameFrom: 'default' };
}
