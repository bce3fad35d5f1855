import { describe, expect, it } from 'vitest';
import { sessionWords } from '../../../source/core/credentials/session-end.js';

const now = Date.parse('2025-03-01T12:00:00.000Z');
const inMinutes = (minutes: number): number => now + minutes * 60_000;

describe('the end of a session', () => {
	it('before that of the run is told, with what it means', () => {
		expect(sessionWords(inMinutes(20), now, 60 * 60_000, false)).toMatchObject({
			state: 'look',
			words: expect.stringContaining('before the run'),
		});
		expect(sessionWords(inMinutes(20), now, 60 * 60_000, true)?.words).toContain('no new connection');
		expect(sessionWords(inMinutes(90), now, 60 * 60_000, true)).toBeNull();
		expect(sessionWords(inMinutes(10), now, 1000, false)?.words).toBe('the AWS session ends in 10 min');
		expect(sessionWords(inMinutes(-1), now, null, true)?.state).toBe('x');
		expect(sessionWords(null, now, 60 * 60_000, true)).toBeNull();
	});
});
