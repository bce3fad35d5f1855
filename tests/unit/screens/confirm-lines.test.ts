import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Confirmation, confirmLines } from '../../../screens/confirm-lines.js';
import { plainText } from '../../../screens/lines.js';
import { type ReadinessCheck, readinessNames } from '../../../source/core/readiness.js';
import { fakePlan, fakeRequest } from '../../fakes/plan.js';

const checkArbitrary = (name: ReadinessCheck['name']): fc.Arbitrary<ReadinessCheck | null> =>
	fc.option(
		fc.record({
			name: fc.constant(name),
			result: fc.constantFrom('ok' as const, 'look' as const, 'x' as const),
			words: fc.lorem({ maxCount: 24 }),
			next: fc.lorem({ maxCount: 8 }),
		}),
	);

const confirmationOf = (checks: readonly (ReadinessCheck | null)[]): Confirmation => ({
	planned: { plan: fakePlan, request: fakeRequest },
	command: ['migrate', '--env', 'dev', '--user-id', '1f0c9a52-6f0e-4a53-9a5d-7c1d2b3e4fe9'],
	checks: checks.filter((check) => check !== null),
	now: Date.parse(fakePlan.createdAt),
});

const said = (checks: readonly (ReadinessCheck | null)[], width: number, room: number): string =>
	plainText(confirmLines(confirmationOf(checks), width, room));

describe('the lines of the confirmation', () => {
	it('leave room for the prompt unless an obstacle needs it, and show every check in some way', () => {
		const all = fc.tuple(...readinessNames.map(checkArbitrary));
		fc.assert(
			fc.property(all, fc.integer({ min: 59, max: 119 }), fc.integer({ min: 5, max: 33 }), (checks, width, room) => {
				const lines = confirmLines(confirmationOf(checks), width, room);
				if (checks.every((check) => check?.result !== 'x')) expect(lines.length).toBeLessThanOrEqual(room);
				const text = plainText(lines);
				expect(text).toContain('220 records');
				for (const name of readinessNames) expect(text).toContain(name);
			}),
		);
	});

	it('show what, where and for whom before the words of the checks', () => {
		const text = said([{ name: 'target', result: 'ok', words: 'unchanged since the plan' }, null, null, null], 59, 6);
		expect(text).toContain('@db.example:5432/app');
		expect(text).toContain('user_id = ');
		expect(text).toContain('ok target   ... lock   ... room   ... backup');
		expect(text).not.toContain('unchanged');
	});

	it('say an obstacle in full wherever they are drawn', () => {
		const lock: ReadinessCheck = {
			name: 'lock',
			result: 'x',
			words: 'held by connection 4711 from 10.0.0.7',
			next: 'Wait until that has ended',
		};
		for (const room of [6, 9, 17, 33]) {
			expect(said([lock], 79, room)).toContain('X     lock     held by connection 4711 from 10.0.0.7');
			expect(said([lock], 79, room)).toContain('Wait until that has ended');
		}
	});
});
