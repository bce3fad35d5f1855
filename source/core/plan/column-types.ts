import type { CastName } from '../mapping/cast-names.js';
import type { SourceColumn } from '../ports.js';

export interface ColumnType {
	readonly type: string;
	readonly cast: CastName;
}

/**
 * PostgreSQL type for a declared SQLite type, by SQLite's own affinity rules (https://sqlite.org/datatype3.html, section 3.1),
 * except that a type that says neither number nor bytes stays text: NUMERIC affinity would keep dates and JSON as text anyway.
 */
export function columnType(declared: string): ColumnType {
	const type = declared.toUpperCase();
	if (type.includes('INT')) return { type: 'bigint', cast: 'bigint' };
	if (/CHAR|CLOB|TEXT/.test(type)) return { type: 'text', cast: 'text' };
	if (type.includes('BLOB')) return { type: 'bytea', cast: 'bytea' };
	if (/REAL|FLOA|DOUB/.test(type)) return { type: 'double precision', cast: 'double' };
	if (type.includes('BOOL')) return { type: 'boolean', cast: 'boolean' };
	if (/NUMERIC|DECIMAL/.test(type)) return { type: 'numeric', cast: 'numeric' };
	return { type: 'text', cast: 'text' };
}

/**
 * A SQLite default expression in PostgreSQL's words, or null when it has none that means the same.
 * Only literals and the three CURRENT_ keywords are taken over: an expression may call functions that PostgreSQL lacks.
 */
export function defaultSql(column: SourceColumn, targetType: string): string | null {
	const expression = column.defaultSql?.trim();
	if (expression === undefined || expression === '') return null;
	if (/^null$/i.test(expression)) return null;
	if (/^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(expression)) {
		if (targetType === 'boolean') return expression === '0' ? 'false' : expression === '1' ? 'true' : null;
		if (targetType === 'text') return `'${expression}'`;
		return /^(bigint|numeric|double precision)$/.test(targetType) ? expression : null;
	}
	const quoted = /^'((?:[^']|'')*)'$/.exec(expression);
	const literal = quoted?.[1];
	if (literal !== undefined && (targetType === 'text' || (targetType === 'jsonb' && isJson(literal.replaceAll("''", "'")))))
		return `'${literal}'`;
	if (/^current_timestamp$/i.test(expression) && targetType.startsWith('timestamp')) return "(now() AT TIME ZONE 'utc')";
	return null;
}

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}
