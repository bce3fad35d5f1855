import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspectChroma } from '../../../services/chroma/inspect.js';
import { Database } from '../../../services/sqlite/engine.js';
import { inspectSqliteSource } from '../../../services/sqlite/inspect-source.js';
import type { ChromaInspection, CollectionInspection, SqliteInspection } from '../../../source/core/inspection.js';
import { temporaryFolder } from '../chroma/support.js';

export const fixture = join(import.meta.dirname, '../../fixtures/chroma/chroma-1.5.9');
export const demo = join(import.meta.dirname, '../../../source/demo/data');

const signal = new AbortController().signal;

/** Looks at a directory; whatever the copy was, nothing of it may be left. */
export async function lookAtChroma(path: string): Promise<ChromaInspection> {
	const into = temporaryFolder();
	const inspection = await inspectChroma({ path, into, signal, check: () => {} });
	if (readdirSync(into).length > 0) throw new Error('the private copy was left behind');
	return inspection;
}

export async function lookAtSqlite(path: string): Promise<SqliteInspection> {
	const into = temporaryFolder();
	const inspection = await inspectSqliteSource({ path, into, signal });
	if (readdirSync(into).length > 0) throw new Error('the private copy was left behind');
	return inspection;
}

export function copyOf(directory: string): string {
	const copy = join(temporaryFolder(), 'chroma');
	cpSync(directory, copy, { recursive: true });
	return copy;
}

export function collectionNamed(inspection: ChromaInspection, name: string): CollectionInspection {
	const found = inspection.collections.find((collection) => collection.name === name);
	if (found === undefined) throw new Error(`no collection ${name}`);
	return found;
}

/** Runs one statement over the database of a copied directory. */
export function change(directory: string, sql: string, ...values: unknown[]): void {
	const database = new Database(join(directory, 'chroma.sqlite3'));
	database.pragma('foreign_keys = OFF');
	database.prepare(sql).run(...values);
	database.close();
}

export const codesOf = (inspection: ChromaInspection | SqliteInspection): readonly string[] => inspection.damage.map(({ code }) => code);
