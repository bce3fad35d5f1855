import { describe, expect, it } from 'vitest';
import { plainText } from '../../../screens/lines.js';
import { summaryLines } from '../../../screens/summary-lines.js';
import type { CheckResult } from '../../../source/core/events.js';
import { emptyRun, type RunState } from '../../../source/core/run-state.js';

const passed: CheckResult = { name: 'rows', result: 'pass', figures: '55 = 55', data: {}, details: [] };
const ended = (more: Partial<RunState>): RunState => ({ ...emptyRun, phase: 'finished', run: 'r-1', checks: [passed], ...more });
const linesOf = (state: RunState, width = 78) => summaryLines({ state, failure: null, undone: false, command: ['migrate'] }, width);
const text = (state: RunState, width?: number) => plainText(linesOf(state, width));

describe('the verdict over a run', () => {
	it('says what was set aside as loudly as what the checks found', () => {
		const state = ended({ outcome: 'quarantined', written: 55, quarantined: 165 });
		expect(text(state)).toContain('CHECKS PASS, 165 OF 220 RECORDS SET ASIDE');
		expect(text(state)).not.toContain('ALL CHECKS PASS');
		const [first] = linesOf(state);
		expect(first?.parts.some((part) => part.tone === 'warn')).toBe(true);
		for (const line of text(state, 58).split('\n')) expect(line.length).toBeLessThanOrEqual(58);
	});

	it('names records set aside beside a check that failed, and where nothing was checked', () => {
		expect(text(ended({ outcome: 'verification-failed', written: 9, quarantined: 1 }))).toContain(
			'A CHECK FAILED, 1 OF 10 RECORDS SET ASIDE',
		);
		expect(text(ended({ outcome: 'quarantined', written: 9, quarantined: 1, checks: [] }))).toContain('DONE, NOT CHECKED, 1 OF 10');
		expect(text(ended({ outcome: 'done', written: 10 }))).toContain('ALL CHECKS PASS   10 records written');
	});

	it('tells rows that differ and stay from those that are there already', () => {
		const state = ended({ outcome: 'done', written: 1, skipped: 219, differing: 1 });
		expect(text(state)).toContain('1 record written, 218 already there, 1 differs and stays as it was');
	});
});
