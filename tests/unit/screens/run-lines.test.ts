import { describe, expect, it } from 'vitest';
import { plainText } from '../../../screens/lines.js';
import { runLines } from '../../../screens/run-lines.js';
import { frameSize } from '../../../screens/shell-context.js';
import { closingLines } from '../../../screens/summary-lines.js';
import { glyphsFor } from '../../../screens/theme.js';
import type { MigrationEvent } from '../../../source/core/events.js';
import { emptyRun, foldEvent, type RunState } from '../../../source/core/run-state.js';
import { textWidth } from '../../../source/core/text-width.js';

const zero = Date.parse('2025-03-07T14:00:00.000Z');
const at = (second: number) => new Date(zero + second * 1000).toISOString();
const step = (id: string, rows: number) => ({
	id,
	label: id,
	kind: 'copy' as const,
	rows,
	bytes: rows * 100,
	seconds: 10,
	rowsDone: 0,
	bytesDone: 0,
});
const idle = { paused: false, stopping: 'no', pausedAt: null, pausedFor: 0 } as const;

function running(steps: number): RunState {
	const events: MigrationEvent[] = [
		{
			type: 'run-started',
			at: at(0),
			run: 'r-1',
			plan: 'p',
			environment: 'dev',
			resumed: false,
			steps: Array.from({ length: steps }, (_, index) => step(`table_${index}`, 1000)),
		},
		{ type: 'step-started', at: at(0), step: 'table_1', resumedFromBatch: -1 },
		{ type: 'batch-committed', at: at(4), step: 'table_1', batch: 0, rows: 248, bytes: 24_800, rejected: 2, milliseconds: 9 },
		{ type: 'retry-scheduled', at: at(5), step: 'table_1', attempt: 1, of: 5, delayMilliseconds: 800, reason: 'connection reset' },
		{ type: 'slowed', at: at(6), step: 'table_1', reason: 'target answered 1.4 s per commit' },
	];
	return events.reduce(foldEvent, emptyRun);
}

const canvas = (columns: number, rows: number) => ({ ...frameSize(columns, rows), glyphs: glyphsFor(false), colour: false });

describe('a run on screen', () => {
	it('shows progress, speed, the step that runs, what was set aside and why it slowed', () => {
		const text = plainText(
			runLines({ state: running(3), control: idle, now: zero + 8000, idle: 0, detail: 'overview', canvas: canvas(80, 24) }),
		);
		expect(text).toContain('250 / 3.00 k records');
		expect(text).toContain('0:08 gone');
		expect(text).toMatch(/> table_1 +#+\.+ +25 %/);
		expect(text).toContain('retries 1   set aside 2');
		expect(text).toContain('target answered 1.4 s per commit');
		expect(text).toContain('retry 1/5 in 800 ms: connection reset');
	});

	it('says that the time left is not known below one per cent', () => {
		const state = foldEvent(emptyRun, {
			type: 'run-started',
			at: at(0),
			run: 'r',
			plan: 'p',
			environment: 'dev',
			resumed: false,
			steps: [step('a', 10)],
		});
		const text = plainText(runLines({ state, control: idle, now: zero + 1000, idle: 0, detail: 'overview', canvas: canvas(80, 24) }));
		expect(text).toContain('time left: not yet known');
	});

	for (const [columns, rows] of [
		[60, 15],
		[80, 24],
		[120, 40],
	] as const) {
		it.each(['overview', 'log', 'rejects'] as const)(`fits ${columns} x ${rows} with forty steps, as %s`, (detail) => {
			const size = canvas(columns, rows);
			const control = { ...idle, stopping: 'stop' } as const;
			const lines = runLines({ state: running(40), control, now: zero + 8000, idle: 0, detail, canvas: size });
			expect(lines.length).toBeLessThanOrEqual(size.lines);
			expect(plainText(lines)).toContain('Stopping after the batch in flight');
			if (detail === 'overview') expect(plainText(lines)).toContain('> table_1');
		});
	}
});

describe('closing lines', () => {
	it('names the failed check, its details and the way on, in plain text', () => {
		const failed: MigrationEvent = {
			type: 'check-finished',
			at: at(9),
			check: {
				name: 'rows',
				result: 'fail',
				figures: '999 of 1 000',
				data: {},
				details: ['items: row it-0007 is missing', 'repot verify r-1 checks again'],
			},
		};
		const finished: MigrationEvent = {
			type: 'run-finished',
			at: at(10),
			run: 'r-1',
			outcome: 'verification-failed',
			written: 999,
			quarantined: 0,
			skipped: 0,
			milliseconds: 10_000,
			files: ['report.md'],
		};
		const lines = closingLines([failed, finished].reduce(foldEvent, running(1)), null, 79);
		const text = lines.join('\n');
		expect(text).toContain('A CHECK FAILED');
		expect(text).toMatch(/rows +FAIL +999 of 1 000/);
		expect(text).toContain('items: row it-0007 is missing');
		expect(text).toContain('repot rollback r-1');
		expect(Math.max(...lines.map(textWidth))).toBeLessThan(80);
	});
});
