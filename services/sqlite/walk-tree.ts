import { lost, type StoredRow, type StoredValue, type TreePage, treePage } from './page-cells.js';
import type { PageFile } from './page-file.js';

/** A stretch of rowids, `after` < rowid <= `upTo`, that a table's tree should lead to and does not. */
export interface Hole {
	readonly after: number;
	readonly upTo: number;
}

/** Pages that were come to, by number. */
export type Visited = Set<number>;

const deepest = 24;

/** Shows `take` every row of the table with that root page that can be reached, in rowid order. Returns where rows may be missing. */
export function walkTable(file: PageFile, root: number, visited: Visited, take: (row: StoredRow) => void): readonly Hole[] {
	const holes: Hole[] = [];
	const gap = (after: number, upTo: number): void => {
		const last = holes.at(-1);
		if (last?.upTo === after) holes[holes.length - 1] = { after: last.after, upTo };
		else if (upTo > after) holes.push({ after, upTo });
	};
	const walk = (number: number, after: number, upTo: number, depth: number): void => {
		const page = visit(file, number, visited, depth);
		if (page?.kind === 'table-leaf' && isWithin(page.rows, after, upTo) && (depth === 0 || page.rows.length > 0)) {
			for (const row of page.rows) take(row);
		} else if (page?.kind === 'table-interior' && isAscending(page.keys, after, upTo)) {
			page.children.forEach((child, at) => {
				walk(child, page.keys[at - 1] ?? after, page.keys[at] ?? upTo, depth + 1);
			});
		} else gap(after, upTo);
	};
	walk(root, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0);
	return holes;
}

/** Where entries of an index may be missing: between two entries, null at either end of the index. */
export interface IndexGap {
	readonly after: readonly StoredValue[] | null;
	readonly before: readonly StoredValue[] | null;
}

/** Shows `take` every entry of the index with that root page that can be reached: its columns, then the rowid. */
export function walkIndex(
	file: PageFile,
	root: number,
	visited: Visited,
	take: (entry: readonly StoredValue[]) => void,
): readonly IndexGap[] {
	const gaps: IndexGap[] = [];
	let last: readonly StoredValue[] | null = null;
	let open = false;
	const entry = (values: readonly StoredValue[]): void => {
		// An entry without its rowid, the last of its values, says nothing.
		if (values.at(-1) === lost) {
			miss();
			return;
		}
		if (open) gaps[gaps.length - 1] = { after: gaps.at(-1)?.after ?? null, before: values };
		open = false;
		last = values;
		take(values);
	};
	const miss = (): void => {
		if (!open) gaps.push({ after: last, before: null });
		open = true;
	};
	const walk = (number: number, depth: number): void => {
		const page = visit(file, number, visited, depth);
		if (page?.kind !== 'index' || (page.entries.length === 0 && depth > 0)) {
			miss();
			return;
		}
		page.entries.forEach((values, at) => {
			const child = page.children[at];
			if (child !== undefined) walk(child, depth + 1);
			entry(values);
		});
		const rightmost = page.children[page.entries.length];
		if (rightmost !== undefined) walk(rightmost, depth + 1);
	};
	walk(root, 0);
	return gaps;
}

/** Marks every page of a tree of either kind. False: some of it cannot be read. */
export function markTree(file: PageFile, root: number, visited: Visited): boolean {
	const walk = (number: number, depth: number): boolean => {
		const page = visit(file, number, visited, depth);
		if (page === null) return false;
		if (page.kind === 'table-leaf') return true;
		return page.children.map((child) => walk(child, depth + 1)).every(Boolean);
	};
	return walk(root, 0);
}

/** Leaf pages of tables that nothing leads to: those below a page that is lost. `unknown` is told of pages that are not known for anything. */
export function* strandedLeaves(
	file: PageFile,
	visited: Visited,
	free: ReadonlySet<number>,
	unknown: (page: number) => void,
): Generator<{ readonly page: number; readonly rows: readonly StoredRow[] }> {
	const candidates: number[] = [];
	for (let number = 2; number <= file.count; number++) {
		if (visited.has(number) || free.has(number) || number === file.lockPage) continue;
		const page = treePage(file, number);
		if (page?.kind === 'table-leaf' && page.rows.length > 0 && isWithin(page.rows, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)) {
			yield { page: number, rows: page.rows };
		} else if (page?.kind !== 'table-interior') candidates.push(number);
	}
	// After the leaves, whose own overflow pages are known only now.
	for (const number of candidates) if (!file.overflow.has(number)) unknown(number);
}

/** A page that was come to before stands in a circle, or belongs to another tree. */
function visit(file: PageFile, number: number, visited: Visited, depth: number): TreePage | null {
	if (depth > deepest || visited.has(number)) return null;
	visited.add(number);
	return treePage(file, number);
}

const isWithin = (rows: readonly StoredRow[], after: number, upTo: number): boolean =>
	isAscending(
		rows.map(({ rowid }) => rowid),
		after,
		upTo,
	);

function isAscending(keys: readonly number[], after: number, upTo: number): boolean {
	let last = after;
	for (const key of keys) {
		if (key <= last || key > upTo) return false;
		last = key;
	}
	return true;
}
