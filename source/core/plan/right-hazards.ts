import { formatCount } from '../format.js';
import type { TargetDescription, TargetTable } from '../ports.js';
import { collectionTable } from './langchain-tables.js';
import { nothingToCopy } from './measure.js';
import { quoteIdent } from './names.js';
import type { CopyStep, Hazard, SchemaStep } from './types.js';

/** Statements that need CREATE on the schema: PostgreSQL asks for it for an index, and so for a key, too. */
const creating: ReadonlySet<SchemaStep['what']> = new Set(['table', 'primary-key', 'index', 'vector-index']);
/** Statements that only a table's owner may run. */
const owning: ReadonlySet<SchemaStep['what']> = new Set(['primary-key', 'foreign-key', 'index', 'vector-index']);

/**
 * Rights that this plan needs and this user lacks. Each blocks with the statement that gives it, because a run would fail at its start, or
 * after the load. What no step of the plan uses is not asked for.
 */
export function rightHazards(
	target: TargetDescription,
	schema: readonly SchemaStep[],
	copies: readonly CopyStep[],
	overwrites: boolean,
): Hazard[] {
	const { rights } = target;
	if (rights === undefined) return [];
	const hazards: Hazard[] = [];
	const block = (code: string, step: string | null, message: string, hint: string): void => {
		hazards.push({ code, severity: 'block', step, count: 1, sample: [], message, hint });
	};
	for (const { why, mend } of rights.frozen ?? []) block('TARGET_READ_ONLY', null, `no change is taken: ${why}`, mend);
	if (rights.unguarded !== undefined) {
		const { why, mend } = rights.unguarded;
		hazards.push({ code: 'TRIGGERS_OFF', severity: 'warn', step: null, count: 1, sample: [], message: why, hint: mend });
	}
	if (!rights.ledger) {
		const narrower = rights.grants.ledger.includes('ON DATABASE')
			? ` Or, which gives less: CREATE SCHEMA repot AUTHORIZATION ${quoteIdent(rights.user)};`
			: '';
		block(
			'NO_LEDGER_PRIVILEGE',
			null,
			`the user ${rights.user} may not keep the ledger of runs (schema repot), without which nothing can be resumed or undone`,
			`Ask an administrator to run in this database: ${rights.grants.ledger}${narrower}`,
		);
	}
	const needed = schema.filter((step) => step.needed);
	const made = needed.filter((step) => creating.has(step.what));
	if (!rights.tables && made.length > 0) {
		block(
			'NO_CREATE_PRIVILEGE',
			null,
			`the user ${rights.user} may not create tables and indexes in the schema ${target.schema}, and the plan needs ${formatCount(made.length)} of them`,
			`Ask an administrator to run in this database: ${rights.grants.tables}`,
		);
	}
	if (rights.temporary === false && merges(copies)) {
		block(
			'NO_TEMP_PRIVILEGE',
			null,
			`the user ${rights.user} may not make temporary tables in this database, through which rows are merged into tables that hold some of them, and restored by a rollback`,
			`Ask an administrator to run: ${rights.grants.temporary ?? `GRANT TEMP ON DATABASE THE_DATABASE TO ${quoteIdent(rights.user)};`}`,
		);
	}
	const user = quoteIdent(rights.user);
	for (const table of target.tables) {
		const step = copies.find((copy) => copy.table === table.name);
		const onTable = needed.filter((candidate) => candidate.table === table.name && owning.has(candidate.what));
		if (table.rights?.owner === false && onTable.length > 0) {
			block(
				'NOT_OWNER',
				step?.id ?? null,
				`only the owner of ${table.name} can add what it lacks: ${onTable.map(({ object }) => object).join(', ')}`,
				`Ask its owner to run: ${onTable.map(({ sql }) => `${sql};`).join(' ')} Or leave them out with --skip-schema-creation`,
			);
		}
		if (table.rights?.references === false && isReferredTo(table, needed, copies)) {
			block(
				'NO_REFERENCES_PRIVILEGE',
				step?.id ?? null,
				`a foreign key of the plan refers to ${table.name}, to which this user may not refer`,
				`GRANT REFERENCES ON TABLE ${quoteIdent(table.name)} TO ${user};`,
			);
		}
		hazards.push(...writeHazards(table, copies, overwrites, user));
	}
	return hazards;
}

const isIdle = (copy: CopyStep): boolean => nothingToCopy(copy, copy.policies.onConflict);

/** Whether a run would merge: not when all is there, and not in a step that is passed over. */
const merges = (copies: readonly CopyStep[]): boolean =>
	!copies.every(isIdle) && copies.some((copy) => copy.write === 'merge' && (!isIdle(copy) || copy.rejected > 0));

/** Whether a foreign key that is to be made refers to the table. */
const isReferredTo = (table: TargetTable, needed: readonly SchemaStep[], copies: readonly CopyStep[]): boolean =>
	needed.some((step) => {
		if (step.what !== 'foreign-key') return false;
		const copy = copies.find((candidate) => candidate.table === step.table);
		const parents = copy?.collection === undefined ? (copy?.foreignKeys.map(({ parent }) => parent) ?? []) : [collectionTable];
		return parents.includes(table.name);
	});

/** The step that writes rows into a table: for langchain's table of collections only a collection that is new. */
const writerOf = (table: TargetTable, copies: readonly CopyStep[]): CopyStep | undefined =>
	copies.find((copy) => copy.table === table.name || (table.name === collectionTable && copy.collection?.exists === false));

/** What langchain's table of collections is sent. */
const collectionColumns = ['uuid', 'name', 'cmetadata'];

function writeHazards(table: TargetTable, copies: readonly CopyStep[], overwrites: boolean, user: string): Hazard[] {
	const { rights } = table;
	// Whoever may not read a table cannot tell whether a collection is in it, either.
	const step = writerOf(table, copies) ?? (rights?.select === false ? copies.find((copy) => copy.collection !== undefined) : undefined);
	if (rights === undefined || step === undefined) return [];
	const name = quoteIdent(table.name);
	const sent = step.table === table.name ? step.columns.map((column) => column.name) : collectionColumns;
	const told = (code: string, severity: Hazard['severity'], message: string, hint: string): Hazard => ({
		code,
		severity,
		step: step.id,
		count: 1,
		sample: [],
		message,
		hint,
	});
	const may = (code: string, severity: Hazard['severity'], message: string, privilege: string): Hazard =>
		told(code, severity, message, `GRANT ${privilege} ON TABLE ${name} TO ${user};`);
	const insert = rights.insert || sent.every((column) => rights.insertColumns?.includes(column));
	const closed = (rights.closedSequences ?? []).filter(({ column }) => !sent.includes(column));
	return [
		...(rights.select === false && insert
			? [may('NO_READ_PRIVILEGE', 'block', `this user may not read ${table.name}, so what it holds cannot be compared`, 'SELECT')]
			: []),
		...(rights.rowSecurity === true
			? [
					told(
						'ROW_SECURITY',
						'block',
						`row-level security of ${table.name} holds for this user: PostgreSQL refuses COPY into such a table, and rows that are there may be hidden from the plan`,
						`Give the URL of the table's owner, or have an administrator run: ALTER ROLE ${user} BYPASSRLS;`,
					),
				]
			: []),
		...(insert ? [] : [may('NO_WRITE_PRIVILEGE', 'block', `this user may not write into ${table.name}`, 'SELECT, INSERT')]),
		...closed.map(({ column, sequence }) =>
			told(
				'NO_SEQUENCE_PRIVILEGE',
				'block',
				`${table.name}.${column} takes its default from the sequence ${sequence}, which this user may not use`,
				`GRANT USAGE ON SEQUENCE ${sequence} TO ${user};`,
			),
		),
		...(rights.update || !overwrites || step.table !== table.name
			? []
			: [may('NO_WRITE_PRIVILEGE', 'block', `this user may not overwrite rows of ${table.name}, as --on-conflict update asks`, 'UPDATE')]),
		...(rights.delete
			? []
			: [may('NO_DELETE_PRIVILEGE', 'warn', `this user may not delete from ${table.name}, so a rollback of the run would fail`, 'DELETE')]),
	];
}
