import { RepotError } from '../../source/core/errors.js';
import { madeObject } from '../../source/core/plan/made-object.js';
import type { SchemaStep } from '../../source/core/plan/types.js';
import { ServerError } from './driver.js';
import { duplicatesSql, longestSql, nullsSql, orphansSql } from './objections.js';
import { quoteName } from './sql-text.js';

const resumable = 'The rows that were copied are safe. Then run the same command again: it goes on with this statement';

/**
 * A statement after the load that rows in the table do not allow: what to look at, and that nothing has to be copied again. Any other error
 * comes back as it is.
 */
export function refusedObject(error: unknown, step: SchemaStep): unknown {
	if (!(error instanceof ServerError)) return error;
	const object = madeObject(step);
	if (object === null) return error;
	const { columns, parent } = object;
	const table = quoteName(step.table);
	const listed = columns.join(', ');
	const what = { 'primary-key': 'primary key', unique: 'unique index', index: 'index', 'foreign-key': 'foreign key' }[object.what];
	const refused = (code: string, because: string, next: readonly string[]): RepotError =>
		new RepotError({
			kind: 'target',
			code,
			message: `The ${what} ${step.object} cannot be made: ${because}`,
			where: `table ${step.table}`,
			why: error.detail === undefined ? error.message : `${error.message}: ${error.detail}`,
			next: [...next, resumable],
			cause: error,
		});
	switch (error.code) {
		case '23505':
			return refused('TARGET_NOT_UNIQUE', `rows of ${step.table} share a value of (${listed})`, [
				`See them: ${duplicatesSql(table, columns)};`,
				'Change those rows, or have their owner do so',
			]);
		case '23502':
			return refused('TARGET_KEY_NULL', `rows of ${step.table} have no value of (${listed})`, [`See them: ${nullsSql(table, columns)};`]);
		case '23503': {
			const of = parent === undefined ? '' : ` in ${parent.table}`;
			const sql = orphansSql(table, columns, parent === undefined ? null : quoteName(parent.table), parent?.columns ?? []);
			return refused('TARGET_ORPHANS', `rows of ${step.table} refer by (${listed}) to none${of}`, [
				`See them: ${sql};`,
				'Change those rows, or add the rows that they refer to',
			]);
		}
		case '54000':
			return refused('INDEX_ENTRY_TOO_LONG', `a row of ${step.table} has a value of (${listed}) that is too long for an index`, [
				`See the longest: ${longestSql(table, columns)};`,
				`Shorten that value, or make another index of the name ${step.object}, say over its hash, which the run then takes for it`,
				// PostgreSQL indexes row versions that an open transaction may still see.
				'A value that was shortened counts as long as a transaction runs that began before, in any database of the server',
			]);
		default:
			return error;
	}
}
