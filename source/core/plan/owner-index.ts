import type { ObjectToMake } from '../ports.js';
import { quoteIdent } from './names.js';
import type { CopyStep } from './types.js';

/**
 * The ways past a unique index of the source that the target's rows do not allow, which change no row of anybody: not making it, or one of the
 * same name over the user as well, which the plan then takes for it. The second not where a foreign key needs the index as it is.
 */
export function ownerIndexWords(
	name: string,
	{ table, columns }: Pick<ObjectToMake, 'table' | 'columns'>,
	tenantColumn: string,
	steps: readonly Pick<CopyStep, 'foreignKeys'>[],
): string {
	const without = 'Leave the index out with --skip-schema-creation, which makes no other key and index either';
	const isReferredTo = steps.some(({ foreignKeys }) =>
		foreignKeys.some(({ parent, parentColumns }) => parent === table && parentColumns.every((column) => columns.includes(column))),
	);
	if (isReferredTo) return `${without}.`;
	const all = [tenantColumn, ...columns].map(quoteIdent).join(', ');
	return `${without}; or make it unique for each user: CREATE UNIQUE INDEX ${quoteIdent(name)} ON ${quoteIdent(table)} (${all});`;
}
