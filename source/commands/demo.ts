import { cp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configFileName } from '../config/config-file.js';
import { type OptionKey, variableOf } from '../config/options.js';
import { writeFileWhole } from '../config/write-file.js';
import { RepotError } from '../core/errors.js';
import { makeFolders } from '../core/make-folders.js';
import type { Prepared, Shell } from './context.js';

const folder = 'repot-demo';
const sqlite = 'collections_demo.db';
const chroma = 'chroma_demo';

const config = {
	environments: { local: { guard: 'open', target: 'pglite:./pg' } },
	datasets: { demo: { sqlite: `./${sqlite}`, chroma: `./${chroma}` } },
	userId: 'demo-user',
	stateDir: './state',
} as const;

/** Variables of the surroundings that would lead the demo to data or databases of the user. */
const misleading: readonly OptionKey[] = [
	...(['env', 'dataset', 'sqliteDb', 'chromaPath', 'collection', 'userId', 'postgresUrl', 'pgvectorCollection'] as const),
	...(['stateDir', 'config', 'skipSchemaCreation', 'onConflict', 'restart', 'reportOutput'] as const),
];

/** Copies the bundled data to ./repot-demo and writes its config; what is there already is kept. Returns the command line to run on it. */
export async function prepareDemo(parsed: Prepared['parsed'], shell: Shell): Promise<Prepared> {
	const source = await bundledData();
	const target = join(shell.cwd, folder);
	try {
		makeFolders(target);
		await copyMissing(join(source, sqlite), join(target, sqlite));
		await copyMissing(join(source, chroma), join(target, chroma));
	} catch (thrown) {
		throw new RepotError({
			kind: 'usage',
			code: 'DEMO_UNWRITABLE',
			message: 'The demo data cannot be copied',
			where: target,
			why: (thrown as Error).message,
			next: ['Run repot demo in a folder that you may write to'],
			cause: thrown,
		});
	}
	const file = join(target, configFileName);
	if (!(await exists(file))) await writeFileWhole(file, `${JSON.stringify(config, null, '\t')}\n`);
	const dropped = new Set<string>(['DATABASE_URL', 'VOYAGE_API_KEY', ...misleading.map(variableOf)]);
	return {
		parsed: { ...parsed, flags: { ...parsed.flags, config: `./${folder}/${configFileName}`, env: 'local', dataset: 'demo' } },
		env: Object.fromEntries(Object.entries(shell.env).filter(([name]) => !dropped.has(name))),
		notes: [
			`DEMO DATA in ./${folder}: a SQLite database, a Chroma directory, and an embedded PostgreSQL to move them into`,
			// npm sets it while it runs the script of a checkout, where nothing is installed.
			...(shell.env.npm_lifecycle_event === 'demo' ? ['Where a hint says `repot`, type `node dist/cli.js` here'] : []),
		],
	};
}

async function copyMissing(from: string, to: string): Promise<void> {
	if (await exists(to)) return;
	// Under another name first: a copy that was cut short must not pass for the data.
	const partial = `${to}.partial`;
	await rm(partial, { recursive: true, force: true });
	await cp(from, partial, { recursive: true, preserveTimestamps: true });
	await rename(partial, to);
}

/** Beside the bundle it is `demo/`; run from source, `source/demo/data/`. */
async function bundledData(): Promise<string> {
	for (const place of ['./demo/', '../demo/data/', '../demo/']) {
		const path = fileURLToPath(new URL(place, import.meta.url));
		if (await exists(join(path, sqlite))) return path;
	}
	throw new RepotError({
		kind: 'internal',
		code: 'DEMO_DATA_MISSING',
		message: 'This installation holds no demo data',
		next: ['Install repot again', 'From a checkout: npm run build'],
	});
}

const exists = (path: string): Promise<boolean> =>
	stat(path).then(
		() => true,
		() => false,
	);
