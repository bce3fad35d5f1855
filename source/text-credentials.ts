import type { CredentialOptions, FoundCredentials } from './core/credentials/find.js';
import { credentialFacts } from './core/credentials/row-words.js';
import { type CredentialRow, credentialLabels, type Way } from './core/credentials/rows.js';
import { readTypedUrl } from './core/postgres-url.js';
import { Secret } from './core/secret.js';
import type { Prompter } from './prompter.js';
import { backOrQuit, type Talk, type Turn } from './text-talk.js';
import { choicesOf, type WizardAction } from './wizard.js';

/** Step 3 of the text wizard: tells what is found as it is found, and asks for what is not. */
export async function askCredentials(talk: Talk): Promise<Turn> {
	talk.prompter.say('Step 3 of 6, credentials. Secrets are never shown.');
	for (let options: CredentialOptions = {}; ; ) {
		const found = await search(talk, options);
		const answer = await ask(talk, found);
		if (typeof answer === 'string' || !('search' in answer)) return answer;
		options = answer.search;
	}
}

function search({ context, prompter, state, stopped }: Talk, options: CredentialOptions): Promise<FoundCredentials> {
	const { operations, clock } = context;
	const onRow = (row: CredentialRow): void => {
		if (row.state === 'waiting' || row.state === 'working') return;
		const label = credentialLabels[row.name];
		const { error, shown, notes = [] } = row;
		if (error !== undefined) {
			prompter.say(`${label}: not found. ${[error.message, error.where, error.why].filter((part) => part !== undefined).join(': ')}.`);
			for (const step of error.next ?? []) prompter.say(`Next: ${step}`);
		} else prompter.say(`${label}: ${[shown ?? '', ...credentialFacts(row, clock.now())].join(', ')}.`);
		for (const note of notes) prompter.say(`Look: ${note}`);
	};
	return operations.credentials(choicesOf(state), options, onRow, stopped);
}

type Asked = Turn | { readonly search: CredentialOptions };

const wayWords: Readonly<Record<Way, readonly [letter: string, words: string]>> = {
	login: ['l', 'to run aws sso login'],
	profile: ['p', 'to choose another AWS profile'],
	mfa: ['m', 'to type the code of the MFA device'],
	url: ['u', 'to type another URL'],
	'user-id': ['t', 'to type another user id'],
	'create-user': ['c', 'to create the user'],
	pool: ['o', 'to choose another Cognito pool'],
};

async function ask(talk: Talk, { rows, target, tenant }: FoundCredentials): Promise<Asked> {
	const { prompter } = talk;
	const failing = rows.find(({ state }) => state === 'x');
	const ready = failing === undefined && target !== null && tenant !== null;
	// Nothing was found that could be mended: what is missing is asked for at once.
	const [first] = failing?.ways ?? [];
	const isAsked = first === 'user-id' || first === 'mfa' || (first === 'url' && failing?.ways?.includes('profile') !== true);
	if (failing !== undefined && failing.shown === null && isAsked) return act(talk, first);
	const ways: readonly Way[] = [...new Set<Way>([...(failing?.ways ?? []), 'url', 'user-id'])];
	const question = [ready ? 'Press Enter for the dry run' : 'Press Enter to test again', ...ways.map((way) => wayWords[way].join(' '))];
	const answer = await prompter.press(
		`${question.join(', ')}, b to go back`,
		ways.map((way) => wayWords[way][0]),
	);
	if (answer.kind !== 'text') return backOrQuit(answer.kind);
	const way = ways.find((one) => wayWords[one][0] === answer.text);
	if (way !== undefined) return act(talk, way);
	return ready ? [{ type: 'next', said: '' }] : { search: { fresh: true } };
}

async function act(talk: Talk, way: Way): Promise<Asked> {
	const { context, prompter, state, stopped } = talk;
	const { operations } = context;
	switch (way) {
		case 'login':
			await operations.login(choicesOf(state), (text) => prompter.say(text), stopped);
			return { search: { fresh: true } };
		case 'create-user':
			return { search: { createUser: true } };
		case 'mfa':
			return asText(prompter, 'Code of the MFA device', false, (code) => ({ search: { fresh: true, mfaCode: new Secret(code) } }));
		case 'url':
			return asText(prompter, 'Target URL (not shown while you type)', true, (text) => {
				const read = readTypedUrl(text);
				if ('url' in read) return [{ type: 'type-target', target: read.url }];
				prompter.say(`This cannot be used: ${read.refused}.`);
				return 'again';
			});
		case 'user-id':
			return asText(prompter, 'User id', false, (tenant) => [{ type: 'type-tenant', tenant }]);
		case 'profile': {
			const profiles = await operations.awsProfiles();
			return asOne(
				prompter,
				'AWS profile',
				profiles.map(({ name, kind }) => [name, `${name}, ${kind}`]),
				(profile) => ({ type: 'choose-profile', profile }),
			);
		}
		case 'pool': {
			const pools = await operations.userPools(choicesOf(state), stopped);
			return asOne(
				prompter,
				'Cognito pool',
				pools.map(({ id, name }) => [id, `${id}, ${name}`]),
				(pool) => ({ type: 'choose-pool', pool }),
			);
		}
	}
}

async function asText(prompter: Prompter, question: string, secret: boolean, then: (text: string) => Asked): Promise<Asked> {
	const answer = await prompter.ask(question, { secret });
	if (answer.kind !== 'text') return backOrQuit(answer.kind);
	return answer.text === '' ? 'again' : then(answer.text);
}

async function asOne(
	prompter: Prompter,
	what: string,
	items: readonly (readonly [value: string, words: string])[],
	then: (value: string) => WizardAction,
): Promise<Asked> {
	if (items.length === 0) {
		prompter.say(`There is no ${what} to choose.`);
		return 'again';
	}
	items.forEach(([, words], index) => {
		prompter.say(`${index + 1}. ${words}`);
	});
	const number = await prompter.choose(what, items.length, 1);
	// Back leads to the credentials, not to the step before.
	if (typeof number !== 'number') return number === 'quit' ? 'quit' : 'again';
	const [value] = items[number - 1] ?? [];
	return value === undefined ? 'again' : [then(value)];
}
