import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Noted, Refused } from '../../../source/core/mapping/cast-result.js';
import { timestampCast as cast } from '../../../source/core/mapping/timestamp.js';

const instant = fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T23:59:59.999Z'), noInvalidDate: true });
const pad = (value: number): string => String(value).padStart(2, '0');
const isBad = (result: unknown): boolean => result instanceof Refused && result.code === 'BAD_TIMESTAMP';

describe('ISO 8601 to timestamp', () => {
	it('gives UTC for an instant, whatever the offset it is spelled with', () => {
		fc.assert(
			fc.property(
				instant,
				fc.integer({ min: -14 * 60, max: 14 * 60 }),
				fc.constantFrom(':', ''),
				fc.constantFrom('T', ' ', 't'),
				(date, offset, colon, t) => {
					const utc = date.toISOString().slice(0, 23).replace('T', ' ');
					const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 23).replace('T', t);
					const size = Math.abs(offset);
					const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${colon}${pad(size % 60)}`;
					fc.pre(!local.startsWith('-') && !local.startsWith('+'));
					expect(cast(`${local}${zone}`)).toBe(utc);
					expect(cast(`${utc.replace(' ', t)}Z`)).toBe(utc);
					expect(cast(utc.replace(' ', t))).toBe(utc);
				},
			),
		);
	});

	it.each([
		['2025-12-13T22:32:00', '2025-12-13 22:32:00'],
		['2025-12-13 22:32', '2025-12-13 22:32:00'],
		['2025-12-13T22:32Z', '2025-12-13 22:32:00'],
		['2025-12-13', '2025-12-13 00:00:00'],
		['2025-12-13T22:32:00.5Z', '2025-12-13 22:32:00.5'],
		['2025-12-13T22:32:00,123456', '2025-12-13 22:32:00.123456'],
		['2025-12-13T22:32:00.123456000', '2025-12-13 22:32:00.123456'],
		['2025-12-13T22:32:00+05', '2025-12-13 17:32:00'],
		['2025-12-13T22:32:00+0530', '2025-12-13 17:02:00'],
		['2025-01-01T00:00:00+00:01', '2024-12-31 23:59:00'],
		['2024-02-29T12:00:00z', '2024-02-29 12:00:00'],
		['2000-02-29', '2000-02-29 00:00:00'],
		['0001-01-01T00:00:00', '0001-01-01 00:00:00'],
		['9999-12-31T23:30:00-01:00', '10000-01-01 00:30:00'],
	])('%s is %s', (text, expected) => {
		expect(cast(text)).toBe(expected);
	});

	it('cuts digits beyond microseconds and counts them', () => {
		expect(cast('2025-12-13T22:32:00.1234567Z')).toEqual(new Noted('2025-12-13 22:32:00.123456', 'TIMESTAMP_PRECISION'));
		expect(cast('2025-12-13T22:32:00.9999999+01:00')).toEqual(new Noted('2025-12-13 21:32:00.999999', 'TIMESTAMP_PRECISION'));
	});

	it.each([
		'',
		'now',
		'2023-02-29',
		'1900-02-29T00:00:00',
		'2025-04-31T00:00:00',
		'2025-13-01',
		'2025-00-10',
		'2025-01-00T00:00:00',
		'0000-01-01',
		'2025-01-01T24:00:00',
		'2025-01-01T23:60:00',
		'2025-01-01T23:59:60',
		'2025-01-01T23:59:59.',
		'2025-01-01T23:59:59.1a',
		'2025-01-01T1:00:00',
		'2025-1-1',
		'2025-01-01T00:00:00+24:00',
		'2025-01-01T00:00:00+01:60',
		'2025-01-01T00:00:00 UTC',
		'2025-01-01Z',
		'01/02/2025',
		'2025-01-01T00:00:00\n',
		' 2025-01-01',
		'20250101T000000',
		'0001-01-01T00:00:00+01:00',
		'２０２５-01-01',
	])('refuses %j', (text) => {
		expect(isBad(cast(text))).toBe(true);
	});

	it('says when a number looks like an epoch, and converts nothing on a guess', () => {
		const reason = (value: unknown): string => {
			const result = cast(value);
			return result instanceof Refused ? `${result.code} ${result.reason}` : 'accepted';
		};
		expect(reason(1_700_000_000n)).toMatch(/^BAD_TIMESTAMP .*epoch in seconds$/);
		expect(reason(1_700_000_000_123n)).toMatch(/epoch in milliseconds$/);
		expect(reason(1_700_000_000_123_456n)).toMatch(/epoch in microseconds$/);
		expect(reason(1_700_000_000.5)).toMatch(/epoch in seconds$/);
		expect(reason('1700000000')).toMatch(/epoch in seconds$/);
		expect(reason(5n)).toBe('BAD_TIMESTAMP INTEGER 5 is not ISO 8601');
		expect(isBad(cast(Buffer.of(1)))).toBe(true);
	});

	it('keeps NULL', () => {
		expect(cast(null)).toBeNull();
	});

	it('accepts what the calendar has and refuses what it lacks, for every day number', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 9999 }),
				fc.integer({ min: 0, max: 13 }),
				fc.integer({ min: 0, max: 32 }),
				(year, month, day) => {
					const text = `${String(year).padStart(4, '0')}-${pad(month)}-${pad(day)}`;
					const date = new Date(0);
					date.setUTCFullYear(year, month - 1, day);
					const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
					expect(isBad(cast(text))).toBe(!exists);
					expect(isBad(cast(`${text}T10:00:00`))).toBe(!exists);
				},
			),
			{ numRuns: 500 },
		);
	});
});
