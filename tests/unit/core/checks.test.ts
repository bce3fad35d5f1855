import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckResult } from '../../../source/core/events.js';
import { formatCount } from '../../../source/core/format.js';
import { canonicalJson } from '../../../source/core/plan/hash.js';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import { isCopyStep } from '../../../source/core/plan/types.js';
import type { Comparison } from '../../../source/core/ports.js';
import { reporting } from '../../../source/core/progress-stream.js';
import { judge } from '../../../source/core/verify/context.js';
import { reportMarkdown, verdict } from '../../../source/core/verify/report.js';
import { overlap } from '../../../source/core/verify/search-checks.js';
import { bench, fakeTables, request } from '../../fakes/engine.js';

const hit = (key: string, distance: number) => ({ key, distance });

describe('top-k overlap', () => {
	const source = [hit('a', 0), hit('b', 1), hit('c', 2), hit('d', 3), hit('e', 4)];

	it('counts what both sides name', () => {
		expect(overlap(source, source)).toBe(1);
		expect(overlap(source, [hit('a', 0), hit('b', 1), hit('x', 5), hit('y', 6), hit('z', 7)])).toBe(0.4);
		expect(overlap(source, [])).toBe(0);
		expect(overlap([], [])).toBe(1);
	});

	it('takes another key at the same distance as equal: a tie has no right order', () => {
		expect(overlap([hit('a', 0), hit('b', 1)], [hit('a', 0), hit('c', 1)])).toBe(1);
		expect(overlap([hit('a', 0), hit('b', 1)], [hit('a', 0), hit('c', 1.1)])).toBe(0.5);
	});
});

describe('rows that differ under skip', () => {
	const differs = (key: string, writers?: Comparison['writers']): Comparison => ({
		key: [key],
		state: 'differs',
		differences: [],
		...(writers === undefined ? {} : { writers }),
	});
	const wrongOf = async (run: string | null, counted: number, comparisons: readonly Comparison[]) => {
		const plan = await makePlan(request({ policies: { ...request().policies, onConflict: 'skip' } }), bench(fakeTables(2)));
		const [first] = plan.steps.filter(isCopyStep);
		if (first === undefined) throw new Error('no copy step');
		const step = { ...first, state: { ...first.state, differing: counted } };
		return judge({ step, comparisons }, plan, run).wrong.map(({ key }) => key[0]);
	};

	it('are excused when the judged run has not touched them, however many', async () => {
		const rows = [differs('a', {}), differs('b', { r1: 'written' }), differs('c', { r1: 'changed' }), differs('d', { r0: 'written' })];
		expect(await wrongOf('r1', 1, rows)).toEqual(['b', 'c']);
		expect(await wrongOf('r0', 9, rows)).toEqual(['d']);
		// Without a run to judge, what any of them wrote or may have written is compared.
		expect(await wrongOf(null, 1, rows)).toEqual(['b', 'c', 'd']);
	});

	it('are excused up to the count of the plan where nothing proves who wrote them', async () => {
		const rows = [differs('a', { r1: 'unknown' }), differs('b', {}), differs('c'), differs('d', { r1: 'unknown' })];
		expect(await wrongOf('r1', 2, rows)).toEqual(['c', 'd']);
		expect(await wrongOf('r1', 0, rows)).toEqual(['a', 'c', 'd']);
	});
});

describe('the report', () => {
	const check = (result: CheckResult['result']): CheckResult => ({
		name: 'rows',
		result,
		figures: '5 | 6',
		data: {},
		details: result === 'fail' ? ['missing in items: k1'] : [],
	});

	it('gives the verdict of the checks', () => {
		expect(verdict([check('pass'), check('skipped')])).toBe('ALL CHECKS PASS');
		expect(verdict([check('pass'), check('fail')])).toBe('1 CHECK FAILS');
		expect(verdict([])).toBe('NOT VERIFIED');
	});

	it('begins with what was set aside as loudly as with the checks', async () => {
		const plan = await makePlan(request(), bench(fakeTables(2)));
		const totals = { written: 55, quarantined: 165, skipped: 0 };
		const text = reportMarkdown({ run: 'r-AAAAA', plan, checks: [check('pass')], totals, outcome: 'quarantined', at: 0 });
		expect(text.split('\n').slice(0, 3)).toContain('**CHECKS PASS, 165 OF 220 RECORDS SET ASIDE**');
	});

	it('names what failed, what the plan told, and the way back; a pipe does not break its tables', async () => {
		const plan = await makePlan(request(), bench(fakeTables(2)));
		const text = reportMarkdown({
			run: 'r-AAAAA',
			plan,
			checks: [check('fail')],
			totals: { written: 8, quarantined: 1, skipped: 0 },
			outcome: 'verification-failed',
			at: 0,
		});
		expect(text).toContain('missing in items: k1');
		expect(text).toContain('repot rollback r-AAAAA');
		expect(text).toContain('5 \\| 6');
		for (const line of text.split('\n').filter((one) => one.startsWith('|'))) expect(line.endsWith('|')).toBe(true);
	});
});

describe('canonical JSON', () => {
	it('is the same whatever the order of keys', () => {
		fc.assert(
			fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
				const reversed = Object.fromEntries(Object.entries(record).reverse());
				expect(canonicalJson(reversed)).toBe(canonicalJson(record));
			}),
		);
	});
});

describe('reporting', () => {
	it('yields every fact in order, lets a progress replace a waiting one, returns the result', async () => {
		const seen: string[] = [];
		const stream = reporting<string, number>(async (report) => {
			report('one');
			report('10 %', true);
			report('20 %', true);
			report('two');
			await Promise.resolve();
			report('30 %', true);
			return 7;
		});
		let next = await stream.next();
		while (next.done !== true) {
			seen.push(next.value);
			next = await stream.next();
		}
		expect(seen.filter((fact) => !fact.endsWith('%'))).toEqual(['one', 'two']);
		expect(seen).toContain('30 %');
		expect(seen).not.toContain('10 %');
		expect(next.value).toBe(7);
	});

	it('passes a failure on', async () => {
		const stream = reporting<string, number>(async () => {
			throw new Error('refused');
		});
		await expect(stream.next()).rejects.toThrow('refused');
	});
});

it('groups thousands', () => {
	expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1 000', '1 234 567']);
});
