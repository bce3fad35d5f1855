import { expect, test } from 'vitest';
import { renderFigures } from './figures.js';
import { copyTimes, eventsOf } from './repot-run.js';
import { ratios, spread } from './statistics.js';

const at = (milliseconds: number): string => new Date(milliseconds).toISOString();

test('a spread is the median with the smallest and largest value', () => {
	expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, runs: 3 });
	expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4, runs: 4 });
	expect(spread([]).median).toBeNaN();
});

test('a ratio is taken within each pair of runs, not between medians', () => {
	expect(ratios([2, 9], [1, 9])).toEqual({ median: 1.5, min: 1, max: 2, runs: 2 });
});

test('copying is timed from the first byte of a step to its last commit, and steps add up', () => {
	const batch = (step: string, time: number, milliseconds: number) => ({
		at: at(time),
		type: 'batch-committed',
		step,
		batch: 0,
		rows: 10,
		bytes: 100,
		rejected: 0,
		milliseconds,
	});
	const stdout = [
		'{"version":1}',
		JSON.stringify({ at: at(1000), type: 'step-started', step: 'items', resumedFromBatch: 0 }),
		JSON.stringify(batch('items', 1500, 300)),
		JSON.stringify(batch('items', 2000, 400)),
		JSON.stringify({ at: at(5000), type: 'step-started', step: 'analyses', resumedFromBatch: 0 }),
		JSON.stringify(batch('analyses', 6000, 900)),
		JSON.stringify({ at: at(9000), type: 'step-started', step: 'index', resumedFromBatch: 0 }),
		'',
	].join('\n');
	expect(copyTimes(eventsOf(stdout))).toEqual({ copySeconds: 1.7, stepSeconds: 2, rows: 30 });
});

test('the table shows each bound beside its figure and why a figure is missing', () => {
	const table = renderFigures([
		{ name: 'copy', unit: 'x', spread: spread([1.2, 1.4, 1.3]), bound: 1.5 },
		{ name: 'memory', unit: 'MB', spread: spread([300]), bound: 250 },
		{ name: 'whole', unit: 'x', skipped: 'pgloader is not installed', bound: 1 },
	]);
	expect(table.split('\n').slice(1)).toEqual([
		'copy    x        1.30  1.20  1.40     3  <= 1.5    ok',
		'memory  MB        300   300   300     1  <= 250    OVER',
		'whole   x     skipped                    <= 1      pgloader is not installed',
	]);
});
