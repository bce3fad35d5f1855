import type { ObjectToMake } from '../ports.js';
import type { SchemaStep } from './types.js';

const name = '(?:"(?:[^"]|"")+"|\\w+)';
const list = `\\((${name}(?:, ${name})*)\\)`;
const primaryKey = new RegExp(`PRIMARY KEY ${list}$`);
const foreignKey = new RegExp(`FOREIGN KEY ${list} REFERENCES (${name}) ${list}`);
const plainIndex = new RegExp(`^CREATE (UNIQUE )?INDEX ${name} ON ${name} ${list}$`);

const namesIn = (names: string | undefined): string[] =>
	[...(names ?? '').matchAll(new RegExp(name, 'g'))].map(([one]) => (one.startsWith('"') ? one.slice(1, -1).replaceAll('""', '"') : one));

/**
 * What a schema step makes over plain columns, read from the statement that the plan wrote itself, so that a stored plan tells it as well.
 * Null for tables, vector indexes and other indexes than btree.
 */
export function madeObject(step: Pick<SchemaStep, 'id' | 'table' | 'what' | 'sql'>): ObjectToMake | null {
	const { table, sql } = step;
	if (step.what === 'primary-key') {
		const columns = namesIn(primaryKey.exec(sql)?.[1]);
		return columns.length === 0 ? null : { step: step.id, what: 'primary-key', table, columns };
	}
	if (step.what === 'index') {
		const found = plainIndex.exec(sql);
		return found === null ? null : { step: step.id, what: found[1] === undefined ? 'index' : 'unique', table, columns: namesIn(found[2]) };
	}
	if (step.what !== 'foreign-key') return null;
	const found = foreignKey.exec(sql);
	if (found === null) return null;
	const [, columns, parent, parentColumns] = found;
	return {
		step: step.id,
		what: 'foreign-key',
		table,
		columns: namesIn(columns),
		parent: { table: namesIn(parent)[0] ?? '', columns: namesIn(parentColumns) },
	};
}
