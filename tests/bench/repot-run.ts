import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MigrationEvent } from '../../source/core/events.js';
import { benchTenant } from './collections-tables.js';
import { mustRun } from './processes.js';

export const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface RepotRun {
	/** Spawn to exit: plan with full dry run, copy, indexes and keys, verification. */
	readonly wholeSeconds: number;
	/** Sum over the copy steps, from the first byte of a step to the commit of its last batch. */
	readonly copySeconds: number;
	/** Sum over the copy steps from `step-started` on: also the time until the first batch was read and encoded. */
	readonly stepSeconds: number;
	readonly rows: number;
	readonly peakBytes: number | null;
}

const isEvent = (value: unknown): value is MigrationEvent =>
	typeof value === 'object' && value !== null && 'type' in value && 'at' in value && typeof value.at === 'string';

/** The events among the NDJSON lines of stdout. */
export const eventsOf = (stdout: string): readonly MigrationEvent[] =>
	stdout
		.split('\n')
		.filter((line) => line.startsWith('{'))
		.map((line): unknown => JSON.parse(line))
		.filter(isEvent);

/** Time spent copying, by the run's own events; `at` and `milliseconds` of a batch are taken at its commit. */
export const copyTimes = (events: readonly MigrationEvent[]): { copySeconds: number; stepSeconds: number; rows: number } => {
	let copy = 0;
	let step = 0;
	let rows = 0;
	let started = 0;
	let first: number | null = null;
	let last = 0;
	const close = (): void => {
		if (first === null) return;
		copy += last - first;
		step += last - started;
		first = null;
	};
	for (const event of events) {
		const at = Date.parse(event.at);
		if (event.type === 'step-started') {
			close();
			started = at;
		}
		if (event.type === 'batch-committed') {
			first ??= at - event.milliseconds;
			last = at;
			rows += event.rows;
		}
	}
	close();
	return { copySeconds: copy / 1000, stepSeconds: step / 1000, rows };
};

/** One `repot migrate` of the given sources in a process of its own, with an empty state folder. */
export const repotMigrate = async (url: string, sources: readonly string[]): Promise<RepotRun> => {
	const folder = await mkdtemp(join(tmpdir(), 'repot-bench-'));
	try {
		const args = [
			program,
			'migrate',
			'--yes',
			'--no-input',
			'--json',
			'--user-id',
			benchTenant,
			'--state-dir',
			join(folder, 'state'),
			...sources,
		];
		const finished = await mustRun(process.execPath, args, { cwd: folder, env: { REPOT_POSTGRES_URL: url } });
		const times = copyTimes(eventsOf(finished.stdout));
		return { ...times, wholeSeconds: finished.seconds, peakBytes: finished.peakBytes };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
};
