import { formatCount } from '../format.js';
import { indexedBytes } from '../mapping/target-limits.js';
import type { Objection, ObjectToMake, SourceIndex } from '../ports.js';
import type { Hazard, SchemaStep } from './types.js';

/** Whether PostgreSQL is sure to take every entry of an index. Unknown lengths are taken for fitting. */
export const fitsIndex = (index: Pick<SourceIndex, 'columns' | 'longest'>): boolean =>
	(index.longest ?? 0) <= indexedBytes(index.columns.length);

/**
 * An index that may not take the source's longest entry: the data goes over without it, because it would fail after the load. One that the
 * target has already would refuse the record instead.
 */
export function indexHazards(table: string, name: string, index: SourceIndex, present: boolean, sql: string): Hazard[] {
	if (fitsIndex(index)) return [];
	const most = formatCount(indexedBytes(index.columns.length));
	const entry = `the longest entry of index ${name} has ${formatCount(index.longest ?? 0)} bytes, and an index of PostgreSQL is sure to take ${most}`;
	return [
		{
			code: present ? 'INDEX_REFUSES' : 'INDEX_LEFT',
			severity: 'warn',
			step: table,
			count: 1,
			sample: [name],
			message: present
				? `${entry}: records that the target refuses for it are set aside`
				: `${entry}: it is not created${index.unique ? ', so nothing keeps its values unique' : ''}`,
			hint: present
				? `To keep such records, drop the index first: DROP INDEX "${name}";`
				: `Texts that compress well may fit; try it after the run: ${sql};`,
		},
	];
}

/** An index that may not take an entry of the rows that the target has already. */
export const longRowHazard = (
	step: Pick<SchemaStep, 'object' | 'table' | 'sql'>,
	object: ObjectToMake,
	{ count, sql }: Objection,
): Hazard => ({
	code: 'INDEX_LEFT',
	severity: 'warn',
	step: step.table,
	column: object.columns.join(', '),
	count: 1,
	sample: [step.object],
	message: `a row of ${step.table} in the target would need an entry of ${formatCount(count)} bytes in index ${step.object}, and an index of PostgreSQL is sure to take ${formatCount(indexedBytes(object.columns.length))}: it is not created${object.what === 'unique' ? ', so nothing keeps its values unique' : ''}`,
	hint: `Texts that compress well may fit; try it after the run: ${step.sql}; The longest: ${sql}`,
});
