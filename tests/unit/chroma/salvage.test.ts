import { cpSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCopy } from '../../../services/chroma/chroma-copy.js';
import { sequenceOf } from '../../../services/chroma/values.js';
import { Database } from '../../../services/sqlite/engine.js';
import { RepotError } from '../../../source/core/errors.js';
import { LostValue } from '../../../source/core/mapping/cast-result.js';
import { sameCosine } from '../../chroma/cosine.js';
import { canonicalLine, hexOf, type ReadRecord, readAll } from './canonical.js';
import { generator } from './damage.js';
import { overwritePages, pagesByTree } from './pages.js';
import { recordings, unpackRecording } from './recorded.js';
import { temporaryFolder } from './support.js';

interface ReadCollection {
	readonly space: string;
	/** Null: the collection is refused by name. */
	readonly records: ReadonlyMap<string, ReadRecord> | null;
}

interface Read {
	readonly collections: ReadonlyMap<string, ReadCollection>;
	readonly lost: readonly string[];
}

/** Null: refused as a whole. Anything that is no RepotError is thrown on. */
function readDirectory(directory: string): Read | null {
	try {
		const copy = openCopy(join(directory, 'chroma.sqlite3'), directory, 0);
		try {
			const collections = new Map<string, ReadCollection>();
			for (const { id, space } of copy.describe().collections)
				collections.set(id, { space, records: readCollection(() => copy.reader(id)) });
			return { collections, lost: copy.describe().lost ?? [] };
		} finally {
			copy.close();
		}
	} catch (thrown) {
		if (thrown instanceof RepotError) return null;
		throw thrown;
	}
}

function readCollection(open: () => Parameters<typeof readAll>[0]): ReadonlyMap<string, ReadRecord> | null {
	try {
		const records = readAll(open());
		expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
		return new Map(records.map((record) => [record.id, record]));
	} catch (thrown) {
		if (thrown instanceof RepotError) return null;
		throw thrown;
	}
}

const isPartlyLost = ({ document, metadata }: ReadRecord): boolean =>
	[document, metadata].some((value: unknown) => value instanceof LostValue);

/** Whether the casts set the record aside and name it: a value is lost, or there is no vector. */
const isNamed = (record: ReadRecord): boolean => isPartlyLost(record) || record.embedding?.every(Number.isFinite) !== true;

/** A log that lost a vector leaves that of a cosine index, which Chroma answers: it may differ in the last bit. */
function isSame(space: string, truth: ReadRecord, read: ReadRecord): boolean {
	if (isPartlyLost(read)) return false;
	if (canonicalLine(truth, 'typed', false) !== canonicalLine(read, 'typed', false)) return false;
	if (truth.embedding === null || read.embedding === null) return truth.embedding === read.embedding;
	const [given, found] = [hexOf(truth.embedding), hexOf(read.embedding)];
	return given === found || (space === 'cosine' && sameCosine(given, found));
}

/** Ids of records that have writes in the log which the tables have not taken in: where the log is lost, nothing else tells of those. */
function unappliedIds(directory: string): ReadonlySet<string> {
	const database = new Database(join(directory, 'chroma.sqlite3'), { readonly: true });
	try {
		const applied = new Map(
			(
				database
					.prepare("SELECT s.collection, m.seq_id FROM segments s LEFT JOIN max_seq_id m ON m.segment_id = s.id WHERE s.scope = 'METADATA'")
					.safeIntegers(true)
					.raw()
					.all() as [string, unknown][]
			).map(([collection, sequence]) => [collection, sequenceOf(sequence) ?? 0]),
		);
		const rows = database.prepare('SELECT seq_id, topic, id FROM embeddings_queue').raw().all() as [number, string, string][];
		return new Set(
			rows.flatMap(([sequence, topic, id]) => {
				const collection = topic.slice(topic.lastIndexOf('/') + 1);
				return sequence > (applied.get(collection) ?? 0) ? [`${collection} ${id}`] : [];
			}),
		);
	} finally {
		database.close();
	}
}

interface Comparison {
	/** Records that are not as they were and do not say so. */
	readonly unnamed: readonly string[];
	readonly named: number;
	/** Collections refused by name. */
	readonly refused: number;
	readonly lost: readonly string[];
}

function compare(truth: Read, unapplied: ReadonlySet<string>, read: Read): Comparison {
	const unnamed: string[] = [];
	let named = 0;
	let refused = 0;
	const excused = read.lost.some((loss) => loss.includes('if there were any, are lost')) ? unapplied : new Set<string>();
	const countsLost = read.lost.some((loss) => loss.includes('records are lost that no index names'));
	for (const [collection, { space, records }] of truth.collections) {
		const found = read.collections.get(collection);
		if (found === undefined) unnamed.push(`collection ${collection} is not there`);
		else if (found.records === null) refused += 1;
		else {
			for (const [id, record] of records ?? []) {
				const other = found.records.get(id);
				if (other !== undefined && isSame(space, record, other)) continue;
				if (other === undefined ? countsLost : isNamed(other)) named += 1;
				else if (!excused.has(`${collection} ${id}`)) unnamed.push(`${id}: ${other === undefined ? 'not there' : 'differs'}`);
			}
			for (const [id, record] of found.records) {
				if (records?.has(id) !== true && !isNamed(record) && !excused.has(`${collection} ${id}`)) unnamed.push(`${id}: never was`);
			}
		}
	}
	return { unnamed, named, refused, lost: read.lost };
}

function wholeDirectory(name: string, folder: string) {
	const { directory } = unpackRecording(name, join(folder, name));
	// Rolls back what a killed writer left: pages are those of the state that is read.
	const truth = readDirectory(directory);
	if (truth === null) throw new Error(`${name} cannot be read`);
	return { name, directory, truth, unapplied: unappliedIds(directory), trees: pagesByTree(directory) };
}

type Whole = ReturnType<typeof wholeDirectory>;

function damaged(whole: Whole, folder: string, damage: (directory: string) => void): Comparison | null {
	const directory = join(folder, 'damaged');
	cpSync(whole.directory, directory, { recursive: true });
	try {
		damage(directory);
		const read = readDirectory(directory);
		return read === null ? null : compare(whole.truth, whole.unapplied, read);
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
}

/** More of them show more: 6,000 were run when this was written. */
const rounds = Number(process.env.REPOT_TEST_FUZZ_ROUNDS ?? 250);

const newest = ['0.5.23-33', '0.6.3-22', '1.5.9-37', '1.5.9-38'];
const oldest = ['0.4.24-1', '0.4.24-33'];

/** Trees that say what the others hold: what they lose is refused, of the whole directory or by collection. */
const naming = /^(sqlite_schema|collections|segments)$/;
const isFullText = (tree: string): boolean => tree.startsWith('embedding_fulltext');

describe('one page of chroma.sqlite3 is overwritten', () => {
	for (const name of [...newest, ...oldest]) {
		it(`${name}: every page in turn; each record is as it was or set aside by name`, { timeout: 60_000 }, () => {
			const folder = temporaryFolder();
			const whole = wholeDirectory(name, folder);
			const outcomes = new Map<string, Set<string>>();
			for (const [tree, pages] of whole.trees) {
				for (const page of pages) {
					const found = damaged(whole, folder, (directory) => overwritePages(directory, [page]));
					expect(found?.unnamed ?? [], `page ${page} of ${tree}`).toEqual([]);
					const outcome = found === null ? 'refused' : found.refused > 0 ? 'collections refused' : found.named > 0 ? 'named' : 'whole';
					outcomes.set(tree, (outcomes.get(tree) ?? new Set()).add(outcome));
				}
			}
			for (const [tree, seen] of outcomes) {
				if (tree.startsWith('sqlite_schema')) expect([...seen]).toEqual(['refused']);
				else if (tree === 'collections' || tree === 'segments') expect([...seen]).toEqual(['collections refused']);
				else if (/^(embeddings_queue|embedding_metadata|embedding_metadata_array)( overflow)?$/.test(tree)) {
					expect(
						[...seen].every((outcome) => outcome === 'whole' || outcome === 'named'),
						`${tree}: ${[...seen]}`,
					).toBe(true);
				} else expect([...seen], tree).toEqual(['whole']);
			}
		});
	}
});

describe('any damage to chroma.sqlite3', () => {
	it('several pages, runs of pages, noise, zeros and cut files: nothing differs that is not named', { timeout: 120_000 }, () => {
		const folder = temporaryFolder();
		const wholes = recordings.map((name) => wholeDirectory(name, folder));
		const random = generator(Number(process.env.REPOT_TEST_FUZZ_SEED ?? 20260202));
		const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
		const seen = { refused: 0, collections: 0, named: 0, whole: 0 };
		for (let round = 0; round < rounds; round++) {
			const whole = pick(wholes);
			// Pages of derived text, and of the trees without which nothing is read, are most of these small files.
			const trees = [...whole.trees].filter(([tree]) => !naming.test(tree) && !isFullText(tree));
			const kind = random(5);
			const first = pick(trees.flatMap(([, pages]) => pages));
			const btrees = trees.filter(([tree]) => !tree.endsWith(' overflow')).flatMap(([, pages]) => pages);
			const what = `round ${round}, kind ${kind}, page ${first} of ${whole.name}`;
			let found: Comparison | null;
			try {
				found = damaged(whole, folder, (directory) => {
					const size = readFileSync(join(directory, 'chroma.sqlite3')).length;
					if (kind === 0)
						overwritePages(
							directory,
							Array.from({ length: 2 + random(4) }, () => pick(btrees)),
						);
					else if (kind === 1)
						overwritePages(
							directory,
							[first, first + 1, first + 2].slice(0, 1 + random(3)).filter((page) => page * 4096 <= size),
						);
					else if (kind === 2) overwritePages(directory, [first], () => random(256));
					// Zeros in the last page of a long text or vector are nothing that could be told from its own.
					else if (kind === 3) overwritePages(directory, [pick(btrees)], 0);
					else truncateSync(join(directory, 'chroma.sqlite3'), size - random(Math.floor(size / 3)));
				});
			} catch (thrown) {
				throw new Error(what, { cause: thrown });
			}
			expect(found?.unnamed ?? [], `${what}; told: ${found?.lost.join('; ')}`).toEqual([]);
			if (found === null) seen.refused += 1;
			else if (found.refused > 0) seen.collections += 1;
			else if (found.named > 0) seen.named += 1;
			else seen.whole += 1;
		}
		expect(seen.named).toBeGreaterThan(30);
		expect(seen.whole).toBeGreaterThan(30);
	});
});
