import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isChromaServer } from '../../source/core/chroma-address.js';
import type { Plan } from '../../source/core/plan/types.js';
import type { RunFolder, RunHistory, RunSummary } from '../../source/core/ports.js';
import { eventFigures } from './event-file.js';
import { makePrivateFolder, stateError, writeAtomically } from './files.js';
import { eventFile, openRunFolder } from './run-folder.js';

export interface RunHistoryOptions {
	/** Absolute. Runs lie in `runs/<run>/` below it. */
	readonly stateDir: string;
	/** Where relative paths of a plan start; with it they are kept as absolute ones, so that a run can be verified from any folder. */
	readonly cwd?: string;
	/** Passes every event line before it is written; masks secrets. */
	readonly redact?: (text: string) => string;
}

export function createRunHistory({ stateDir, cwd, redact = (text) => text }: RunHistoryOptions): RunHistory {
	const runs = join(stateDir, 'runs');
	const folderOf = (run: string): string => join(runs, safeName(run));
	const makeFolder = async (run: string): Promise<string> => {
		await makePrivateFolder(runs);
		await makePrivateFolder(folderOf(run));
		return folderOf(run);
	};
	return {
		async open(run: string, plan: Plan): Promise<RunFolder> {
			const folder = await makeFolder(run);
			const opened = await openRunFolder(folder, redact);
			await opened.write('plan.json', `${JSON.stringify(cwd === undefined ? plan : placed(plan, cwd), null, '\t')}\n`);
			return opened;
		},
		async record(run: RunSummary): Promise<void> {
			const folder = await makeFolder(run.id);
			await writeAtomically(join(folder, 'run.json'), `${JSON.stringify(JSON.parse(redact(JSON.stringify(run))), null, '\t')}\n`);
		},
		async list(): Promise<readonly RunSummary[]> {
			const names = await readdir(runs).catch((thrown: unknown) => {
				if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
				throw stateError(runs, thrown, 'read');
			});
			const found = await Promise.all(names.map((name) => readSummary(join(runs, name))));
			return found.filter((one) => one !== null).sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0));
		},
		find: (run) => readSummary(folderOf(run)),
	};
}

/** The spelling of paths is not part of a plan's id. */
function placed(plan: Plan, cwd: string): Plan {
	const { sqlite, chroma } = plan.sources;
	return {
		...plan,
		sources: {
			...(sqlite === undefined ? {} : { sqlite: { ...sqlite, path: resolve(cwd, sqlite.path) } }),
			...(chroma === undefined
				? {}
				: { chroma: { ...chroma, path: isChromaServer(chroma.path) ? chroma.path : resolve(cwd, chroma.path) } }),
		},
	};
}

/** A run's id becomes a folder name: nothing in it may lead elsewhere. */
function safeName(run: string): string {
	return run.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_');
}

/** Null when there is no run here, or a folder that a kill left before its first record. */
async function readSummary(folder: string): Promise<RunSummary | null> {
	const text = await readFile(join(folder, 'run.json'), 'utf8').catch((thrown: unknown) => {
		const code = (thrown as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' || code === 'ENOTDIR') return null;
		throw stateError(folder, thrown, 'read');
	});
	if (text === null) return null;
	try {
		const run = JSON.parse(text) as RunSummary;
		if (typeof run.id !== 'string' || typeof run.startedAt !== 'string') return null;
		if (run.status !== 'running') return { ...run, folder };
		// It runs, or was killed: how much it wrote is in its events.
		const { written } = await eventFigures(join(folder, eventFile));
		return { ...run, written: Math.max(run.written, written), folder };
	} catch {
		return null;
	}
}
