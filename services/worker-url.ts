import { Worker, type WorkerOptions } from 'node:worker_threads';

/** The program's worker threads: the name of the bundled file beside this one, and where its source is. */
const entries = {
	feed: { bundled: './feed-worker.js', source: './feed/feed-worker.ts' },
	pglite: { bundled: './pglite-worker.js', source: './postgres/pglite-worker.ts' },
} as const;

export type WorkerName = keyof typeof entries;

/** Starts a worker thread of the program, bundled in dist/ or from source. */
export function startWorker(name: WorkerName, options: WorkerOptions = {}): Worker {
	const entry = entries[name];
	if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(entry.bundled, import.meta.url), options);
	// Node 20 does not apply a loader of --import to the entry of a thread, so a line of JavaScript registers it first.
	const loader = import.meta.resolve('tsx/esm/api');
	const source = new URL(entry.source, import.meta.url).href;
	const bootstrap = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
	return new Worker(bootstrap, { ...options, eval: true, execArgv: [] });
}
