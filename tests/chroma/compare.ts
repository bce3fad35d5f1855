import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChromaSnapshot } from '../../services/chroma/open.js';
import { Database } from '../../services/sqlite/engine.js';
import { anyStep, canonicalLine, hexOf, type ReadRecord, readAll } from '../unit/chroma/canonical.js';
import type { CollectionAnswer, DirectoryAnswers } from './answers.js';
import { sameCosine } from './cosine.js';

/**
 * Compares what the reader gives for a directory with what its own Chroma answered for a copy of it. Returns one line per difference; none when
 * they agree. `directory` holds the database whose log is looked at for the vectors that were given.
 */
export function differences(snapshot: ChromaSnapshot, directory: string, answers: DirectoryAnswers): readonly string[] {
	const found = snapshot.describe();
	const lines: string[] = [];
	const ids = found.collections.map(({ id }) => id).sort();
	const expected = answers.collections.map(({ id }) => id).sort();
	if (ids.join() !== expected.join()) lines.push(`collections: ${ids.join()} instead of ${expected.join()}`);
	const unexpected = found.notes.filter((note) => !note.includes(strayNote));
	const undisturbed = answers.killed === null && !answers.poisoned && answers.collections.every(({ error }) => error === null);
	if (undisturbed) lines.push(...unexpected.map((note) => `note: ${note}`));
	const strayLists = answers.killed !== null && found.notes.some((note) => note.includes(strayNote));
	const logged = loggedVectors(directory);
	for (const answer of answers.collections) {
		const collection = found.collections.find(({ id }) => id === answer.id);
		if (collection === undefined) continue;
		const records = readAll(snapshot.reader(answer.id));
		const own = [
			...facts(collection, answer, records.length),
			...recordDifferences(records, answer, answers.order, strayLists),
			...vectorDifferences(records, answer, logged.get(answer.id) ?? new Map(), collection.space),
			...resumption(snapshot, answer.id, records),
		];
		lines.push(...own.map((line) => `${answer.tenant}/${answer.database}/${answer.name} (${collection.space}): ${line}`));
	}
	return lines;
}

/** Chroma 1.5 leaves the lists of a deleted collection behind. */
const strayNote = 'list values belong to no record';

type Collection = ReturnType<ChromaSnapshot['describe']>['collections'][number];

function facts(collection: Collection, answer: CollectionAnswer, count: number): readonly string[] {
	const lines: string[] = [];
	const differ = (name: string, ours: unknown, theirs: unknown): void => {
		if (ours !== theirs) lines.push(`${name} ${String(ours)} instead of ${String(theirs)}`);
	};
	differ('records', collection.records, count);
	differ('tenant', collection.tenant, answer.tenant);
	differ('database', collection.database, answer.database);
	differ('name', collection.name, answer.name);
	if (answer.space !== null) differ('space', collection.space, answer.space);
	differ('metadata', normalJson(collection.metadata === null ? null : JSON.parse(collection.metadata)), normalJson(answer.metadata));
	return lines;
}

const normalJson = (value: Readonly<Record<string, unknown>> | null): string =>
	JSON.stringify(value === null ? null : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Ids, order, documents, URIs and typed metadata. `strayLists`: a Chroma that applies the rest of the log after a kill gives new records the row numbers of
 * old ones, whose lists it then shows; the log says that they have none.
 */
function recordDifferences(
	records: readonly ReadRecord[],
	answer: CollectionAnswer,
	order: DirectoryAnswers['order'],
	strayLists: boolean,
): readonly string[] {
	const sorted = order === 'row' ? records : [...records].sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
	const ours = sorted.map((record) => canonicalLine(record, 'typed', false));
	const answered = answer.records.map((line) => line.replace(/"embedding":"[0-9a-f]*"/, '"embedding":null'));
	const theirs = strayLists ? answered.map((line, at) => (withoutLists(line) === ours[at] ? withoutLists(line) : line)) : answered;
	if (answer.error !== null && theirs.length === 0) return [];
	if (ours.join('\n') === theirs.join('\n')) return [];
	const only = (side: readonly string[], other: readonly string[], name: string): string[] => {
		const known = new Set(other);
		return side.filter((line) => !known.has(line)).map((line) => `only ${name}: ${line}`);
	};
	const lines = [...only(ours, theirs, 'ours'), ...only(theirs, ours, "Chroma's")];
	return lines.length > 0 ? lines : [`the same records in another order: ${idsOf(sorted)} instead of ${theirs.map(idIn).join(' ')}`];
}

const withoutLists = (line: string): string => {
	const record = JSON.parse(line) as { metadata: Record<string, unknown> | null };
	const kept = Object.entries(record.metadata ?? {}).filter(([, value]) => !Array.isArray(value));
	return JSON.stringify({ ...record, metadata: kept.length === 0 ? null : Object.fromEntries(kept) });
};

const idsOf = (records: readonly ReadRecord[]): string => records.map(({ id }) => id).join(' ');
const idIn = (line: string): string => (JSON.parse(line) as { readonly id: string }).id;

/** By collection and id: every vector that the log of a directory holds, in hex. Read from a copy, because a killed writer may have left a journal. */
function loggedVectors(directory: string): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
	const copy = mkdtempSync(join(tmpdir(), 'repot-log-'));
	try {
		for (const name of ['chroma.sqlite3', 'chroma.sqlite3-journal'])
			if (existsSync(join(directory, name))) cpSync(join(directory, name), join(copy, name));
		return readLog(join(copy, 'chroma.sqlite3'));
	} finally {
		rmSync(copy, { recursive: true });
	}
}

function readLog(path: string): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
	const database = new Database(path, { fileMustExist: true });
	const logged = new Map<string, Map<string, string[]>>();
	try {
		const rows = database.prepare('SELECT topic, id, vector FROM embeddings_queue WHERE vector IS NOT NULL').raw().all() as [
			string,
			string,
			Buffer,
		][];
		for (const [topic, id, vector] of rows) {
			const collection = topic.slice(topic.lastIndexOf('/') + 1);
			const ids = logged.get(collection) ?? new Map<string, string[]>();
			logged.set(collection, ids);
			ids.set(id, [...(ids.get(id) ?? []), vector.toString('hex')]);
		}
		return logged;
	} finally {
		database.close();
	}
}

/**
 * Vectors, bit for bit. Where Chroma answers from a cosine index, its answer has been divided by the norm and multiplied again; ours is that answer, or
 * the vector as it was given, from the log, whose answer that is. While the log holds the vector that was given, ours must be that one.
 * Where Chroma cannot answer, ours must be one that was given, or none.
 */
function vectorDifferences(
	records: readonly ReadRecord[],
	answer: CollectionAnswer,
	logged: ReadonlyMap<string, readonly string[]>,
	space: string,
): readonly string[] {
	const answered = new Map(
		answer.records.map((line) => {
			const { id, embedding } = JSON.parse(line) as { readonly id: string; readonly embedding: string | null };
			return [id, embedding];
		}),
	);
	const lines: string[] = [];
	for (const { id, embedding } of records) {
		const ours = embedding === null ? null : hexOf(embedding);
		const theirs = answered.get(id) ?? null;
		const inLog = logged.get(id) ?? [];
		const why = answer.error === null ? unlike(ours, theirs, inLog, space) : unlikeAnyGiven(ours, answer.given[id] ?? [], space);
		if (why !== null) lines.push(`vector of ${JSON.stringify(id)}: ${why}; ours ${ours}, Chroma's ${theirs}, in the log ${inLog.join()}`);
	}
	return lines;
}

function unlike(ours: string | null, theirs: string | null, inLog: readonly string[], space: string): string | null {
	if (ours === null || theirs === null) return ours === theirs ? null : 'only one side has it';
	if (space !== 'cosine') return ours === theirs ? null : 'not the same';
	const originals = inLog.filter((vector) => sameCosine(vector, theirs));
	if (originals.length > 0) return originals.includes(ours) ? null : 'not the original, although the log has it';
	return ours === theirs ? null : "neither Chroma's answer nor the original";
}

function unlikeAnyGiven(ours: string | null, given: readonly string[], space: string): string | null {
	if (ours === null || given.includes(ours)) return null;
	return space === 'cosine' && given.some((vector) => sameCosine(vector, ours)) ? null : 'it was never given';
}

/** Reading that goes on after a record in the middle gives the rest. */
function resumption(snapshot: ChromaSnapshot, id: string, records: readonly ReadRecord[]): readonly string[] {
	const middle = Math.floor(records.length / 2);
	const reader = snapshot.reader(id);
	const cursors = [...reader.read(anyStep, ['id'], null)].map(({ cursor }) => cursor);
	const rest = readAll(reader, cursors[middle] ?? null);
	const expected = records.slice(cursors[middle] === undefined ? 0 : middle + 1);
	const lines = (list: readonly ReadRecord[]): string => list.map((record) => canonicalLine(record, 'typed', true)).join('\n');
	return lines(rest) === lines(expected) ? [] : [`reading on after record ${middle} gives other records`];
}
