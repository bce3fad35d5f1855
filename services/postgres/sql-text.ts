import type { Row } from './driver.js';

/** Quotes an identifier. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Quotes a string literal (standard_conforming_strings is on). */
export const quoteLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Text form of a one-dimensional text[]; see "Array Input and Output Syntax" in the PostgreSQL manual. */
export function arrayLiteral(items: readonly (string | null)[]): string {
	return `{${items.map((item) => (item === null ? 'NULL' : `"${item.replace(/[\\"]/g, '\\$&')}"`)).join(',')}}`;
}

/** Reads the text form of a one-dimensional text[]. */
export function parseArray(text: string): (string | null)[] {
	const items: (string | null)[] = [];
	const pattern = /"((?:[^"\\]|\\.)*)"|([^,{}]+)/gs;
	for (const match of text.slice(1, -1).matchAll(pattern)) {
		if (match[1] !== undefined) items.push(match[1].replace(/\\(.)/gs, '$1'));
		else items.push(match[2] === 'NULL' ? null : (match[2] ?? ''));
	}
	return items;
}

/** Reads a column that is never NULL. */
export function text(row: Row | undefined, name: string): string {
	const value = row?.[name];
	if (value === undefined || value === null) throw new Error(`the server returned no value for ${name}`);
	return value;
}

export const textOrNull = (row: Row | undefined, name: string): string | null => row?.[name] ?? null;

/** Counts and sizes; exact up to 2^53. */
export const number = (row: Row | undefined, name: string): number => Number(text(row, name));

export const boolean = (row: Row | undefined, name: string): boolean => text(row, name) === 't';

/** The server's `timestamptz` text (session time zone UTC) as ISO 8601. */
export const isoTime = (value: string): string => new Date(`${value.replace(' ', 'T').replace(/\+00(:00)?$/, '')}Z`).toISOString();

/** Shortened for a person, at most `limit` characters. */
export const shorten = (value: string, limit = 80): string => (value.length <= limit ? value : `${value.slice(0, limit - 1)}…`);
