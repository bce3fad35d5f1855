import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as format from '../../../source/core/format.js';
import { cutText, fitText, printable, textWidth, wrapText } from '../../../source/core/text-width.js';

describe('numbers as people read them', () => {
	it.each([
		[0, '0'],
		[999, '999'],
		[1000, '1 000'],
		[600_000, '600 000'],
		[1_234_567, '1 234 567'],
		[Number.NaN, '-'],
	])('groups %s', (value, text) => {
		expect(format.formatCount(value)).toBe(text);
	});

	it.each([
		[55, '55'],
		[720_000, '720 k'],
		[999_499, '999 k'],
		[999_500, '1.00 M'],
		[1_200_000, '1.20 M'],
		[17_600, '17.6 k'],
		[3_100_000_000, '3.10 G'],
	])('shortens %s', (value, text) => {
		expect(format.formatCompact(value)).toBe(text);
	});

	it.each([
		[0, '0 B'],
		[1023, '1023 B'],
		[1024, '1 KiB'],
		[430_080, '420 KiB'],
		[1_677_722, '1.6 MiB'],
		[10 * 1024 ** 2, '10 MiB'],
		[1023.9 * 1024, '1 MiB'],
		[5 * 1024 ** 4, '5 TiB'],
	])('sizes %s', (value, text) => {
		expect(format.formatBytes(value)).toBe(text);
	});

	it.each([
		[0, '<1 s'],
		[999, '<1 s'],
		[12_000, '12 s'],
		[60_000, '1 min'],
		[130_000, '2 min 10 s'],
		[3_900_000, '1 h 05 min'],
	])('times %s ms', (value, text) => {
		expect(format.formatDuration(value)).toBe(text);
	});

	it('runs a clock', () => {
		expect([0, 41_900, 727_000, 3_723_000].map(format.formatClock)).toEqual(['0:00', '0:41', '12:07', '1:02:03']);
	});

	it('says 100 % only when everything is done', () => {
		expect(format.formatPercent(0.9999)).toBe('99 %');
		expect(format.formatPercent(1)).toBe('100 %');
		expect(format.formatPercent(0.29)).toBe('29 %');
	});

	it('tells how long ago', () => {
		const now = Date.parse('2025-03-07T12:00:00Z');
		const ago = (iso: string) => format.formatAgo(iso, now);
		expect([
			ago('2025-03-07T11:59:30Z'),
			ago('2025-03-07T11:55:00Z'),
			ago('2025-03-07T10:00:00Z'),
			ago('2025-02-23T12:00:00Z'),
			ago('x'),
		]).toEqual(['just now', '5 min ago', '2 h ago', '12 d ago', '-']);
	});

	it('quotes a command so that a shell reads the same words', () => {
		expect(format.formatCommand(['repot', '--env', 'dev', "it's", 'a b', ''])).toBe("repot --env dev 'it'\\''s' 'a b' ''");
	});
});

describe('text in cells', () => {
	it('measures wide, narrow and combining characters', () => {
		expect(textWidth('abc')).toBe(3);
		expect(textWidth('日本')).toBe(4);
		expect(textWidth('e\u0301')).toBe(1);
		expect(textWidth('─█░…')).toBe(4);
	});

	it('never lets data reach the terminal as a command', () => {
		expect(printable('a\u001b[2Jb\tc\nd\u202ee')).toBe('a.[2Jb c d.e');
	});

	it('cuts paths in the middle and the rest at the end', () => {
		expect(cutText('data/collections_golden.db', 12, 'middle')).toBe('data/…den.db');
		expect(cutText('hello world', 8)).toBe('hello w…');
		expect(cutText('hello world', 8, 'end', '...')).toBe('hello...');
		expect(cutText('short', 8)).toBe('short');
	});

	it('fills exactly the cells it is given, whatever the text', () => {
		const text = fc.string({ unit: 'grapheme', maxLength: 40 });
		const place = fc.constantFrom('end' as const, 'middle' as const);
		fc.assert(
			fc.property(text, fc.integer({ min: 1, max: 40 }), place, (value, width, cut) => {
				expect(textWidth(fitText(value, width, { cut }))).toBe(width);
			}),
		);
	});

	it('never breaks a line within a figure', () => {
		expect(wrapText('wrote at least 6 560 records', 17)).toEqual(['wrote at least', '6 560 records']);
		expect(wrapText('copied 1 234 567 of it, 389 KiB in 12 s', 25)).toEqual(['copied 1 234 567 of it,', '389 KiB in 12 s']);
		expect(wrapText('ids 12 345x', 6)).toEqual(['ids 12', '345x']);
	});

	it('wraps without losing a character, within the width', () => {
		fc.assert(
			fc.property(fc.stringMatching(/^[a-z ]{0,80}$/), fc.integer({ min: 4, max: 30 }), (value, width) => {
				const lines = wrapText(value, width);
				expect(lines.join('').replaceAll(' ', '')).toBe(value.replaceAll(' ', ''));
				expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width);
			}),
		);
	});
});
