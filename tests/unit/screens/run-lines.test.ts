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

	it('says what the share measures, and never a longer time for a part than for the whole', () => {
		const at80 = (state: RunState, held = 0) =>
			plainText(runLines({ state, control: idle, now: zero + 8000, idle: held, detail: 'overview', canvas: canvas(80, 24) }));
		expect(at80(running(3))).toMatch(/8 % of the work +250 \/ 3\.00 k records/);
		// Paused for most of the time: the step's own average knows nothing of it.
		expect(at80(running(2), 7900)).not.toContain('~');
		expect(at80(running(2), 7900)).toContain('left (');
		for (const line of at80(running(3)).split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(79);
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

/** As the demo has it: tables first, the copies, twenty quick schema steps, the vector index. */
function manySteps(events: readonly MigrationEvent[] = []): RunState {
	const schema = (id: string, label: string) => ({ ...step(id, 0), kind: 'schema' as const, label, seconds: 0.02 });
	const indexes = Array.from({ length: 20 }, (_, index) => schema(`k${index}`, `index idx_analyses_long_category_${index}`));
	const steps = [
		...['items', 'analyses'].map((name) => schema(`t:${name}`, `table ${name}`)),
		...['items', 'analyses', 'embeddings', 'vectors'].map((name) => step(name, 240)),
		...indexes,
		schema('hnsw', 'vector-index ix_langchain_pg_embedding_hnsw_cosine'),
	];
	const started: MigrationEvent = { type: 'run-started', at: at(0), run: 'r-1', plan: 'p', environment: 'dev', resumed: false, steps };
	return [started, ...events].reduce(foldEvent, emptyRun);
}

const finishedStep = (id: string): MigrationEvent => ({
	type: 'step-finished',
	at: at(2),
	step: id,
	rows: 0,
	rejected: 0,
	milliseconds: 20,
	outcome: 'done',
});
const startedStep = (id: string): MigrationEvent => ({ type: 'step-started', at: at(1), step: id, resumedFromBatch: 0 });

describe('the steps of a run', () => {
	const shown = (state: RunState, columns: number, rows: number) =>
		plainText(runLines({ state, control: idle, now: zero + 3000, idle: 0, detail: 'overview', canvas: canvas(columns, rows) }));

	it('tells the quick schema steps in one line, so that the copies and the vector index stay in sight', () => {
		const done = ['t:items', 't:analyses', ...Array.from({ length: 12 }, (_, index) => `k${index}`)].flatMap((id) => [
			startedStep(id),
			finishedStep(id),
		]);
		const text = shown(manySteps([...done, startedStep('k12')]), 80, 24);
		expect(text).toMatch(/ tables .* 2\/2 +ok/);
		expect(text).toMatch(/ keys and indexes .* 60 % +12\/20/);
		for (const name of ['items', 'analyses', 'embeddings', 'vectors', 'vector index'])
			expect(text).toMatch(new RegExp(`^   ${name} +waiting`, 'm'));
		expect(text.match(/^ > /gm)).toHaveLength(1);
		expect(text).not.toContain('more');
	});

	it('names every index in full where there is room', () => {
		expect(shown(manySteps([startedStep('k7')]), 120, 40)).toContain('index idx_analyses_long_category_7 ');
		expect(shown(manySteps(), 120, 40)).toMatch(/vector index ix_langchain_pg_embedding_hnsw_cosine {2,}waiting/);
	});

	it.each([60, 80, 120])('leaves a gap between all columns at %i columns', (columns) => {
		const done = manySteps(['t:items', 't:analyses', 'items', 'hnsw'].flatMap((id) => [startedStep(id), finishedStep(id)]));
		for (const state of [manySteps(), manySteps([startedStep('k3')]), done]) {
			const text = shown(state, columns, 40);
			expect(text).not.toMatch(/[^ ]waiting|[^ ]ok|ok\d|[^ #.][#.]{8}/);
			expect(Math.max(...text.split('\n').map(textWidth))).toBeLessThan(columns);
		}
		expect(shown(done, columns, 40)).toMatch(/ ok +0:00/);
	});

	it('logs in words, without ids, and speaks of resuming only where something was done before', () => {
		const fresh = manySteps([startedStep('t:items'), finishedStep('t:items'), startedStep('items')]);
		expect(fresh.log.map(({ label, text }) => `${label ?? '-'} ${text}`)).toEqual(['- run r-1 started', 'items copying 240 records']);
		const begun: MigrationEvent = {
			type: 'run-started',
			at: at(0),
			run: 'r-1',
			plan: 'p',
			environment: 'dev',
			resumed: true,
			steps: [{ ...step('items', 240), rowsDone: 80 }],
		};
		const resumed = [begun, startedStep('items')].reduce(foldEvent, emptyRun);
		expect(resumed.log.at(-1)?.text).toBe('copying 240 records, 80 records done before');
	});

	it('moves while it starts, and says what takes long', () => {
		const starting = (startsNewDatabase: boolean) =>
			runLines({ state: emptyRun, control: idle, now: zero, idle: 0, detail: 'overview', canvas: canvas(60, 15), startsNewDatabase });
		expect(starting(true)[0]?.parts.some((part) => part.spinner === true)).toBe(true);
		expect(plainText(starting(true))).toContain('making the embedded database');
		expect(plainText(starting(false))).not.toContain('embedded');
	});

	it.each([60, 80])('wraps the sentence about stopping at %i columns', (columns) => {
		const control = { ...idle, stopping: 'stop' } as const;
		const lines = runLines({ state: running(3), control, now: zero + 8000, idle: 0, detail: 'overview', canvas: canvas(columns, 15) });
		const text = plainText(lines);
		expect(text.replace(/\s+/g, ' ')).toContain('Ctrl+C once more stops now; that batch is then rolled back.');
		const told = text.slice(text.indexOf('! Stopping'), text.indexOf('rolled back.')).split('\n');
		expect(Math.max(...told.map(textWidth))).toBeLessThan(columns);
	});
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
		const lines = closingLines(
			{
				state: [failed, finished].reduce(foldEvent, running(1)),
				failure: null,
				undone: false,
				command: ['migrate', '--config', './my config.json', '--env', 'dev', '--yes'],
			},
			79,
		);
		const text = lines.join('\n');
		expect(text).toContain('A CHECK FAILED');
		expect(text).toMatch(/rows +FAIL +999 of 1 000/);
		expect(text).toContain('items: row it-0007 is missing');
		expect(text).toContain("repot rollback r-1 --config './my config.json'");
		expect(Math.max(...lines.map(textWidth))).toBeLessThan(80);
	});
});
