import type BetterSqlite from 'better-sqlite3';
import { Database } from './engine.js';
import { lost, type StoredRow, type StoredValue } from './page-cells.js';
import type { PageFile } from './page-file.js';
import { quoteName } from './schema.js';
import { type Hole, type IndexGap, markTree, strandedLeaves, type Visited, walkIndex, walkTable } from './walk-tree.js';

/** A value that is known. */
export type KnownValue = Exclude<StoredValue, typeof lost>;

/** A row that is lost as a whole or in part, with the columns that are known by name. */
export interface LostRow {
	readonly rowid: number;
	readonly known: Map<string, KnownValue>;
}

/** What became of one table. */
export interface TableSalvage {
	/** Rows whose table page or overflow pages cannot be read, by rowid: what its indexes and the rest of its page say of them. */
	readonly lost: readonly LostRow[];
	/** Stretches of rowids in which rows were lost of which no index says that these are all. */
	readonly holes: readonly Hole[];
	/** Where in the order of its first complete index such rows would stand; one that is open on both sides where it has no index. Empty: none. */
	readonly unnamed: readonly IndexGap[];
}

/** Says of a row of unknown origin whether it can be one of the table's. */
export type Fits = (values: readonly StoredValue[]) => boolean;

interface Tree {
	readonly kind: 'table' | 'index' | 'other';
	readonly name: string;
	readonly table: string;
	readonly root: number;
	readonly sql: string | null;
}

/** The database's own list of what it holds cannot be read. */
export class SchemaLost extends Error {
	override readonly name = 'SchemaLost';
}

/**
 * Copies every row that can be read of the `wanted` tables into `into`, as tables of the same names and columns without constraints, and tells what is lost. Rows below a lost
 * page of a tree are found by looking through the whole file for pages that nothing leads to and whose rows fit (`fits`). Throws SchemaLost.
 */
export function salvage(
	file: PageFile,
	into: BetterSqlite.Database,
	wanted: readonly string[],
	fits: Readonly<Record<string, Fits>>,
): ReadonlyMap<string, TableSalvage> {
	const visited: Visited = new Set();
	const trees = readTrees(file, visited);
	const layout = scratchOf(trees.filter(({ table }) => wanted.includes(table)));
	try {
		const tables = trees
			.filter(({ kind, name }) => kind === 'table' && wanted.includes(name))
			.map((tree) => new SalvagedTable(tree, trees, layout, into));
		for (const table of tables) table.holes = walkTable(file, table.tree.root, visited, (row) => table.take(row));
		if (tables.some(({ holes }) => holes.length > 0)) {
			for (const { root } of trees) if (!visited.has(root)) markTree(file, root, visited);
			adoptStranded(file, visited, tables, fits);
		}
		return new Map(tables.map((table) => [table.tree.name, table.result(file)]));
	} finally {
		layout.close();
	}
}

/** The rows of sqlite_schema, whose root is page 1: type, name, tbl_name, rootpage, sql. */
function readTrees(file: PageFile, visited: Visited): readonly Tree[] {
	const trees: Tree[] = [];
	const holes = walkTable(file, 1, visited, ({ values }) => {
		const [type, name, table, root, sql] = values;
		if (typeof name !== 'string' || typeof table !== 'string' || values.slice(0, 5).includes(lost)) throw new SchemaLost();
		if (typeof root !== 'bigint' || root < 1n) return;
		const kind = type === 'table' || type === 'index' ? type : 'other';
		trees.push({ kind, name, table, root: Number(root), sql: typeof sql === 'string' ? sql : null });
	});
	if (holes.length > 0) throw new SchemaLost();
	return trees;
}

/** An empty database with the same tables and indexes, which knows their columns. Each text is one statement: prepare() refuses more. */
function scratchOf(trees: readonly Tree[]): BetterSqlite.Database {
	const scratch = new Database(':memory:');
	for (const kind of ['table', 'index']) {
		for (const tree of trees) {
			if (tree.kind !== kind || tree.sql === null || !/^CREATE (UNIQUE )?(TABLE|INDEX)\b/i.test(tree.sql)) continue;
			try {
				scratch.prepare(tree.sql).run();
			} catch {
				// A table that SQLite cannot make is not there for the reader either; an index is one help less.
			}
		}
	}
	return scratch;
}

interface Column {
	readonly name: string;
	readonly type: string;
	readonly pk: number;
}

class SalvagedTable {
	readonly tree: Tree;
	holes: readonly Hole[] = [];
	readonly #indexes: readonly Tree[];
	readonly #layout: BetterSqlite.Database;
	readonly #columns: readonly Column[];
	/** Column that is the rowid itself. */
	readonly #alias: string | null;
	readonly #insert: BetterSqlite.Statement;
	readonly #exists: BetterSqlite.Statement;
	readonly #lost = new Map<number, LostRow>();

	constructor(tree: Tree, trees: readonly Tree[], layout: BetterSqlite.Database, into: BetterSqlite.Database) {
		this.tree = tree;
		this.#indexes = trees.filter(({ kind, table }) => kind === 'index' && table === tree.name);
		this.#layout = layout;
		this.#columns = layout.prepare('SELECT name, type, pk FROM pragma_table_info(?)').all(tree.name) as Column[];
		if (this.#columns.length === 0) throw new SchemaLost();
		const keys = this.#columns.filter(({ pk }) => pk > 0);
		this.#alias = keys.length === 1 && keys[0]?.type.toUpperCase() === 'INTEGER' ? keys[0].name : null;
		const definitions = this.#columns.map(
			({ name, type }) => `${quoteName(name)} ${/^\w*$/.test(type) ? type : ''}${name === this.#alias ? ' PRIMARY KEY' : ''}`,
		);
		into.exec(`CREATE TABLE ${quoteName(tree.name)} (${definitions.join(', ')})`);
		this.#insert = insertInto(into, tree.name, ['rowid', ...this.#others.map(({ name }) => name)]);
		this.#exists = into.prepare(`SELECT 1 FROM ${quoteName(tree.name)} WHERE rowid = ?`);
	}

	get #others(): readonly Column[] {
		return this.#columns.filter(({ name }) => name !== this.#alias);
	}

	take({ rowid, values }: StoredRow): void {
		if (values.includes(lost) || values.length > this.#columns.length) this.#remember(rowid, values);
		else {
			const stored = this.#columns.flatMap(({ name }, at) => (name === this.#alias ? [] : [values[at] ?? null]));
			this.#insert.run(BigInt(rowid), ...stored);
		}
	}

	#remember(rowid: number, values: readonly StoredValue[]): void {
		const row = this.#lostRow(rowid);
		this.#columns.forEach(({ name }, at) => {
			const value = values[at];
			if (value !== undefined && value !== lost && name !== this.#alias) row.known.set(name, value);
		});
	}

	#lostRow(rowid: number): LostRow {
		let row = this.#lost.get(rowid);
		if (row === undefined) {
			row = { rowid, known: new Map(this.#alias === null ? [] : [[this.#alias, BigInt(rowid)]]) };
			this.#lost.set(rowid, row);
		}
		return row;
	}

	/** The hole that all of these rows fall into. */
	holeOf(rows: readonly StoredRow[]): Hole | null {
		const [first, last] = [rows[0]?.rowid ?? 0, rows.at(-1)?.rowid ?? 0];
		return this.holes.find(({ after, upTo }) => first > after && last <= upTo) ?? null;
	}

	canHold(rows: readonly StoredRow[], fits: Fits): boolean {
		return this.holeOf(rows) !== null && rows.every(({ values }) => values.length <= this.#columns.length && fits(values));
	}

	/** Looks up what is lost in the indexes, and tells it. */
	result(file: PageFile): TableSalvage {
		if (this.holes.length === 0 && this.#lost.size === 0) return { lost: [], holes: [], unnamed: [] };
		let naming: readonly IndexGap[] | null = null;
		for (const index of this.#indexes) {
			const gaps = this.#askIndex(file, index);
			if (gaps !== null && (naming === null || gaps.length < naming.length)) naming = gaps;
		}
		const holes = this.holes.filter((hole) => !this.#isAccounted(hole));
		const unnamed = holes.length === 0 ? [] : (naming ?? [{ after: null, before: null }]);
		const rows = [...this.#lost.values()].sort((a, b) => a.rowid - b.rowid);
		return { lost: rows, holes: unnamed.length === 0 ? [] : holes, unnamed };
	}

	/** Whether every number in the hole is known to be a row, read or lost. */
	#isAccounted({ after, upTo }: Hole): boolean {
		// Row numbers begin at 1.
		const from = Math.max(after, 0);
		if (!Number.isFinite(upTo) || upTo - from > 1_000_000) return false;
		for (let rowid = from + 1; rowid <= upTo; rowid++) {
			if (!this.#lost.has(rowid) && this.#exists.get(BigInt(rowid)) === undefined) return false;
		}
		return true;
	}

	/** Returns where entries are missing; null: not every row has an entry in it. */
	#askIndex(file: PageFile, index: Tree): readonly IndexGap[] | null {
		const columns = this.#layout.prepare('SELECT name FROM pragma_index_info(?) ORDER BY seqno').pluck().all(index.name) as (
			| string
			| null
		)[];
		if (columns.length === 0 || columns.includes(null)) return null;
		const named = new Set<number>();
		const gaps = walkIndex(file, index.root, new Set(), (entry) => {
			const rowid = Number(entry.at(-1));
			if (!Number.isSafeInteger(rowid) || !this.#isMissing(rowid)) return;
			const row = this.#lostRow(rowid);
			named.add(rowid);
			columns.forEach((name, at) => {
				const value = entry[at];
				if (name !== null && value !== undefined && value !== lost) row.known.set(name, value);
			});
		});
		const isPartial = /\bWHERE\b/i.test(index.sql ?? '');
		const notNull = /\bWHERE\s+"?(\w+)"?\s+IS\s+NOT\s+NULL\s*$/i.exec(index.sql ?? '')?.[1];
		if (notNull !== undefined && gaps.length === 0) {
			for (const { rowid, known } of this.#lost.values()) if (!named.has(rowid)) known.set(notNull, null);
		}
		return isPartial ? null : gaps;
	}

	#isMissing(rowid: number): boolean {
		if (this.#lost.has(rowid)) return true;
		if (!this.holes.some(({ after, upTo }) => rowid > after && rowid <= upTo)) return false;
		return this.#exists.get(BigInt(rowid)) === undefined;
	}
}

/** A statement that writes one row with these columns. */
export function insertInto(database: BetterSqlite.Database, table: string, columns: readonly string[]): BetterSqlite.Statement {
	const names = columns.map((name) => (name === 'rowid' ? name : quoteName(name)));
	return database.prepare(`INSERT INTO ${quoteName(table)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
}

/**
 * Gives stranded leaf pages to the one table that they fit. Where every page of the file is known for something afterwards, a hole that took pages had lost a page of the
 * tree above its rows and none of them; elsewhere it shrinks by the pages it took.
 */
function adoptStranded(file: PageFile, visited: Visited, tables: readonly SalvagedTable[], fits: Readonly<Record<string, Fits>>): void {
	const free = file.freePages();
	if (free === null) return;
	const found = new Map<SalvagedTable, { page: number; after: number; upTo: number }[]>();
	let unknown = Math.max(0, file.claimed - file.count);
	for (const { page, rows } of strandedLeaves(file, visited, free, () => void unknown++)) {
		const fitting = tables.filter((table) => {
			const fit = fits[table.tree.name];
			return fit !== undefined && table.canHold(rows, fit);
		});
		const [table] = fitting;
		if (table === undefined || fitting.length > 1) {
			unknown += 1;
			continue;
		}
		const leaves = found.get(table) ?? [];
		leaves.push({ page, after: (rows[0]?.rowid ?? 0) - 1, upTo: rows.at(-1)?.rowid ?? 0 });
		found.set(table, leaves);
	}
	const adopted = [...found].map(([table, leaves]) => {
		leaves.sort((a, b) => a.after - b.after);
		// Two pages with the same rows: one of them is old, and nothing says which.
		const sound = leaves.filter(
			({ after, upTo }, at) => (leaves[at - 1]?.upTo ?? after) <= after && (leaves[at + 1]?.after ?? upTo) >= upTo,
		);
		unknown += leaves.length - sound.length;
		return { table, sound };
	});
	for (const { table, sound } of adopted) {
		for (const { page } of sound) walkTable(file, page, new Set(), (row) => table.take(row));
		table.holes = table.holes.flatMap((hole) => {
			const inside = sound.filter(({ after, upTo }) => after >= hole.after && upTo <= hole.upTo);
			if (inside.length === 0) return [hole];
			return unknown === 0 ? [] : between(hole, inside);
		});
	}
}

function between(hole: Hole, leaves: readonly Hole[]): Hole[] {
	const gaps: Hole[] = [];
	let after = hole.after;
	for (const leaf of leaves) {
		if (leaf.after > after) gaps.push({ after, upTo: leaf.after });
		after = leaf.upTo;
	}
	return hole.upTo > after ? [...gaps, { after, upTo: hole.upTo }] : gaps;
}
