import { expect, it } from 'vitest';
import { findingsOf } from '../../../services/feed/findings.js';

it('counts of findings are written as in every other message', () => {
	const findings = [{ code: 'MISSING_VECTOR' as const, column: 0, count: 1014, sample: [] }];
	expect(findingsOf([], { findings, empty: [] })[0]?.message).toMatch(/^1 014 records: /);
});
