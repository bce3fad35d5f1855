/**
 * Finds what a run needs and tests it, telling each thing as a row as soon as something is known of it: who AWS says we are, the database's
 * URL, whether the database answers, the user's id. What cannot be found is a row that says why; nothing is thrown but an interruption.
 */

import { asRepotError, RepotError } from '../errors.js';
import type { AwsIdentity, Cloud, TargetProblem, TargetTest } from '../ports.js';
import type { Secret } from '../secret.js';
import { databaseUrl, type FoundUrl, type ReadUrl } from './database-url.js';
import { type CredentialNeeds, needsAws } from './needs.js';
import { noSuchUser, statusNotes } from './pool-user.js';
import { type CredentialName, type CredentialRow, credentialNames, type Way } from './rows.js';
import { inOneLine, serverWords, standsInTheWay } from './tested-target.js';

export interface CredentialPorts {
	readonly cloud: Cloud;
	readonly readUrl: ReadUrl;
	/** A URL as it may be shown. */
	readonly mask: (url: Secret) => string;
	/** Null: the target is not tested. */
	readonly test: ((url: Secret, signal?: AbortSignal) => Promise<TargetTest>) | null;
	/** Throws RepotError when this environment may not write there. */
	readonly refuse: (url: Secret) => Promise<void>;
	/** The same for the parameter that would be read. */
	readonly refuseParameter: (name: string) => void;
	readonly memo: CredentialMemo;
	/** Tables that exist are used as they are. */
	readonly skipsSchema: boolean;
}

export interface CredentialOptions {
	/** What was found before is looked for again. */
	readonly fresh?: boolean;
	/** The user is created when the pool has none of the name. */
	readonly createUser?: boolean;
	readonly mfaCode?: Secret;
}

/** What was found by earlier calls, by what it was looked for with. */
export class CredentialMemo {
	readonly identities = new Map<string, AwsIdentity>();
	readonly urls = new Map<string, FoundUrl>();
	readonly users = new Map<string, UserFound>();

	clear(): void {
		for (const map of [this.identities, this.urls, this.users]) map.clear();
	}
}

interface UserFound {
	readonly id: string;
	readonly row: CredentialRow;
}

/** What was found; null: it was not, and the row of its name says why. */
export interface FoundCredentials {
	readonly rows: readonly CredentialRow[];
	readonly identity: AwsIdentity | null;
	readonly target: Secret | null;
	readonly tenant: string | null;
	/** In the order of the rows. */
	readonly errors: readonly RepotError[];
}

export type OnRow = (row: CredentialRow) => void;

export async function findCredentials(
	needs: CredentialNeeds,
	ports: CredentialPorts,
	options: CredentialOptions,
	onRow: OnRow,
	signal?: AbortSignal,
): Promise<FoundCredentials> {
	const search = new Search(needs, ports, options, onRow, signal);
	return search.run();
}

const row = (name: CredentialName, state: CredentialRow['state'], more: Partial<CredentialRow> = {}): CredentialRow => ({
	name,
	state,
	shown: null,
	from: null,
	...more,
});

class Search {
	readonly #needs: CredentialNeeds;
	readonly #ports: CredentialPorts;
	readonly #options: CredentialOptions;
	readonly #onRow: OnRow;
	readonly #signal: AbortSignal | undefined;
	readonly #rows = new Map<CredentialName, CredentialRow>();
	readonly #errors = new Map<CredentialName, RepotError>();

	constructor(needs: CredentialNeeds, ports: CredentialPorts, options: CredentialOptions, onRow: OnRow, signal: AbortSignal | undefined) {
		this.#needs = needs;
		this.#ports = ports;
		this.#options = options;
		this.#onRow = onRow;
		this.#signal = signal;
	}

	async run(): Promise<FoundCredentials> {
		const { target, user, tokens } = this.#needs;
		if (this.#options.fresh === true) this.#forget();
		for (const waiting of this.#waitingRows()) this.#tell(waiting);
		// Nothing is read with an identity that was not shown before.
		const identity = needsAws(this.#needs) ? await this.#identify() : null;
		const [url, tenant] = await Promise.all([
			// A token takes the identity as a parameter does.
			(target.kind === 'given' && !tokens) || identity !== null ? this.#target() : null,
			user?.kind !== 'cognito' || identity !== null ? this.#user() : null,
		]);
		const inOrder = credentialNames.flatMap((name) => this.#rows.get(name) ?? []);
		const errors = credentialNames.flatMap((name) => this.#errors.get(name) ?? []);
		return { rows: inOrder, identity, target: url, tenant, errors };
	}

	/** Credentials that worked are asked for again, not loaded anew: an MFA code is good once. */
	#forget(): void {
		const { memo, cloud } = this.#ports;
		const worked = memo.identities.has(JSON.stringify(this.#needs.access));
		memo.clear();
		if (!worked) cloud.forget();
	}

	#waitingRows(): readonly CredentialRow[] {
		const { target, user } = this.#needs;
		const shown = target.kind === 'given' ? this.#ports.mask(target.url) : null;
		const from = target.kind === 'given' ? target.from : `ssm ${target.name}`;
		return [
			...(needsAws(this.#needs) ? [row('aws', 'waiting', { from: this.#needs.profileFrom })] : []),
			row('postgres', 'waiting', { shown, from }),
			...(user === null ? [] : [row('user', 'waiting', user.kind === 'cognito' ? { from: `cognito ${user.pool}` } : {})]),
		];
	}

	#tell(told: CredentialRow): void {
		this.#rows.set(told.name, told);
		this.#onRow(told);
	}

	#working(name: CredentialName): void {
		const before = this.#rows.get(name) ?? row(name, 'waiting');
		this.#tell({ ...before, state: 'working' });
	}

	/** A failure as the row of its thing. An interruption ends the search. */
	#failed(name: CredentialName, thrown: unknown, ways: readonly Way[]): null {
		const error = asRepotError(thrown);
		if (error.kind === 'interrupted' || this.#signal?.aborted === true) throw error;
		this.#errors.set(name, error);
		const before = this.#rows.get(name) ?? row(name, 'waiting');
		this.#tell({ ...before, state: 'x', error: error.toJSON(), ways });
		return null;
	}

	async #identify(): Promise<AwsIdentity | null> {
		const { access } = this.#needs;
		const key = JSON.stringify(access);
		this.#working('aws');
		try {
			const { mfaCode } = this.#options;
			const more = { ...(mfaCode === undefined ? {} : { mfaCode }), ...(this.#signal === undefined ? {} : { signal: this.#signal }) };
			const identity = this.#ports.memo.identities.get(key) ?? (await this.#ports.cloud.identify(access, more));
			this.#ports.memo.identities.set(key, identity);
			const { arn, from, latencyMilliseconds } = identity;
			this.#tell(row('aws', 'ok', { shown: arn, from, latencyMilliseconds, identity }));
			return identity;
		} catch (thrown) {
			return this.#failed('aws', thrown, waysOfIdentity(asRepotError(thrown)));
		}
	}

	async #target(): Promise<Secret | null> {
		this.#working('postgres');
		const found = await this.#url();
		if (found === null) return null;
		const { url, ...stamp } = found;
		const told = {
			shown: this.#ports.mask(url),
			from: stamp.from,
			...(stamp.changedAt === null ? {} : { changedAt: stamp.changedAt }),
			...(stamp.version === null ? {} : { version: stamp.version }),
		};
		try {
			await this.#ports.refuse(url);
			if (this.#ports.test === null) {
				this.#tell(row('postgres', 'ok', told));
				return url;
			}
			this.#tell(row('postgres', 'working', told));
			return this.#tested(told, await this.#ports.test(url, this.#signal)) ? url : null;
		} catch (thrown) {
			return this.#failed('postgres', thrown, ['url']);
		}
	}

	async #url(): Promise<FoundUrl | null> {
		const { target, access, tokens } = this.#needs;
		if (target.kind === 'given') return { url: target.url, from: target.from, version: null, changedAt: null, latencyMilliseconds: 0 };
		const { memo, cloud, readUrl } = this.#ports;
		const key = JSON.stringify([access, target, tokens]);
		try {
			this.#ports.refuseParameter(target.name);
			const found = memo.urls.get(key) ?? (await databaseUrl(cloud, access, target, readUrl, tokens, this.#signal));
			memo.urls.set(key, found);
			return found;
		} catch (thrown) {
			return this.#failed('postgres', thrown, ['url', 'profile']);
		}
	}

	/** False: something stands in the way. */
	#tested(told: Partial<CredentialRow>, test: TargetTest): boolean {
		const { facts, latencyMilliseconds, problems, looks = [] } = test;
		const inTheWay = problems.filter((problem) => standsInTheWay(problem, this.#ports.skipsSchema));
		const others = problems.filter((problem) => !inTheWay.includes(problem)).map(({ words }) => words);
		const ofVector = inTheWay.filter(({ about }) => about === 'pgvector');
		const ofServer = inTheWay.filter(({ about }) => about !== 'pgvector');
		const seen = { ...told, latencyMilliseconds, found: serverWords(test), test };
		const notes = [...others, ...looks];
		this.#tell(row('postgres', notes.length > 0 ? 'look' : 'ok', { ...seen, ...(notes.length > 0 ? { notes } : {}) }));
		if (ofServer.length > 0) this.#failed('postgres', notReady('The target cannot take this run', ofServer), ['url']);
		const version = facts.pgvectorVersion;
		this.#tell(row('pgvector', 'ok', { shown: version ?? 'not installed yet', from: 'target' }));
		if (ofVector.length > 0) this.#failed('pgvector', notReady('pgvector cannot be used', ofVector), ['url']);
		return inTheWay.length === 0;
	}

	async #user(): Promise<string | null> {
		const { user } = this.#needs;
		if (user === null) return null;
		if (user.kind === 'given') {
			this.#tell(row('user', 'ok', { shown: user.id, from: user.from }));
			return user.id;
		}
		if (user.kind === 'missing') {
			const { why, next, username } = user;
			const error = new RepotError({ kind: 'usage', code: 'NO_USER_ID', message: 'No user id is known', why, next });
			return this.#failed('user', error, username === null ? ['user-id'] : ['user-id', 'pool']);
		}
		this.#working('user');
		try {
			return await this.#poolUser(user);
		} catch (thrown) {
			const error = asRepotError(thrown);
			const ways: readonly Way[] = error.code === 'NO_SUCH_USER' ? ['create-user', 'user-id', 'pool'] : ['user-id', 'pool'];
			return this.#failed('user', error, ways);
		}
	}

	async #poolUser({ pool, poolFrom, username, usernameFrom }: Extract<CredentialNeeds['user'], { kind: 'cognito' }>): Promise<string> {
		const { access } = this.#needs;
		const { memo, cloud } = this.#ports;
		const key = JSON.stringify([access, pool, username]);
		const known = memo.users.get(key);
		if (known !== undefined) {
			this.#tell(known.row);
			return known.id;
		}
		const found = await cloud.findUser(access, pool, username, this.#signal);
		const isNew = found === null && this.#options.createUser === true;
		const person = isNew ? await cloud.createUser(access, pool, username, this.#signal) : found;
		if (person === null) throw noSuchUser(pool, poolFrom, username, usernameFrom);
		const notes = [...(isNew ? [`created ${username} in ${pool}`] : []), ...statusNotes(person.enabled, person.status)];
		const told = row('user', notes.length > 0 && !(isNew && notes.length === 1) ? 'look' : 'ok', {
			shown: person.sub,
			from: `cognito ${pool} ${person.username}`,
			latencyMilliseconds: person.latencyMilliseconds,
			...(person.createdAt === null ? {} : { changedAt: person.createdAt }),
			...(notes.length === 0 ? {} : { notes }),
		});
		memo.users.set(key, { id: person.sub, row: told });
		this.#tell(told);
		return person.sub;
	}
}

const notReady = (message: string, problems: readonly TargetProblem[]): RepotError =>
	new RepotError({ kind: 'target', code: 'TARGET_NOT_READY', message, why: inOneLine(problems) });

function waysOfIdentity({ code }: RepotError): readonly Way[] {
	switch (code) {
		case 'SSO_EXPIRED':
		case 'SSO_LOGGED_OUT':
			return ['login', 'profile', 'url'];
		case 'MFA_NEEDED':
		case 'MFA_REFUSED':
			return ['mfa', 'profile', 'url'];
		case 'NO_AWS_CREDENTIALS':
			return ['url', 'profile'];
		default:
			return ['profile', 'url'];
	}
}
