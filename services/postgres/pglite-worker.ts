import { parentPort } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import type { Parameter, QueryResult, Row, ServerErrorFields } from './driver.js';
import { unpackTar } from './unpack-tar.js';

/** What the driver asks; every request is answered once, in order. */
export type WorkerRequest = { readonly id: number } & (
	| { readonly type: 'open'; readonly directory: string | null }
	| { readonly type: 'save'; readonly directory: string }
	| { readonly type: 'query'; readonly sql: string; readonly params: readonly Parameter[] | null }
	| { readonly type: 'copy'; readonly sql: string; readonly data: Uint8Array }
	| { readonly type: 'close' }
);

export type WorkerReply =
	| { readonly type: 'result'; readonly id: number; readonly result: QueryResult }
	| { readonly type: 'refused'; readonly id: number; readonly error: ServerErrorFields }
	| { readonly type: 'failed'; readonly id: number; readonly message: string }
	| { readonly type: 'notice'; readonly message: string };

const port = parentPort;
if (port === null) throw new Error('pglite-worker runs as a worker thread');
const reply = (message: WorkerReply): void => port.postMessage(message);
const onNotice = (notice: { readonly message?: string | undefined }): void => reply({ type: 'notice', message: notice.message ?? '' });

const nothing: QueryResult = { rows: [], affected: 0 };
let database: PGlite | null = null;

/** `-F` switches fsync off; without it PostgreSQL asks for every sync that the WebAssembly file layer offers. */
const startParams = PGlite.defaultStartParams.filter((parameter) => parameter !== '-F');

async function open(directory: string | null): Promise<void> {
	const options = { extensions: { vector }, startParams, onStderr: () => true, onStdout: () => true };
	database = directory === null ? await PGlite.create(options) : await PGlite.create(directory, options);
	const same = (value: string): string => value;
	for (const type of Object.keys(database.parsers)) database.parsers[type] = same;
	for (const type of Object.keys(database.serializers)) database.serializers[type] = same;
}

/** Writes the database of this thread's memory to a directory, which takes a fraction of making a new one there. */
async function save(directory: string): Promise<void> {
	if (database === null) throw new Error('the embedded PostgreSQL is not open');
	await database.exec('CHECKPOINT');
	const archive = await database.dumpDataDir('none');
	unpackTar(new Uint8Array(await archive.arrayBuffer()), directory);
}

async function run(sql: string, params: readonly Parameter[] | null): Promise<QueryResult> {
	if (database === null) throw new Error('the embedded PostgreSQL is not open');
	const results = params === null ? await database.exec(sql, { onNotice }) : [await database.query<Row>(sql, [...params], { onNotice })];
	const last = results.at(-1);
	return last === undefined ? nothing : { rows: last.rows as Row[], affected: last.rowCount ?? last.affectedRows ?? 0 };
}

async function copy(sql: string, data: Uint8Array): Promise<QueryResult> {
	if (database === null) throw new Error('the embedded PostgreSQL is not open');
	await database.query(sql.replace(/\bFROM STDIN\b/, "FROM '/dev/blob'"), [], {
		onNotice,
		blob: new Blob([data as Uint8Array<ArrayBuffer>]),
	});
	return nothing;
}

async function answer(request: WorkerRequest): Promise<QueryResult> {
	if (request.type === 'query') return run(request.sql, request.params);
	if (request.type === 'copy') return copy(request.sql, request.data);
	if (request.type === 'open') await open(request.directory);
	else if (request.type === 'save') await save(request.directory);
	else await database?.close();
	return nothing;
}

function fieldsOf(error: unknown): ServerErrorFields | null {
	if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string' || !/^[0-9A-Z]{5}$/.test(error.code)) return null;
	const fields = error as Error & Partial<Record<'detail' | 'hint' | 'where' | 'table' | 'column' | 'constraint', string>>;
	const { detail, hint, where, table, column, constraint } = fields;
	return { code: error.code, message: error.message, detail, hint, context: where, table, column, constraint };
}

port.on('message', (request: WorkerRequest) => {
	answer(request)
		.then((result) => reply({ type: 'result', id: request.id, result }))
		.catch((error: unknown) => {
			const fields = fieldsOf(error);
			if (fields !== null) reply({ type: 'refused', id: request.id, error: fields });
			else reply({ type: 'failed', id: request.id, message: error instanceof Error ? error.message : String(error) });
		});
});
