import type { MigrationEvent } from '../../source/core/events.js';
import type { Operations } from '../../source/core/operations.js';

const steps = [
	{ id: 'items', label: 'items', kind: 'copy', rows: 200_000, bytes: 30 << 20, seconds: 4 },
	{ id: 'analyses', label: 'analyses', kind: 'copy', rows: 200_000, bytes: 120 << 20, seconds: 11 },
	{ id: 'vectors', label: 'vectors', kind: 'copy', rows: 70_000, bytes: 290 << 20, seconds: 14 },
	{ id: 'hnsw', label: 'hnsw index', kind: 'schema', rows: 0, bytes: 0, seconds: 12 },
] as const;

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** A run of about half a minute with everything a run can meet, at many events a second. */
export const slowMigrate: Operations['migrate'] = async function* slowMigrate(plan, request, signals): AsyncGenerator<MigrationEvent> {
	const at = () => new Date().toISOString();
	const began = Date.now();
	let written = 0;
	const finished = (outcome: 'done' | 'interrupted' | 'quarantined'): MigrationEvent => ({
		type: 'run-finished',
		at: at(),
		run: 'r-8M4T',
		outcome,
		written,
		quarantined: outcome === 'interrupted' ? 0 : 2,
		skipped: 0,
		milliseconds: Date.now() - began,
		files: ['.repot/runs/r-8M4T/report.md', '.repot/runs/r-8M4T/report.json', '.repot/runs/r-8M4T/quarantine.jsonl'],
	});
	yield {
		type: 'run-started',
		at: at(),
		run: 'r-8M4T',
		plan: plan.id,
		environment: request.environment,
		resumed: false,
		steps: steps.map((step) => ({ ...step, rowsDone: 0, bytesDone: 0 })),
	};
	for (const step of steps) {
		yield { type: 'step-started', at: at(), step: step.id, resumedFromBatch: -1 };
		const stepBegan = Date.now();
		const batches = step.kind === 'copy' ? 100 : 40;
		for (let batch = 0; batch < batches; batch += 1) {
			while (signals.paused?.() === true) await pause(20);
			if (signals.stop.aborted || signals.abort.aborted) {
				yield finished('interrupted');
				return;
			}
			await pause(40 + (batch % 10) * 6);
			if (step.kind === 'schema') {
				yield { type: 'step-progressed', at: at(), step: step.id, fraction: (batch + 1) / batches, phase: 'loading tuples' };
				continue;
			}
			const rows = step.rows / batches;
			written += rows;
			yield { type: 'batch-committed', at: at(), step: step.id, batch, rows, bytes: step.bytes / batches, rejected: 0, milliseconds: 40 };
			if (step.id === 'analyses' && batch === 20) {
				yield {
					type: 'record-quarantined',
					at: at(),
					step: step.id,
					key: 'an-0088213',
					column: 'raw_response',
					code: 'INVALID_JSON',
					reason: 'is not JSON',
				};
			}
			if (step.id === 'vectors' && batch === 30) {
				yield { type: 'retry-scheduled', at: at(), step: step.id, attempt: 2, of: 5, delayMilliseconds: 800, reason: 'connection reset' };
				await pause(800);
				yield { type: 'slowed', at: at(), step: step.id, reason: 'target answered 1.4 s per commit' };
			}
		}
		yield {
			type: 'step-finished',
			at: at(),
			step: step.id,
			rows: step.rows,
			rejected: 0,
			milliseconds: Date.now() - stepBegan,
			outcome: 'done',
		};
	}
	for (const name of ['rows', 'vectors', 'search', 'tenant', 'jsonb', 'latency', 'fields'] as const) {
		await pause(150);
		yield { type: 'check-finished', at: at(), check: { name, result: 'pass', figures: '470 000 = 470 000', data: {}, details: [] } };
	}
	yield finished('quarantined');
};
