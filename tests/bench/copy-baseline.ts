import { createWriteStream, existsSync, renameSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type BetterSqlite from 'better-sqlite3';
import { Database } from '../../services/sqlite/engine.js';
import { type BenchTable, collectionsTables } from './collections-tables.js';
import { withClient } from './database.js';
import { mustRun } from './processes.js';

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const field = (value: unknown): string =>
	value === null ? '\\N' : String(value).replaceAll(/[\\\n\r\t]/g, (found) => escapes[found] ?? found);

/** Lines of COPY's text format (PostgreSQL manual, "COPY", File Formats), joined to pieces of about 64 KiB. */
function* lines(database: BetterSqlite.Database, table: BenchTable): Generator<string> {
	let piece = '';
	for (const row of database.prepare(table.select).raw().iterate()) {
		piece += `${(row as unknown[]).map(field).join('\t')}\n`;
		if (piece.length > 65_536) {
			yield piece;
			piece = '';
		}
	}
	yield piece;
}

/** Writes one COPY text file per table beside the SQLite file, once: preparing them is not part of the baseline's time. */
export const prepareCopyFiles = async (sqlitePath: string): Promise<string> => {
	const folder = `${sqlitePath}.copy`;
	await mkdir(folder, { recursive: true });
	const database = new Database(sqlitePath, { readonly: true });
	for (const table of collectionsTables) {
		const path = join(folder, `${table.name}.txt`);
		if (existsSync(path)) continue;
		await pipeline(Readable.from(lines(database, table)), createWriteStream(`${path}.part`));
		renameSync(`${path}.part`, path);
	}
	database.close();
	return folder;
};

/** `psql \copy` of every prepared file into fresh tables without keys: the time of one psql process, start and end included. */
export const copyBaseline = async (url: string, folder: string): Promise<number> => {
	await withClient(url, async (client) => {
		for (const table of collectionsTables) await client.query(table.ddl);
	});
	const commands = collectionsTables.map((table) => `\\copy ${table.name} from '${join(folder, `${table.name}.txt`)}'`);
	const finished = await mustRun('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', url, '-f', '-'], {
		stdin: `${commands.join('\n')}\n`,
	});
	return finished.seconds;
};

/** Rows and a sum over hashes of all values, per table: equal for the same rows in any order. */
export const digest = async (url: string): Promise<string> =>
	withClient(url, async (client) => {
		const parts: string[] = [];
		for (const { name, columns } of collectionsTables) {
			const found = await client.query<{ line: string }>(
				`SELECT count(*) || ' ' || sum(hashtextextended(ROW(${columns.join(', ')})::text, 0)) AS line FROM ${name}`,
			);
			parts.push(`${name} ${found.rows[0]?.line ?? ''}`);
		}
		return parts.join(', ');
	});
