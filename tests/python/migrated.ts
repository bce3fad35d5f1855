import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withDatabase } from '../bench/database.js';
import { type ChromaAnswers, chromaAnswers, pgvectorAnswers, strategies } from './answers.js';
import { askPython, spawned } from './python.js';

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const neighbours = 10;

export const user = 'python-suite';

/** A folder that holds a SQLite file and a Chroma directory. */
export interface DataSet {
	readonly sqlitePath: string;
	readonly chromaPath: string;
}

/** The sources in a folder: the first `.db` file and the first folder with a `chroma.sqlite3`; null when one is missing. */
export const dataSetIn = (folder: string): DataSet | null => {
	if (!existsSync(folder)) return null;
	const names = readdirSync(folder).sort();
	const sqlite = names.find((name) => name.endsWith('.db'));
	const chroma = names.find((name) => existsSync(join(folder, name, 'chroma.sqlite3')));
	if (sqlite === undefined || chroma === undefined) return null;
	return { sqlitePath: join(folder, sqlite), chromaPath: join(folder, chroma) };
};

export interface BothAnswers {
	readonly chroma: ChromaAnswers;
	readonly pgvector: ReturnType<typeof pgvectorAnswers.parse>;
}

/** Migrates the data set with the built program into a new database, then asks Chroma (on a copy) and langchain-postgres the same. */
export const migrateAndAsk = async (dataSet: DataSet, adminUrl: string): Promise<BothAnswers> => {
	const scratch = mkdtempSync(join(tmpdir(), 'repot-python-'));
	try {
		const copy = join(scratch, 'chroma');
		cpSync(dataSet.chromaPath, copy, { recursive: true });
		await spawned('chmod', ['-R', 'u+w', copy]);
		const chroma = chromaAnswers.parse(await askPython('chroma_answers.py', [copy, '-', '12', String(neighbours)]));
		const pgvector = await withDatabase(adminUrl, async (url) => {
			await migrate(dataSet, url, scratch);
			const question = {
				url,
				collection: 'collections_vectors',
				strategy: strategies[chroma.space],
				user,
				ids: chroma.records.map((record) => record.id),
				probes: chroma.probes.map((probe) => probe.vector),
				filters: chroma.probes.map((probe) => probe.narrowed?.filter ?? null),
				neighbours,
			};
			return pgvectorAnswers.parse(await askPython('pgvector_answers.py', [], JSON.stringify(question)));
		});
		return { chroma, pgvector };
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
};

const migrate = async (dataSet: DataSet, url: string, scratch: string): Promise<void> => {
	const sources = ['--sqlite-db', dataSet.sqlitePath, '--chroma-path', dataSet.chromaPath];
	const args = [program, 'migrate', '--yes', '--no-input', ...sources, '--user-id', user, '--state-dir', join(scratch, 'state')];
	const finished = await spawned(process.execPath, args, '', { cwd: scratch, env: { REPOT_POSTGRES_URL: url } });
	if (finished.code !== 0) throw new Error(`repot migrate ended with exit code ${finished.code}:\n${finished.stdout}\n${finished.stderr}`);
};
