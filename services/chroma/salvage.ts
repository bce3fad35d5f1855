import type BetterSqlite from 'better-sqlite3';
import { formatQuantity } from '../../source/core/format.js';
import { Database } from '../sqlite/engine.js';
import { PageFile } from '../sqlite/page-file.js';
import { type Fits, insertInto, type KnownValue, type LostRow, salvage, type TableSalvage } from '../sqlite/salvage.js';
import type { Losses, LossNote, LostKeys, Stretch } from './losses.js';
import { sequenceOf } from './values.js';

const tables = [
	...['migrations', 'tenants', 'databases', 'collections', 'collection_metadata', 'segments', 'segment_metadata', 'max_seq_id'],
	...['embeddings', 'embedding_metadata', 'embedding_metadata_array', 'embeddings_queue', 'embeddings_queue_config'],
];

/** Rows as these tables have them; the two of metadata look alike, and a page that fits both is given to neither. */
const metadataRow: Fits = ([id, key]) => typeof id === 'bigint' && typeof key === 'string';
const fits: Readonly<Record<string, Fits>> = {
	embeddings: ([id, segment, name, sequence]) =>
		id === null && typeof segment === 'string' && typeof name === 'string' && (typeof sequence === 'bigint' || Buffer.isBuffer(sequence)),
	embedding_metadata: metadataRow,
	embedding_metadata_array: metadataRow,
	embeddings_queue: ([sequence, , operation, topic, id]) =>
		sequence === null && typeof operation === 'bigint' && typeof topic === 'string' && typeof id === 'string',
};

/** A row without which nothing in the directory can be told. */
export class BeyondSalvage extends Error {
	override readonly name = 'BeyondSalvage';
}

/**
 * Builds at `into` (a path) a database of all that can be read of the damaged copy at `path`, and tells what is lost. Whole pages are left out; what the
 * indexes of a table say of the rows on them is put in their place. Throws BeyondSalvage where the tables that name collections are lost, and what SQLite
 * throws while it writes.
 */
export function salvageCopy(path: string, into: string): Losses {
	const file = new PageFile(path);
	const database = new Database(into);
	try {
		database.pragma('journal_mode = OFF');
		database.pragma('synchronous = OFF');
		database.exec('BEGIN');
		const found = salvage(file, database, tables, fits);
		if (!found.has('embeddings') || !found.has('embedding_metadata')) throw new BeyondSalvage('tables are missing');
		database.exec('CREATE INDEX salvaged_embeddings ON embeddings (segment_id, embedding_id)');
		database.exec('CREATE INDEX salvaged_metadata ON embedding_metadata (id, key)');
		if (found.has('embedding_metadata_array')) database.exec('CREATE INDEX salvaged_lists ON embedding_metadata_array (id, key)');
		const losses = new Completion(database, found).losses();
		database.exec('COMMIT');
		return losses;
	} finally {
		database.close();
		file.close();
	}
}

const untouched: TableSalvage = { lost: [], holes: [], unnamed: [] };
const everywhere: Stretch = { after: Number.NEGATIVE_INFINITY, upTo: Number.POSITIVE_INFINITY };

/** Puts rows together that indexes know in full, and names those that are lost. */
class Completion {
	readonly #database: BetterSqlite.Database;
	readonly #found: ReadonlyMap<string, TableSalvage>;
	readonly #keys = new Map<number, Set<string>>();
	readonly #unsure: Stretch[] = [];
	#restored = 0;

	constructor(database: BetterSqlite.Database, found: ReadonlyMap<string, TableSalvage>) {
		this.#database = database;
		this.#found = found;
	}

	losses(): Losses {
		this.#require('migrations', ['dir', 'version']);
		const collections = this.#collections();
		const databases = this.#restore('databases', ['id', 'name', 'tenant_id']);
		const segments = this.#restore('segments', ['id', 'type', 'scope', 'collection']);
		const records = this.#records();
		this.#metadata('embedding_metadata');
		this.#metadata('embedding_metadata_array');
		const log = this.#log();
		const unapplied = this.#appliedFromRecords(log.log.length > 0 || log.logRows.size > 0);
		return {
			...log,
			keys: this.#keys,
			unsure: this.#unsure,
			records,
			collections: new Map([...unapplied, ...collections]),
			segments,
			databases,
			collectionKeys: this.#ownKeys('collection_metadata', 'collection_id'),
			segmentKeys: this.#ownKeys('segment_metadata', 'segment_id'),
			notes: this.#notes(records, log.log, log.logRows.size),
		};
	}

	#of(table: string): TableSalvage {
		return this.#found.get(table) ?? untouched;
	}

	#write(table: string, row: LostRow, known: ReadonlyMap<string, KnownValue>): void {
		insertInto(this.#database, table, ['rowid', ...known.keys()]).run(BigInt(row.rowid), ...known.values());
		this.#restored += 1;
	}

	/** Writes lost rows of which these columns are known. True: some are lost all the same. */
	#restore(table: string, columns: readonly string[], fill: Readonly<Record<string, KnownValue>> = {}): boolean {
		const { lost, unnamed } = this.#of(table);
		let isLossy = unnamed.length > 0;
		for (const row of lost) {
			if (columns.every((name) => row.known.has(name) && row.known.get(name) !== null)) {
				this.#write(table, row, new Map([...row.known, ...Object.entries(fill).filter(([name]) => !row.known.has(name))]));
			} else isLossy = true;
		}
		return isLossy;
	}

	#require(table: string, columns: readonly string[]): void {
		if (this.#restore(table, columns)) throw new BeyondSalvage(`rows of its table ${table} are lost`);
	}

	/** A collection whose row is lost is named by the indexes. */
	#collections(): ReadonlyMap<string, string> {
		const { lost } = this.#of('collections');
		this.#require('collections', ['id', 'name']);
		return new Map(lost.map(({ known }) => [String(known.get('id')), 'the row that describes it is lost']));
	}

	/** The unique index names every record. What it does not know is the sequence of its last write: 0, which comes before every other. */
	#records(): boolean {
		return this.#restore('embeddings', ['segment_id', 'embedding_id'], { seq_id: 0n });
	}

	/** A key has one typed value. Without the indexes over values (before 0.5.6), and for booleans, only the key is known. */
	#metadata(table: string): void {
		const { lost, unnamed } = this.#of(table);
		for (const row of lost) {
			const [id, key] = [row.known.get('id'), row.known.get('key')];
			const value = ['string_value', 'int_value', 'float_value'].some((name) => (row.known.get(name) ?? null) !== null);
			if (typeof id !== 'bigint') this.#unsure.push(everywhere);
			else if (typeof key !== 'string') this.#unsure.push({ after: Number(id), upTo: Number(id) });
			else if (value) this.#write(table, row, row.known);
			else this.#loseKey(Number(id), key);
		}
		for (const { after, before } of unnamed) {
			const [from, to] = [after?.[0], before?.[0]];
			this.#unsure.push({
				after: typeof from === 'bigint' ? Number(from) : everywhere.after,
				upTo: typeof to === 'bigint' ? Number(to) : everywhere.upTo,
			});
		}
	}

	#loseKey(row: number, key: string): void {
		const keys = this.#keys.get(row) ?? new Set();
		this.#keys.set(row, keys.add(key));
	}

	/**
	 * How far the records have taken in the log, where that number is lost: not less far than their newest one was written. What follows in the log is then
	 * applied once more, which changes nothing unless rows of it are missing. Returns the collections for which that cannot be done.
	 */
	#appliedFromRecords(isLogLossy: boolean): ReadonlyMap<string, string> {
		const { lost, unnamed } = this.#of('max_seq_id');
		if (lost.length === 0 && unnamed.length === 0) return new Map();
		if (isLogLossy) {
			const concerned = this.#database
				.prepare("SELECT collection FROM segments WHERE scope = 'METADATA' AND id NOT IN (SELECT segment_id FROM max_seq_id)")
				.pluck()
				.all();
			return new Map(concerned.map((id) => [String(id), 'rows of its log are lost, and how much of the log its records have taken in']));
		}
		const segments = this.#database
			.prepare('SELECT DISTINCT segment_id FROM embeddings WHERE segment_id NOT IN (SELECT segment_id FROM max_seq_id)')
			.pluck()
			.all();
		const newest = this.#database
			.prepare('SELECT seq_id FROM embeddings WHERE segment_id = ? ORDER BY typeof(seq_id) = ? DESC, seq_id DESC LIMIT 1')
			.safeIntegers(true)
			.pluck();
		const insert = insertInto(this.#database, 'max_seq_id', ['segment_id', 'seq_id']);
		for (const segment of segments) insert.run(segment, newest.get(segment, 'integer'));
		return new Map();
	}

	#log(): Pick<Losses, 'log' | 'logRows'> {
		const { lost, holes } = this.#of('embeddings_queue');
		const stretches: Stretch[] = [...holes];
		const rows = new Set<number>();
		for (const row of lost) {
			const named = ['operation', 'topic', 'id'].every((name) => (row.known.get(name) ?? null) !== null);
			if (!named) {
				stretches.push({ after: row.rowid - 1, upTo: row.rowid });
				continue;
			}
			rows.add(row.rowid);
			// Stands for a vector that there was; no reader takes an encoding of that name.
			const known = ['operation', 'topic', 'id'].map((name) => [name, row.known.get(name) as KnownValue] as const);
			this.#write('embeddings_queue', row, new Map<string, KnownValue>([...known, ['vector', Buffer.alloc(1)], ['encoding', 'LOST']]));
			this.#restored -= 1;
		}
		return { log: stretches.sort((a, b) => a.after - b.after), logRows: rows };
	}

	#ownKeys(table: string, owner: string): LostKeys {
		const { lost, unnamed } = this.#of(table);
		if (unnamed.length > 0) return 'all';
		const keys = new Map<string, Set<string>>();
		for (const { known } of lost) {
			const [id, key] = [known.get(owner), known.get('key')];
			if (typeof id !== 'string' || typeof key !== 'string') return 'all';
			keys.set(id, (keys.get(id) ?? new Set()).add(key));
		}
		return keys;
	}

	#notes(records: boolean, log: readonly Stretch[], logRows: number): readonly LossNote[] {
		const notes: LossNote[] = [];
		const applied = this.#applied();
		for (const { after, upTo } of log) {
			const unapplied = upTo > applied ? `; writes after ${Math.max(applied, after, 0)}, if there were any, are lost with it` : '';
			notes.push({ code: 'LOG_PAGES_LOST', message: `the write-ahead log cannot be read ${between(after, upTo)}${unapplied}`, count: 1 });
		}
		if (logRows > 0) {
			const message = `${formatQuantity(logRows, 'row')} of the write-ahead log lost vector or metadata`;
			notes.push({ code: 'LOG_ROWS_DAMAGED', message, count: logRows });
		}
		if (records) notes.push({ code: 'RECORDS_LOST', message: `records are lost that no index names${this.#ownerless()}`, count: 1 });
		if (this.#restored > 0) {
			const message = `${formatQuantity(this.#restored, 'row')} on pages that cannot be read, taken from the indexes that repeat them`;
			notes.push({ code: 'ROWS_RESTORED', message, count: this.#restored });
		}
		return notes;
	}

	/** Last sequence number that the tables of any collection have taken in. */
	#applied(): number {
		const numbers = this.#database.prepare('SELECT seq_id FROM max_seq_id').safeIntegers(true).pluck().all();
		return numbers.reduce((highest: number, value) => Math.max(highest, sequenceOf(value) ?? 0), 0);
	}

	#ownerless(): string {
		const count = this.#database
			.prepare('SELECT count(DISTINCT id) FROM embedding_metadata WHERE id NOT IN (SELECT id FROM embeddings)')
			.pluck()
			.get();
		return count === 0 ? '' : `: there is document or metadata of ${String(count)} records without an id`;
	}
}

function between(after: number, upTo: number): string {
	if (!Number.isFinite(upTo)) return Number.isFinite(after) ? `after sequence number ${after}` : 'at all';
	return Number.isFinite(after) ? `from sequence number ${after + 1} to ${upTo}` : `up to sequence number ${upTo}`;
}
