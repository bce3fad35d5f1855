import { describe, expect, it } from 'vitest';
import { textWidth } from '../../../source/core/text-width.js';
import { errorLines } from '../../../source/headless/error-text.js';
import { plainStyle } from '../../../source/headless/style.js';

const error = {
	kind: 'usage',
	code: 'BAD_CONFIG',
	message: '"environments.開発環境開発環境開発環境開発環境開発環境": the name cannot be used: use a-z, A-Z, 0-9, dot, dash, underscore',
	why: '開発環境 '.repeat(20),
	next: ['Write another name into the file, and choose one that can be typed in a command'],
} as const;

describe('an error on one screen', () => {
	it.each([60, 80])('fits the terminal, whatever the width of its letters: %i', (columns) => {
		const lines = errorLines(error, { ...plainStyle, columns });
		expect(Math.max(...lines.map(textWidth))).toBeLessThan(columns);
		expect(lines.join(' ').replace(/\s+/g, ' ')).toContain('dot, dash, underscore');
	});

	it('keeps the title on one line where a program reads it', () => {
		expect(errorLines(error, plainStyle)[0]).toContain('dot, dash, underscore');
	});
});
