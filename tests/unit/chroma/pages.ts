import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../../../services/sqlite/engine.js';
import { treePage } from '../../../services/sqlite/page-cells.js';
import { PageFile } from '../../../services/sqlite/page-file.js';

const databaseOf = (directory: string): string => join(directory, 'chroma.sqlite3');

/** Every page of a table's or index's tree, root first, by the tree's name. Overflow pages stand under `NAME overflow`. */
export function pagesByTree(directory: string): ReadonlyMap<string, readonly number[]> {
	const connection = new Database(databaseOf(directory), { readonly: true });
	const roots = connection.prepare('SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0').raw().all() as [string, number][];
	connection.close();
	const file = new PageFile(databaseOf(directory));
	const trees = new Map<string, readonly number[]>();
	for (const [name, root] of [['sqlite_schema', 1] as const, ...roots]) {
		file.overflow.clear();
		const pages: number[] = [];
		const walk = (number: number): void => {
			pages.push(number);
			const page = treePage(file, number);
			if (page === null) throw new Error(`page ${number} of ${name} cannot be parsed`);
			if (page.kind !== 'table-leaf') page.children.forEach(walk);
		};
		walk(root);
		trees.set(name, pages);
		if (file.overflow.size > 0) trees.set(`${name} overflow`, [...file.overflow]);
	}
	file.close();
	return trees;
}

/** Overwrites pages of the directory's database. */
export function overwritePages(directory: string, pages: readonly number[], fill: number | ((at: number) => number) = 0xff): void {
	const bytes = readFileSync(databaseOf(directory));
	const size = bytes.readUInt16BE(16) === 1 ? 65_536 : bytes.readUInt16BE(16);
	for (const page of pages) {
		for (let at = (page - 1) * size; at < page * size; at++) bytes[at] = typeof fill === 'number' ? fill : fill(at);
	}
	writeFileSync(databaseOf(directory), bytes);
}
