import { formatQuantity } from '../../source/core/format.js';
import { isSchemaStep, type SchemaStep } from '../../source/core/plan/types.js';
import { collectionTable, findTable, findTableByOid, qualify, type TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import type { StoredRun } from './ledger.js';
import { writtenBy } from './provenance.js';
import type { StepRollback } from './rollback-count.js';
import { referencesTo } from './rollback-sql.js';
import { boolean, number, quoteName, text, textOrNull } from './sql-text.js';

/** What happens, or would happen, to one object that the run made. */
export type ObjectFate =
	| { readonly fate: 'drop'; readonly step: SchemaStep; readonly shown: string; readonly sql: string }
	| { readonly fate: 'with-table'; readonly step: SchemaStep; readonly shown: string }
	| {
			readonly fate: 'stay';
			readonly step: SchemaStep;
			readonly shown: string;
			readonly why: string /** An extension stays by design and keeps no run from being undone. */;
			readonly counts: boolean;
	  };

const shownName = (step: SchemaStep): string => {
	const kinds: Record<SchemaStep['what'], string> = {
		extension: `extension ${step.object}`,
		table: `table ${step.table}`,
		'primary-key': `primary key of ${step.table}`,
		'foreign-key': `foreign key ${step.object} of ${step.table}`,
		index: `index ${step.object}`,
		'vector-index': `index ${step.object}`,
		analyze: `statistics of ${step.table}`,
	};
	return kinds[step.what];
};

interface Made {
	readonly step: SchemaStep;
	readonly tableOid: string | null;
}

/** Objects that the run made and has not dropped yet, last made first. */
export async function findMade(session: Session, stored: StoredRun): Promise<Made[]> {
	const { rows } = await session.query(
		"SELECT step_id, table_oid::text AS table_oid FROM repot.step WHERE run_id = $1 AND created AND kind <> 'collection' AND state <> 'rolled-back' ORDER BY position DESC",
		[stored.run.id],
	);
	return rows.flatMap((row) => {
		const step = stored.plan.steps.filter(isSchemaStep).find(({ id }) => id === text(row, 'step_id'));
		return step === undefined ? [] : [{ step, tableOid: textOrNull(row, 'table_oid') }];
	});
}

/** Rows that will be left in a table once the run's are gone; `planned` is empty when they are gone already. */
async function rowsLeft(session: Session, table: TableInfo, planned: readonly StepRollback[], collections: number): Promise<number> {
	const { rows } = await session.query(`SELECT count(*) AS count FROM ${table.qualified}`);
	const going = planned.filter(({ node }) => node?.table.oid === table.oid).reduce((sum, { counts }) => sum + counts.removable, 0);
	return number(rows[0], 'count') - going - (table.name === collectionTable ? collections : 0);
}

const constraintSql = `SELECT k.conname AS name FROM pg_constraint k WHERE k.conrelid = $1::oid AND (CASE WHEN $2 = '' THEN k.contype = 'p' ELSE k.conname = $2 END)`;

/** The statement that drops a key or index of a table that was there before the run; null when it is gone already. */
async function dropStatement(session: Session, step: SchemaStep, table: TableInfo): Promise<string | null> {
	if (step.what === 'index' || step.what === 'vector-index') {
		const { rows } = await session.query(
			'SELECT n.nspname AS schema FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = $1::oid AND c.relname = $2',
			[table.oid, step.object],
		);
		const [row] = rows;
		return row === undefined ? null : `DROP INDEX ${quoteName(text(row, 'schema'))}.${quoteName(step.object)}`;
	}
	const { rows } = await session.query(constraintSql, [table.oid, step.what === 'primary-key' ? '' : step.object]);
	const [row] = rows;
	return row === undefined ? null : `ALTER TABLE ${table.qualified} DROP CONSTRAINT ${quoteName(text(row, 'name'))}`;
}

/** Decides what becomes of one object. `madeTables`: oids of tables that the run made. */
export async function decideObject(
	session: Session,
	{ step, tableOid }: Made,
	madeTables: ReadonlySet<string>,
	planned: readonly StepRollback[],
	collections: number,
): Promise<ObjectFate | null> {
	const shown = shownName(step);
	if (step.what === 'analyze') return null;
	if (step.what === 'extension')
		return { fate: 'stay', step, shown, why: 'an extension may be in use by others and is never dropped', counts: false };
	const table = await findTableByOid(session, tableOid, step.table);
	if (table === null) return null;
	if (table.oid !== tableOid) return { fate: 'stay', step, shown, why: `the table ${step.table} was made anew since`, counts: true };
	if (table.name !== step.table) return { fate: 'stay', step, shown, why: `the table is now called ${table.qualified}`, counts: true };
	if (!madeTables.has(table.oid)) {
		const sql = await dropStatement(session, step, table);
		return sql === null ? null : { fate: 'drop', step, shown, sql };
	}
	const left = await rowsLeft(session, table, planned, collections);
	if (left > 0)
		return {
			fate: 'stay',
			step,
			shown,
			why: `${step.table} holds ${left} ${left === 1 ? 'row' : 'rows'} that this run did not write or that ${left === 1 ? 'stays' : 'stay'}`,
			counts: true,
		};
	return step.what === 'table' ? { fate: 'drop', step, shown, sql: `DROP TABLE ${table.qualified}` } : { fate: 'with-table', step, shown };
}

export const tablesMade = (made: readonly Made[]): ReadonlySet<string> =>
	new Set(made.filter(({ step }) => step.what === 'table').flatMap(({ tableOid }) => (tableOid === null ? [] : [tableOid])));

export interface MadeCollection {
	readonly recordId: string;
	readonly uuid: string;
	/** Name and UUID, for people. */
	readonly shown: string;
	readonly table: TableInfo;
}

/** The run's collection rows that are still there. */
export async function findMadeCollections(session: Session, stored: StoredRun): Promise<readonly MadeCollection[]> {
	const recorded = await session.query(
		"SELECT table_oid::text AS table_oid FROM repot.step WHERE run_id = $1 AND kind = 'collection' AND table_oid IS NOT NULL LIMIT 1",
		[stored.run.id],
	);
	const table = await findTableByOid(session, textOrNull(recorded.rows[0] ?? { table_oid: null }, 'table_oid'), collectionTable);
	if (table === null || table.name !== collectionTable) return [];
	const { rows } = await session.query(
		`SELECT s.step_id, s.object, c.name FROM repot.step s JOIN ${table.qualified} c ON c.uuid::text = s.object
		WHERE s.run_id = $1 AND s.kind = 'collection' AND s.created AND s.state <> 'rolled-back' AND s.table_oid = $2::oid ORDER BY s.position DESC`,
		[stored.run.id, table.oid],
	);
	return rows.map((row) => {
		const uuid = text(row, 'object');
		return { recordId: text(row, 'step_id'), uuid, shown: `collection ${textOrNull(row, 'name') ?? ''} (${uuid})`, table };
	});
}

/** Rows that refer to the collection, in any table that does. */
export async function collectionRows(session: Session, collection: MadeCollection): Promise<number> {
	let count = 0;
	for (const reference of await referencesTo(session, collection.table)) {
		const { rows } = await session.query(
			`SELECT count(*) AS count FROM ${reference.qualified} c WHERE c.${quoteName(reference.columns[0] ?? 'collection_id')}::text = $1`,
			[collection.uuid],
		);
		count += number(rows[0], 'count');
	}
	const embeddings = await findTable(session, 'langchain_pg_embedding', collection.table.schema);
	if (count === 0 && embeddings?.columns.has('collection_id') === true) {
		const { rows } = await session.query(`SELECT count(*) AS count FROM ${embeddings.qualified} WHERE collection_id::text = $1`, [
			collection.uuid,
		]);
		count = number(rows[0], 'count');
	}
	return count;
}

/** Why a collection stays, whose rows in `rows` number are not the run's or stay. */
export const collectionStays = ({ shown }: MadeCollection, rows: number): string =>
	`${shown}: ${formatQuantity(rows, 'row')} that this run did not write or that ${rows === 1 ? 'stays is' : 'stay are'} in it`;

/** Whether a table that some run of the ledger wrote to still holds rows of its transactions; also when this user cannot look. */
async function holdsWrittenRows(session: Session): Promise<boolean> {
	const { rows: tables } = await session.query(
		`SELECT DISTINCT s.run_id, s.step_id, n.nspname AS schema, c.relname AS name, has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS may
		FROM repot.step s JOIN repot.batch b ON b.run_id = s.run_id AND b.step_id = s.step_id
		JOIN pg_class c ON c.oid = s.table_oid AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace`,
	);
	for (const table of tables) {
		if (!boolean(table, 'may')) return true;
		const { rows } = await session.query(
			`SELECT EXISTS (SELECT 1 FROM ${qualify(text(table, 'schema'), text(table, 'name'))} e WHERE ${writtenBy('e')}) AS holds`,
			[text(table, 'run_id'), text(table, 'step_id')],
		);
		if (boolean(rows[0], 'holds')) return true;
	}
	return false;
}

/**
 * Drops the ledger when every run in it is undone and no row of theirs is left: the target is as before. Objects of others in the
 * schema keep it, and a schema that was there before the ledger stays. Gives what was dropped, or null.
 */
export async function dropLedgerWhenDone(session: Session): Promise<string | null> {
	const { rows } = await session.query(
		`SELECT (SELECT bool_and(status = 'rolled-back') FROM repot.run) AND (SELECT count(*) = 4 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'repot' AND c.relkind NOT IN ('i', 'S', 't')) AS done,
			(SELECT coalesce(obj_description(oid, 'pg_namespace') LIKE 'Ledger of repot:%', false) FROM pg_namespace WHERE nspname = 'repot') AS made`,
	);
	if (!boolean(rows[0], 'done') || (await holdsWrittenRows(session))) return null;
	await session.query('DROP TABLE repot.overwritten, repot.batch, repot.step, repot.run');
	if (!boolean(rows[0], 'made')) return 'tables of schema repot (the ledger: no run is left in it)';
	await session.query('DROP SCHEMA repot');
	return 'schema repot (the ledger: no run is left in it)';
}
