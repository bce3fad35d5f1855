import { beforeEach } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import { RepotError } from '../../source/core/errors.js';
import type { RollbackEvent, Target } from '../../source/core/ports.js';
import {
	items,
	itemsStep,
	makePlan,
	notes,
	notesStep,
	schemaAfter,
	schemaBefore,
	tenant,
	textBatch,
	vectorBatch,
	vectors,
	vectorsStep,
} from './target-data.js';

/** A target and the driver below it, over an empty database; `reset` empties it again. */
export interface TargetHarness {
	readonly target: Target;
	readonly driver: Driver;
}

const userObjects = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";

/** Everything a person could see in the database: schemas, relations, columns, constraints, indexes, extensions and rows. */
export async function dump(driver: Driver): Promise<unknown> {
	const ask = async (sql: string): Promise<unknown> => (await driver.query(sql)).rows;
	const tables = (
		await driver.query(
			`SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} AND c.relkind IN ('r', 'p') ORDER BY 1`,
		)
	).rows.map((row) => row.name ?? '');
	const rows: Record<string, unknown> = {};
	for (const table of tables) rows[table] = await ask(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
	return {
		rows,
		schemas: await ask(`SELECT nspname FROM pg_namespace n WHERE ${userObjects} ORDER BY 1`),
		relations: await ask(
			`SELECT n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} ORDER BY 1, 2`,
		),
		columns: await ask(
			`SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} AND a.attnum > 0 ORDER BY 1, a.attnum`,
		),
		constraints: await ask(
			`SELECT k.conname, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE ${userObjects} ORDER BY 1, 2`,
		),
		indexes: await ask(
			`SELECT pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} ORDER BY 1`,
		),
		functions: await ask(
			`SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${userObjects} AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1`,
		),
		extensions: await ask('SELECT extname FROM pg_extension ORDER BY 1'),
	};
}

export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
	try {
		await promise;
	} catch (error) {
		if (error instanceof RepotError) return `${error.kind} ${error.code}`;
		throw error;
	}
	return 'no error';
};

export const request = { tables: ['items', 'notes'], collections: ['vectors'], tenant: { column: 'user_id', value: tenant } };

/**
 * A target over a database that is emptied before every test, and what most tests do with it. `target` and `driver` are there once a test runs.
 */
export function targetScene(open: () => TargetHarness) {
	let target: Target;
	let driver: Driver;
	const sql = async (text: string): Promise<readonly (string | null)[][]> =>
		(await driver.query(text)).rows.map((row) => Object.values(row));
	const begin = (run: string, write: 'copy' | 'merge' = 'copy'): Promise<void> =>
		target.ledger.begin({ id: run, plan: makePlan(write), operator: 'ana@laptop', version: '0.1.0' });
	const makeSchema = async (run: string): Promise<string[]> => {
		const outcomes: string[] = [];
		for (const step of [...schemaBefore]) outcomes.push(await target.applySchema(run, step));
		return outcomes;
	};
	const finishSchema = async (run: string): Promise<void> => {
		for (const step of schemaAfter) await target.applySchema(run, step);
	};
	const copyAll = async (run: string, write: 'copy' | 'merge' = 'copy'): Promise<void> => {
		await target.writeBatch(run, itemsStep(write), 0, textBatch(items), 'fail');
		await target.writeBatch(run, notesStep(write), 0, textBatch(notes), 'fail');
		await target.ensureCollection(run, vectorsStep(write));
		await target.writeBatch(run, vectorsStep(write), 0, vectorBatch(vectors), 'fail');
	};
	const wholeRun = async (run: string): Promise<void> => {
		await begin(run);
		await makeSchema(run);
		await copyAll(run);
		await finishSchema(run);
		await target.ledger.finish(run, 'done', { written: 9, quarantined: 0 });
	};
	const rollback = async (run: string): Promise<RollbackEvent[]> => {
		const events: RollbackEvent[] = [];
		for await (const event of target.rollback(run)) events.push(event);
		return events;
	};

	beforeEach(async () => {
		({ target, driver } = open());
		await driver.query(
			'DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION IF EXISTS vector',
		);
	});

	return {
		get target(): Target {
			return target;
		},
		get driver(): Driver {
			return driver;
		},
		sql,
		begin,
		makeSchema,
		finishSchema,
		copyAll,
		wholeRun,
		rollback,
	};
}
