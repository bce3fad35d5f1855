import { useCallback, useState } from 'react';
import type { Way } from '../source/core/credentials/rows.js';
import type { Operations, WizardChoices } from '../source/core/operations.js';
import { readTypedUrl } from '../source/core/postgres-url.js';
import { Secret } from '../source/core/secret.js';
import { CreateUser } from './create-user.js';
import { CredentialField, type TypedCredential } from './credential-field.js';
import { CredentialTable } from './credential-table.js';
import { useCredentials } from './hooks/use-credentials.js';
import { LoginScreen } from './login.js';
import { PickOne } from './pick-one.js';
import type { Place } from './place.js';

interface CredentialsScreenProps {
	readonly place: Place;
	readonly operations: Operations;
	readonly choices: WizardChoices;
	/** Counts the URLs that were typed: a secret cannot be compared, its replacement must still be tested. */
	readonly targetEdition: number;
	/** What the plan of these choices says that the run takes; null: there is none yet. */
	readonly runMilliseconds: number | null;
	readonly command: readonly string[];
	readonly onTarget: (target: Secret) => void;
	readonly onTenant: (tenant: string) => void;
	readonly onProfile: (profile: string) => void;
	readonly onPool: (pool: string) => void;
	readonly onNext: (said: string) => void;
	readonly onBack: () => void;
}

/** What is done about a row, beside looking at the table. */
type Doing = 'table' | Way;

const typed: Partial<Record<Doing, TypedCredential>> = { url: 'url', 'user-id': 'user-id', mfa: 'mfa' };

/** Step 3: what is needed, where it came from, whether it works. Secrets are never shown. */
export function CredentialsScreen(props: CredentialsScreenProps) {
	const { place, operations, choices, targetEdition, onTarget, onTenant, onProfile, onPool } = props;
	const [doing, setDoing] = useState<Doing>('table');
	const { target, ...open } = choices;
	const search = useCredentials(`${targetEdition} ${JSON.stringify(open)}`, (options, onRow, signal) =>
		operations.credentials(choices, options, onRow, signal),
	);
	const { again } = search;
	const back = () => setDoing('table');
	const loggedIn = useCallback(() => {
		setDoing('table');
		again({ fresh: true });
	}, [again]);
	const field = typed[doing];
	if (field !== undefined) {
		const take = (text: string) => {
			const read = readTypedUrl(text);
			if (field === 'url' && 'url' in read) onTarget(read.url);
			else if (field === 'url') return;
			else if (field === 'user-id') onTenant(text);
			else again({ fresh: true, mfaCode: new Secret(text) });
			back();
		};
		return (
			<CredentialField
				place={place}
				what={field}
				initial={field === 'user-id' ? (choices.tenant ?? '') : ''}
				onDone={take}
				onCancel={back}
			/>
		);
	}
	const pickPlace = { place, onCancel: back };
	switch (doing) {
		case 'profile':
			return (
				<PickOne
					{...pickPlace}
					title="Which AWS profile?"
					columns={['PROFILE', 'KIND', 'REGION', 'ABOUT']}
					none="The shared AWS config names no profile: aws configure sso makes one"
					start={choices.awsProfile ?? null}
					load={async () =>
						(await operations.awsProfiles()).map(({ name, kind, region, about }) => ({
							value: name,
							about: [kind, region ?? '-', about ?? ''],
						}))
					}
					onPick={(profile) => {
						onProfile(profile);
						back();
					}}
				/>
			);
		case 'pool':
			return (
				<PickOne
					{...pickPlace}
					title="Which Cognito pool?"
					columns={['POOL', 'NAME']}
					none="This AWS identity sees no user pool in its region"
					start={choices.userPool ?? null}
					load={async (signal) => (await operations.userPools(choices, signal)).map(({ id, name }) => ({ value: id, about: [name] }))}
					onPick={(pool) => {
						onPool(pool);
						back();
					}}
				/>
			);
		case 'create-user':
			return (
				<CreateUser
					{...pickPlace}
					missing={search.rows.find(({ name }) => name === 'user')?.error?.message ?? 'The pool has no such user'}
					onCreate={() => {
						again({ createUser: true });
						back();
					}}
				/>
			);
		case 'login':
			return (
				<LoginScreen
					place={place}
					profile={choices.awsProfile ?? null}
					login={(onLine, signal) => operations.login(choices, onLine, signal)}
					onDone={loggedIn}
					onCancel={back}
				/>
			);
		default:
			return (
				<CredentialTable
					place={place}
					command={props.command}
					runMilliseconds={props.runMilliseconds}
					search={search}
					onDo={setDoing}
					onNext={props.onNext}
					onBack={props.onBack}
				/>
			);
	}
}
