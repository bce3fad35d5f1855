import { describe, expect, it } from 'vitest';
import type { MigrationEvent } from '../../../source/core/events.js';
import { plainStyle } from '../../../source/headless/style.js';
import { textSink } from '../../../source/headless/text-sink.js';
import { finished } from '../commands/fake-operations.js';

const start = Date.parse('2025-03-01T12:00:00.000Z');
const second = 1000;

/** A run of `total` rows that commits `perSecond` rows each second of a clock that only this test moves. */
function play(options: {
	readonly seconds: number;
	readonly total: number;
	readonly perSecond: number;
	readonly until?: number;
	readonly tables?: boolean;
}) {
	let now = start;
	let tick = (): void => {};
	const lines: { readonly at: number; readonly text: string }[] = [];
	const sink = textSink({
		write: (text) => void lines.push({ at: (now - start) / second, text }),
		style: { ...plainStyle, tables: options.tables ?? true },
		clock: { now: () => now },
		every: (_milliseconds, run) => {
			tick = run;
			return () => {
				tick = () => {};
			};
		},
	});
	const at = (): string => new Date(now).toISOString();
	const step = {
		id: 'items',
		label: 'items',
		kind: 'copy' as const,
		rows: options.total,
		bytes: options.total * 10,
		seconds: options.seconds,
		rowsDone: 0,
		bytesDone: 0,
	};
	sink.handle({ at: at(), type: 'run-started', run: 'r-1', plan: 'p', environment: 'dev', resumed: false, steps: [step] });
	sink.handle({ at: at(), type: 'step-started', step: 'items', resumedFromBatch: -1 });
	for (let passed = 1; passed <= options.seconds; passed += 1) {
		now = start + passed * second;
		const rows = passed > (options.until ?? Number.POSITIVE_INFINITY) ? 0 : options.perSecond;
		if (rows > 0)
			sink.handle({
				at: at(),
				type: 'batch-committed',
				step: 'items',
				batch: passed,
				rows,
				bytes: rows * 10,
				rejected: 0,
				milliseconds: 5,
			});
		tick();
	}
	const progress = () => lines.filter((line) => /% of the work {2}/.test(line.text));
	const wait = (seconds: number): void => {
		for (let passed = 0; passed < seconds; passed += 1) {
			now += second;
			tick();
		}
	};
	return { lines, progress, sink, at, wait };
}

describe('progress lines', () => {
	it('come every second first, then every five, then as a heartbeat, and every second in the last minute', () => {
		const { progress } = play({ seconds: 600, total: 600_000, perSecond: 1000 });
		const between = (from: number, to: number) => progress().filter((line) => line.at > from && line.at <= to).length;
		expect(between(0, 59)).toBe(59);
		expect(between(60, 180)).toBeGreaterThanOrEqual(23);
		expect(between(60, 180)).toBeLessThanOrEqual(26);
		expect(between(180, 530)).toBeGreaterThanOrEqual(10);
		expect(between(180, 530)).toBeLessThanOrEqual(13);
		expect(between(545, 599)).toBeGreaterThanOrEqual(50);
	});

	it('say how much, how fast and how long', () => {
		const { progress } = play({ seconds: 30, total: 60_000, perSecond: 1000 });
		expect(progress().at(-1)?.text).toMatch(
			/^0:30 {2}50 % of the work {2}30\.0 k of 60\.0 k records {2}[\d.]+ k\/s {2}[\d.]+ KiB\/s {2}about 0:30 left {2}items$/,
		);
	});

	it('are not repeated while nothing moves, but the time that passes is', () => {
		const { progress } = play({ seconds: 40, total: 1000, perSecond: 10, until: 2 });
		expect(new Set(progress().map((line) => line.text)).size).toBe(progress().length);
	});

	it('come every 30 s for a screen reader', () => {
		const { progress } = play({ seconds: 120, total: 120_000, perSecond: 1000, tables: false });
		expect(progress().length).toBeLessThanOrEqual(5);
		expect(progress().length).toBeGreaterThanOrEqual(4);
	});
});

describe('after the copy', () => {
	it('says that it checks, without rates', () => {
		const { sink, lines, at, wait } = play({ seconds: 3, total: 3000, perSecond: 1000 });
		sink.handle({ at: at(), type: 'step-finished', step: 'items', rows: 3000, rejected: 0, milliseconds: 3000, outcome: 'done' });
		const before = lines.length;
		wait(2);
		expect(lines.slice(before).map((line) => line.text)).toEqual(['0:04  checking']);
	});

	it('steps of an earlier run were done before', () => {
		const { sink, lines, at } = play({ seconds: 0, total: 100, perSecond: 0 });
		const step = { id: 'a', label: 'items', kind: 'copy' as const, rows: 10, bytes: 10, seconds: 1, rowsDone: 10, bytesDone: 10 };
		const index = { ...step, id: 'i', label: 'index', kind: 'schema' as const, rows: 0, rowsDone: 0 };
		const late = { ...step, id: 'b', label: 'vectors', rowsDone: 0 };
		const steps = [step, late, { ...index, id: 'z', label: 'late index' }];
		sink.handle({ at: at(), type: 'run-started', run: 'r-1', plan: 'p', environment: 'dev', resumed: true, steps });
		sink.handle({ at: at(), type: 'step-started', step: 'b', resumedFromBatch: 1 });
		sink.handle(finished('interrupted', { run: 'r-1' }));
		const row = (label: string) => lines.findLast((line) => line.text.trim().startsWith(label))?.text;
		expect(row('items')).toContain('done before');
		expect(row('vectors')).toContain('not finished');
		expect(row('late index')).toContain('not reached');
	});
});

describe('news', () => {
	const quiet = () => play({ seconds: 0, total: 100, perSecond: 0 });

	it('is told at once, with a bound on refused records', () => {
		const { sink, lines, at } = quiet();
		for (let number = 0; number < 50; number += 1) {
			const event: MigrationEvent = {
				at: at(),
				type: 'record-quarantined',
				step: 'items',
				key: `i-${number}`,
				column: 'raw_response',
				code: 'INVALID_JSON',
				reason: 'it is not JSON',
			};
			sink.handle(event);
		}
		const told = lines.filter((line) => line.text.includes('set aside'));
		expect(told).toHaveLength(11);
		expect(told.at(-1)?.text).toContain('quarantine.jsonl');
	});

	it('cannot steer the terminal', () => {
		const { sink, lines, at } = quiet();
		sink.handle({ at: at(), type: 'notice', step: null, message: 'a \u001b[2J key\r\nfrom data' });
		expect(lines.at(-1)?.text).toContain('a .[2J key from data');
	});

	it('tells rows that differ and stay from those that are there already', () => {
		const { sink, lines, at } = quiet();
		sink.handle({ at: at(), type: 'run-started', run: 'r-8M4TB', plan: 'p', environment: 'dev', resumed: false, differing: 1, steps: [] });
		sink.handle(finished('done', { written: 1, skipped: 219 }));
		expect(lines.at(-1)?.text).toContain('1 record written, 218 already there, 1 differs and stays as it was');
	});

	it('counts in a step what was written, not what was read', () => {
		const { sink, lines, at } = quiet();
		const step = { id: 'items', label: 'items', kind: 'copy', rows: 55, bytes: 1, seconds: 1, rowsDone: 0, bytesDone: 0 } as const;
		sink.handle({ at: at(), type: 'run-started', run: 'r-8M4TB', plan: 'p', environment: 'dev', resumed: false, steps: [step] });
		sink.handle({
			at: at(),
			type: 'batch-committed',
			step: 'items',
			batch: 0,
			rows: 12,
			skipped: 2,
			bytes: 1,
			rejected: 43,
			milliseconds: 1,
		});
		sink.handle({ at: at(), type: 'step-finished', step: 'items', rows: 12, rejected: 43, milliseconds: 1, outcome: 'done' });
		sink.handle(finished('quarantined', { written: 10, quarantined: 43, skipped: 2 }));
		const told = lines.map((line) => line.text);
		expect(told.some((text) => /STEP +WRITTEN +SET ASIDE/.test(text))).toBe(true);
		expect(told.some((text) => /items +10 +43 /.test(text))).toBe(true);
		expect(told.at(-1)).toContain('LOOK  Done, 43 of 55 records set aside');
	});

	it('gives the time of all sessions of a resumed run', () => {
		const { sink, lines } = quiet();
		sink.handle(finished('done', { before: { sessions: 2, milliseconds: 11_000 }, milliseconds: 400 }));
		expect(lines.at(-1)?.text).toMatch(/ in 11 s over 3 sessions, the last <1 s$/);
	});

	it('ends with the verdict', () => {
		const { sink, lines } = quiet();
		sink.handle(finished('quarantined', { quarantined: 2 }));
		expect(lines.at(-1)?.text).toBe('LOOK  Done, 2 of 112 records set aside: run r-8M4TB, 110 records written in 2 s');
		expect(lines.some((line) => line.text === 'Undo   repot rollback r-8M4TB')).toBe(true);
	});
});
