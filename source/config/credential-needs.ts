import { resolve } from 'node:path';
import type { CredentialNeeds, TargetNeed, UserNeed } from '../core/credentials/needs.js';
import { asRepotError, RepotError } from '../core/errors.js';
import type { WizardChoices } from '../core/operations.js';
import { readUserPoolId } from './cdk-outputs.js';
import { targetOf } from './choices.js';
import { usualParameterFolder } from './conventions.js';
import { type EnvironmentAccess, environmentAccess, testUserOf } from './environment-access.js';
import { showPath } from './paths.js';
import type { Settings } from './settings.js';

/** What these settings and choices need of the outside. Reads the outputs file of the CDK, nothing else. Throws RepotError (usage) for a file that cannot be used. */
export async function credentialNeeds(settings: Settings, choices: WizardChoices, withUser = true): Promise<CredentialNeeds> {
	const access = environmentAccess(settings, choices.environment);
	const { profile, region, sslMode, sslRootCert } = access;
	const target = targetNeed(settings, choices, access);
	const isTlsSaid = sslMode.value !== null || sslRootCert.value !== null;
	return {
		environment: choices.environment,
		// The SDK's chain follows the variable itself, and says so where its profile is not there.
		access: { profile: choices.awsProfile ?? (profile.from === 'env AWS_PROFILE' ? null : profile.value), region: region.value },
		profileFrom: profileWords(choices.awsProfile ?? profile.value, choices.awsProfile === undefined ? profile.from : 'chosen'),
		// An embedded database asks for no password.
		tokens: access.iamAuth.value && !(target.kind === 'given' && target.url.reveal().startsWith('pglite:')),
		...(isTlsSaid ? { tls: { mode: sslMode.value, rootCert: sslRootCert.value } } : {}),
		target,
		user: withUser ? await userNeed(settings, choices, access) : null,
	};
}

const profileWords = (name: string | null, from: string): string => (name === null ? from : `profile ${name}, ${from}`);

function targetNeed(settings: Settings, choices: WizardChoices, { parameter, isConventional }: EnvironmentAccess): TargetNeed {
	const given = targetOf(settings, choices);
	if (given !== null) return { kind: 'given', url: given.target, from: given.from };
	const folder = isConventional ? usualParameterFolder(choices.environment) : null;
	return { kind: 'parameter', name: parameter.value, from: parameter.from, folder };
}

async function userNeed(settings: Settings, choices: WizardChoices, access: EnvironmentAccess): Promise<UserNeed> {
	const { userId, skipCognito } = settings.values;
	const id = choices.tenant ?? userId.value;
	if (id !== null) {
		const typed = choices.tenant !== null && choices.tenant !== userId.value;
		return { kind: 'given', id, from: typed ? 'typed' : userId.from };
	}
	const byHand = '--user-id ID: the user that every row is given';
	if (skipCognito.value)
		return { kind: 'missing', why: `${skipCognito.from} says that Cognito is not asked`, next: [byHand], username: null };
	const username = testUserOf(settings, choices);
	const pool = await poolOf(settings, choices, access);
	if (pool.id === null) {
		return { kind: 'missing', why: pool.why, next: [byHand, ...pool.next], username: username.value };
	}
	if (username.value === null) {
		return { kind: 'missing', why: username.from, next: [byHand, '--test-user NAME: a user of the Cognito pool'], username: null };
	}
	return { kind: 'cognito', pool: pool.id, poolFrom: pool.from, username: username.value, usernameFrom: username.from };
}

type Pool = { readonly id: string; readonly from: string } | { readonly id: null; readonly why: string; readonly next: readonly string[] };

async function poolOf(settings: Settings, choices: WizardChoices, { userPoolId, cdkOutputs }: EnvironmentAccess): Promise<Pool> {
	if (choices.userPool !== undefined) return { id: choices.userPool, from: 'chosen' };
	if (userPoolId.value !== null) return { id: userPoolId.value, from: userPoolId.from };
	const shown = showPath(cdkOutputs.value, settings.cwd);
	const found = await readUserPoolId(resolve(settings.cwd, cdkOutputs.value), shown).catch((thrown: unknown) => asRepotError(thrown));
	if (found.kind === 'found') return { id: found.id, from: `${shown} ${found.output}` };
	// A file that cannot be used keeps nobody from choosing a pool.
	if (found instanceof RepotError) {
		if (found.kind !== 'usage') throw found;
		const why = [found.message, found.where, found.why].filter((part) => part !== undefined).join(': ');
		return { id: null, why, next: found.next };
	}
	const next = ['--user-pool-id ID: the Cognito pool that holds the user', '--cdk-outputs FILE: the outputs that name it'];
	if (found.kind === 'no-pool') return { id: null, why: `${shown} names no user pool among its outputs`, next };
	return { id: null, why: `no user pool is known: there is no ${shown}`, next };
}
