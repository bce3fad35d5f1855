import { useCallback, useState } from 'react';
import type { CredentialRow, Way } from '../source/core/credentials/rows.js';
import type { Operations, WizardChoices } from '../source/core/operations.js';
import { Secret } from '../source/core/secret.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { CredentialField, type TypedCredential } from './credential-field.js';
import { credentialLines, failingRow } from './credential-lines.js';
import { type CredentialSearch, useCredentials } from './hooks/use-credentials.js';
import type { Binding } from './key-router.js';
import { words } from './lines.js';
import { LoginScreen } from './login.js';
import { PickOne } from './pick-one.js';
import type { Place } from './place.js';
import { useCanvas, useShell } from './shell-context.js';

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
type Doing = 'table' | 'typing-url' | 'typing-user-id' | 'typing-mfa' | 'profile' | 'pool' | 'login';

const typed: Partial<Record<Doing, TypedCredential>> = { 'typing-url': 'url', 'typing-user-id': 'user-id', 'typing-mfa': 'mfa' };

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
			if (field === 'url') onTarget(new Secret(text));
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
			return <CredentialTable {...props} search={search} onDo={setDoing} />;
	}
}

interface CredentialTableProps extends CredentialsScreenProps {
	readonly search: CredentialSearch;
	readonly onDo: (what: Doing) => void;
}

function CredentialTable({ place, command, runMilliseconds, search, onDo, onNext, onBack }: CredentialTableProps) {
	const canvas = useCanvas();
	const { clock } = useShell();
	const { rows, found, error, again } = search;
	const failing = failingRow(rows);
	const ways = failing?.ways ?? [];
	const ready = found !== null && failing === undefined && found.target !== null && found.tenant !== null;
	const typable = failing === undefined || failing.shown !== null ? null : (typedWays.find((way) => way === ways[0]) ?? null);
	const acts: Record<Way, () => void> = {
		login: () => onDo('login'),
		profile: () => onDo('profile'),
		mfa: () => onDo('typing-mfa'),
		url: () => onDo('typing-url'),
		'user-id': () => onDo('typing-user-id'),
		'create-user': () => again({ createUser: true }),
		pool: () => onDo('pool'),
	};
	const next = () => {
		// What can simply be typed is asked for at once; nothing that acts outside is done by Enter.
		if (ready) onNext(saidOf(rows));
		else if (typable !== null) acts[typable]();
	};
	const body =
		error === null
			? rows.length === 0
				? [words('Looking ...', 'dim')]
				: credentialLines({ rows, now: clock.now(), runMilliseconds }, canvas)
			: errorLines(error.toJSON(), canvas.width);
	const bindings: readonly Binding[] = [
		{
			keys: ['enter'],
			label: 'enter',
			does: ready ? 'next' : typable === null ? 'next (when the test is ok)' : wayKeys[typable].does,
			run: next,
		},
		...ways.filter((way) => !always.includes(way)).map((way) => ({ ...wayKeys[way], run: acts[way] })),
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
		...always.map((way) => ({ ...wayKeys[way], run: acts[way], bar: ways.includes(way) || ways.length === 0 })),
		{ keys: ['p'], label: 'p', does: 'AWS profile', run: acts.profile, bar: false },
		{ keys: ['r'], label: 'r', does: 'test again', run: () => again({ fresh: true }) },
	].filter((binding, index, all) => all.findIndex(({ keys }) => keys[0] === binding.keys[0]) === index);
	return <Frame {...place} body={body} bindings={bindings} command={command} />;
}

const wayKeys: Record<Way, { readonly keys: readonly string[]; readonly label: string; readonly does: string }> = {
	login: { keys: ['l'], label: 'l', does: 'aws sso login' },
	profile: { keys: ['p'], label: 'p', does: 'AWS profile' },
	mfa: { keys: ['m'], label: 'm', does: 'type the code' },
	url: { keys: ['u'], label: 'u', does: 'type a URL' },
	'user-id': { keys: ['t'], label: 't', does: 'type a user id' },
	'create-user': { keys: ['c'], label: 'c', does: 'create the user' },
	pool: { keys: ['o'], label: 'o', does: 'another pool' },
};

/** Can be typed whatever is found. */
const always: readonly Way[] = ['user-id', 'url'];

/** Asked for by Enter, where it is the first way on and nothing was found that could be mended. */
const typedWays: readonly Way[] = ['mfa', 'url', 'user-id'];

const saidOf = (rows: readonly CredentialRow[]): string => {
	const shown = (name: CredentialRow['name']) => rows.find((row) => row.name === name)?.shown ?? '';
	return `${shown('postgres')}   user id ${shown('user')}`;
};
