/**
 * What is looked at once more before anything is written. Reads only, and promises nothing: the run itself refuses a stale plan and a held
 * lock again.
 */

import { sessionWords } from './credentials/session-end.js';
import { asRepotError, type RepotError } from './errors.js';
import { formatBytes } from './format.js';
import type { Guard } from './plan/request.js';
import type { Plan } from './plan/types.js';
import type { Clock, Source, Target } from './ports.js';
import { refuseStale } from './stale.js';

/** In the order in which they are shown; each is always told. */
export const readinessNames = ['target', 'lock', 'room', 'backup'] as const;
/** `session`: that of AWS, only where it ends before the run does, or soon. */
export type ReadinessName = (typeof readinessNames)[number] | 'session';

export interface ReadinessCheck {
	readonly name: ReadinessName;
	/** `x`: the run would be refused or fail. `look`: something to know before. */
	readonly result: 'ok' | 'look' | 'x';
	/** A few words, without a period. */
	readonly words: string;
	/** What to do about it: one sentence without a period. */
	readonly next?: string;
}

/** Free bytes on the file system that holds `path`, or would; `device` is equal for paths on one file system. Null: it does not tell. */
export type FreeSpace = (path: string) => Promise<{ readonly free: number; readonly device: string } | null>;

export interface ReadinessPorts {
	readonly source: Source;
	readonly target: Target;
	readonly freeSpace: FreeSpace;
	/** Absolute; the folder in which runs are kept. */
	readonly stateDir: string;
	readonly clock: Clock;
	/** When the AWS session ends that the target was found with; null: it does not, or none was needed. Milliseconds since the epoch. */
	readonly sessionEndsAt: number | null;
	/** Each new connection to the target takes a token of that session. */
	readonly tokens: boolean;
}

/** Every check once, each as soon as it is known. Nothing is thrown: what cannot be found out is a check's words. */
export async function* readiness(
	plan: Plan,
	guard: Guard,
	ports: ReadinessPorts,
	signal?: AbortSignal,
): AsyncGenerator<ReadinessCheck, void, void> {
	const pending = new Map<ReadinessName, Promise<ReadinessCheck>>([
		['target', targetCheck(plan, ports, signal)],
		['lock', lockCheck(plan, ports, signal)],
		['room', roomCheck(plan, ports, signal)],
		['backup', Promise.resolve(backupCheck(plan, guard))],
	]);
	const session = sessionCheck(plan, ports);
	if (session !== null) yield session;
	const aborted = whenAborted(signal);
	while (pending.size > 0) {
		const check = await Promise.race([...pending.values(), aborted]);
		if (check === null) return;
		pending.delete(check.name);
		yield check;
	}
}

function sessionCheck({ totals }: Plan, { sessionEndsAt, clock, tokens }: ReadinessPorts): ReadinessCheck | null {
	const told = sessionWords(sessionEndsAt, clock.now(), totals.seconds * 1000, tokens);
	if (told === null) return null;
	return { name: 'session', result: told.state, words: told.words, next: 'Log in anew first, and test the credentials again' };
}

function whenAborted(signal: AbortSignal | undefined): Promise<null> {
	return new Promise((resolve) => {
		if (signal?.aborted === true) resolve(null);
		signal?.addEventListener('abort', () => resolve(null), { once: true });
	});
}

/** Aborting a statement of an embedded database ends its thread, which costs the run more than the statement does. */
const cancelling = (plan: Plan, signal: AbortSignal | undefined): AbortSignal | undefined => (plan.target.embedded ? undefined : signal);

async function targetCheck(plan: Plan, { source, target }: ReadinessPorts, signal: AbortSignal | undefined): Promise<ReadinessCheck> {
	// It changed the target itself, and is asked only whether the source is the same.
	if (plan.resumes !== undefined) return { name: 'target', result: 'ok', words: `run ${plan.resumes} goes on where it stopped` };
	try {
		// The source is the copy that was planned on, whose fingerprints are known: only the target is looked at.
		await refuseStale(plan, source, target, cancelling(plan, signal));
		return { name: 'target', result: 'ok', words: 'unchanged since the plan' };
	} catch (thrown) {
		const error = asRepotError(thrown);
		if (error.kind !== 'stale-plan') return failed('target', error);
		return { name: 'target', result: 'x', words: error.why ?? error.message, next: 'Plan again, and look at what the plan says now' };
	}
}

async function lockCheck(plan: Plan, { target }: ReadinessPorts, signal: AbortSignal | undefined): Promise<ReadinessCheck> {
	try {
		const holder = await target.lockHolder(cancelling(plan, signal));
		if (holder === null) return { name: 'lock', result: 'ok', words: 'free: no other run writes there' };
		return { name: 'lock', result: 'x', words: `held by ${holder}`, next: 'Wait until that has ended' };
	} catch (thrown) {
		return failed('lock', asRepotError(thrown));
	}
}

function failed(name: ReadinessName, error: RepotError): ReadinessCheck {
	const [next] = error.next;
	const words = [error.message, error.why].filter((part) => part !== undefined).join(': ');
	return { name, result: 'x', words, ...(next === undefined ? {} : { next }) };
}

const mebibyte = 2 ** 20;
/** Plan, events and reports of one run; records set aside are kept twice, as value and as whole record. */
const runFilesBytes = 16 * mebibyte;
/** What an embedded database with pgvector takes before it holds anything: 39 MiB measured. */
const newDatabaseBytes = 48 * mebibyte;
/** Rows, their indexes and the write-ahead log. */
const timesTheData = 3;

interface Need {
	readonly path: string;
	/** Bytes without which nothing can work, and bytes that it may take. */
	readonly least: number;
	readonly may: number;
}

function needsOf({ target, totals }: Plan, stateDir: string): readonly Need[] {
	const aside = totals.records === 0 ? 0 : (2 * totals.bytes * totals.rejected) / totals.records;
	const runs = { path: stateDir, least: mebibyte, may: runFilesBytes + aside };
	if (!target.embedded) return [runs];
	const base = target.pgvectorVersion === null ? newDatabaseBytes : 0;
	return [{ path: target.identity, least: base + totals.bytes, may: base + timesTheData * totals.bytes }, runs];
}

/** Free bytes on the server's disk; null: not visible from here, or the target is no server. */
async function serverRoom(plan: Plan, target: Target, signal: AbortSignal | undefined): Promise<number | null> {
	if (plan.target.embedded) return null;
	const test = await target.test(signal).catch(() => null);
	return test?.freeBytes ?? null;
}

async function roomCheck(
	plan: Plan,
	{ freeSpace, stateDir, target }: ReadinessPorts,
	signal: AbortSignal | undefined,
): Promise<ReadinessCheck> {
	const onServer = await serverRoom(plan, target, signal);
	const unseen = "; the server's disk is not visible from here";
	const beyond = plan.target.embedded ? '' : onServer === null ? unseen : `; ${formatBytes(onServer)} free on the server's disk`;
	const needed = timesTheData * plan.totals.bytes;
	if (onServer !== null && onServer < needed) {
		return {
			name: 'room',
			result: onServer < plan.totals.bytes ? 'x' : 'look',
			words: `only ${formatBytes(onServer)} free on the server's disk; about ${formatBytes(needed)} may be taken`,
			next: 'Make room on the server',
		};
	}
	const disks = new Map<string, Need & { readonly free: number }>();
	for (const need of needsOf(plan, stateDir)) {
		const found = await freeSpace(need.path).catch(() => null);
		if (found === null)
			return { name: 'room', result: 'look', words: `this system does not tell how much is free in ${need.path}${beyond}` };
		const shared = disks.get(found.device);
		const { path, least, may } = shared ?? need;
		const both = shared === undefined ? { least, may } : { least: least + need.least, may: may + need.may };
		disks.set(found.device, { path, ...both, free: found.free });
	}
	const all = [...disks.values()];
	const full = all.find(({ free, least }) => free < least);
	const tight = full ?? all.find(({ free, may }) => free < may);
	if (tight !== undefined) {
		const words = `only ${formatBytes(tight.free)} free in ${tight.path}; about ${formatBytes(tight.may)} may be taken${beyond}`;
		return {
			name: 'room',
			result: full === undefined ? 'look' : 'x',
			words,
			next: 'Make room, or keep runs on another disk with --state-dir',
		};
	}
	const free = `${formatBytes(Math.min(...all.map((disk) => disk.free)))} free here`;
	const may = all.reduce((sum, disk) => sum + disk.may, 0);
	return {
		name: 'room',
		result: 'ok',
		words: plan.target.embedded ? `${free}; about ${formatBytes(may)} may be taken` : `${free}${beyond}`,
	};
}

function backupCheck({ policies }: Plan, guard: Guard): ReadinessCheck {
	const covered = policies.onConflict === 'update' ? 'what this run writes, and restores what it overwrites' : 'what this run writes';
	if (guard === 'open') return { name: 'backup', result: 'ok', words: `repot rollback removes exactly ${covered}` };
	return {
		name: 'backup',
		result: 'look',
		words: 'none can be seen from here; repot rollback covers only what this run writes',
		next: 'Have a snapshot or a backup of the database at hand',
	};
}
