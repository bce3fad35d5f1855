import type { CopyStep } from '../../source/core/plan/types.js';
import type { CastRecord, Comparison, KeyState, RowWriter, UniqueClash } from '../../source/core/ports.js';
import { type ColumnInfo, differs, findTable, type TableInfo, tenantOf } from './catalog.js';
import { findClashes } from './clashes.js';
import type { Parameter, Session } from './driver.js';
import { findWriters } from './row-writers.js';
import { arrayLiteral, boolean, number, quoteName, shorten, text, textOrNull } from './sql-text.js';
import { vectorText } from './vector-text.js';

/** Text that one statement carries at most, so that neither side holds much at once. */
const chunkCharacters = 4_000_000;
const chunkRecords = 500;
const shownCharacters = 80;

/**
 * The hexadecimal form of pgvector's binary output: int16 dimensions, int16 0, float32s, all big-endian (vector_send in
 * pgvector's src/vector.c). Comparing it compares bits.
 */
export function vectorSendHex(littleEndian: Uint8Array): string {
	const bytes = Buffer.alloc(4 + littleEndian.length);
	bytes.writeUInt16BE(littleEndian.length / 4, 0);
	bytes.set(littleEndian, 4);
	bytes.subarray(4).swap32();
	return bytes.toString('hex');
}

interface Compared {
	readonly column: ColumnInfo;
	/** Position in `step.columns` and in a record's values. */
	readonly position: number;
	/** Values are sent as vector_send bytes. */
	readonly binary: boolean;
}

const literalSize = (value: string | Uint8Array | null | undefined): number =>
	value === null || value === undefined ? 4 : typeof value === 'string' ? value.length : value.length * 2;

function* chunks(records: readonly CastRecord[]): Generator<readonly CastRecord[]> {
	let chunk: CastRecord[] = [];
	let size = 0;
	for (const record of records) {
		const added = record.values.reduce<number>((sum, value) => sum + literalSize(value), 0);
		if (chunk.length > 0 && (chunk.length >= chunkRecords || size + added > chunkCharacters)) {
			yield chunk;
			chunk = [];
			size = 0;
		}
		chunk.push(record);
		size += added;
	}
	if (chunk.length > 0) yield chunk;
}

function comparedColumns(step: CopyStep, table: TableInfo, records: readonly CastRecord[]): Compared[] {
	return step.columns.flatMap((mapping, position) => {
		const column = table.columns.get(mapping.name);
		if (column === undefined || step.key.includes(mapping.name)) return [];
		return [
			{ column, position, binary: column.base === 'vector' && records.some((record) => record.values[position] instanceof Uint8Array) },
		];
	});
}

/** Type that a sent value is read as. Small integers as bigint: one that the column cannot hold differs, and is no error. */
const sentType = (column: ColumnInfo | undefined): string =>
	column === undefined ? 'text' : column.base === 'int2' || column.base === 'int4' ? 'bigint' : column.type;

/** SQL for "the values of this column differ"; `e` is the table's row, `s` the sent one with text columns v1, v2 ... */
function differsSql({ column, binary }: Compared, index: number): string {
	const found = `e.${quoteName(column.name)}`;
	if (binary) return `encode(${column.base}_send(${found}), 'hex') IS DISTINCT FROM s.v${index}`;
	const type = column.base === 'json' ? 'jsonb' : sentType(column);
	return differs(
		column.base === 'json' ? { ...column, base: 'jsonb', type } : column,
		column.base === 'json' ? `${found}::jsonb` : found,
		`s.v${index}::${type}`,
	);
}

function statement(step: CopyStep, tenant: string, table: TableInfo, compared: readonly Compared[]): string {
	const keys = step.key.map((_, index) => `k${index}`);
	const values = compared.map((_, index) => `v${index}`);
	const sent = [...keys, ...values];
	const arrays = sent.map((_, index) => `$${index + 1}::text[]`).join(', ');
	const join = step.key.map((name, index) => `e.${quoteName(name)} = s.k${index}::${sentType(table.columns.get(name))}`).join(' AND ');
	const owner = tenantOf(step, tenant, 'e', table);
	const next = sent.length + 1;
	const otherTenant = owner === null ? 'false' : `coalesce(${owner} <> $${next}, false)`;
	const otherCollection =
		step.collection === undefined ? 'false' : `coalesce(e.collection_id::text <> $${next + (owner === null ? 0 : 1)}, true)`;
	const flags = compared.map((entry, index) => `(${differsSql(entry, index)}) AS d${index}`);
	const found = compared.map(
		({ column }, index) =>
			`CASE WHEN ${differsSql(compared[index] as Compared, index)} THEN left(e.${quoteName(column.name)}::text, ${shownCharacters + 1}) END AS f${index}`,
	);
	const unowned = owner === null ? 'false' : `${owner} IS NULL`;
	return `SELECT s.i - 1 AS i, e.xmin::text AS version, ${unowned} AS unowned, ${otherTenant} AS other_tenant, ${otherCollection} AS other_collection${[...flags, ...found].map((part) => `, ${part}`).join('')}
		FROM unnest(${arrays}) WITH ORDINALITY AS s(${[...sent, 'i'].join(', ')}) JOIN ${table.qualified} e ON ${join}`;
}

function parameters(
	step: CopyStep,
	tenant: string,
	table: TableInfo,
	compared: readonly Compared[],
	records: readonly CastRecord[],
): Parameter[] {
	const keys = step.key.map((_, index) => arrayLiteral(records.map((record) => record.key[index] ?? null)));
	const values = compared.map(({ position, binary }) =>
		arrayLiteral(
			records.map((record) => {
				const value = record.values[position] ?? null;
				return value instanceof Uint8Array ? (binary ? vectorSendHex(value) : vectorText(value)) : value;
			}),
		),
	);
	return [
		...keys,
		...values,
		...(tenantOf(step, tenant, 'e', table) === null ? [] : [tenant]),
		...(step.collection === undefined ? [] : [step.collection.uuid]),
	];
}

const shown = (value: string | Uint8Array | null | undefined): string | null =>
	value === null || value === undefined
		? null
		: shorten(typeof value === 'string' ? value : vectorText(value.subarray(0, 4 * shownCharacters)), shownCharacters);

async function compareChunk(
	session: Session,
	step: CopyStep,
	tenant: string,
	table: TableInfo,
	records: readonly CastRecord[],
): Promise<Comparison[]> {
	const compared = comparedColumns(step, table, records);
	const { rows } = await session.query(statement(step, tenant, table, compared), parameters(step, tenant, table, compared, records));
	const found = new Map(rows.map((row) => [number(row, 'i'), row]));
	const vector = step.columns.findIndex(({ cast }) => cast === 'vector');
	const plain = records.map((record, index): Comparison => {
		const row = found.get(index);
		if (row === undefined) return { key: record.key, state: 'absent', differences: [] };
		const differences = compared.flatMap(({ column, position }, place) =>
			boolean(row, `d${place}`)
				? [
						{
							column: column.name,
							expected: shown(record.values[position]),
							found: textOrNull(row, `f${place}`) === null ? null : shorten(text(row, `f${place}`), shownCharacters),
						},
					]
				: [],
		);
		const other: KeyState | null = boolean(row, 'other_collection')
			? 'other-collection'
			: boolean(row, 'other_tenant')
				? 'other-tenant'
				: null;
		const state = other ?? (differences.length === 0 ? 'equal' : 'differs');
		return { key: record.key, state, differences, ...(boolean(row, 'unowned') ? { unowned: true } : {}) };
	});
	const open = places(plain, ({ state }) => state === 'absent' || state === 'differs');
	const clashes: ReadonlyMap<number, readonly UniqueClash[]> =
		open.length === 0 ? new Map() : await findClashes(session, step, table, records, open, tenant);
	const differing = places(plain, ({ state }) => state === 'differs');
	const versionOf = (index: number): string => text(found.get(index), 'version');
	const writers = mayExcuse(step) ? await findWriters(session, step, tenant, table, new Set(differing.map(versionOf))) : null;
	return plain.map((comparison, index) => ({
		...comparison,
		...(records[index]?.values[vector] === null ? { withoutVector: true as const } : {}),
		...(clashes.has(index) ? { clashes: clashes.get(index) ?? [] } : {}),
		...(writers === null || comparison.state !== 'differs' ? {} : { writers: writers.get(versionOf(index)) ?? nobody }),
	}));
}

const places = (comparisons: readonly Comparison[], wanted: (comparison: Comparison) => boolean): number[] =>
	[...comparisons.keys()].filter((index) => wanted(comparisons[index] as Comparison));

const nobody: Readonly<Record<string, RowWriter>> = {};

/** Only a verification of a plan under `skip` that counted conflicts asks who wrote a row; planning itself never has such a step. */
const mayExcuse = (step: CopyStep): boolean => step.policies.onConflict === 'skip' && step.state.differing > 0;

/**
 * Compares cast records with the target's rows under their keys, by PostgreSQL's own types. Reads only.
 * `other-tenant`: the row's tenant is set and another; `other-collection`: its langchain collection is another.
 */
export async function compareRecords(
	session: Session,
	step: CopyStep,
	tenant: string,
	records: readonly CastRecord[],
): Promise<readonly Comparison[]> {
	const table = await findTable(session, step.table);
	if (table === null || step.key.some((name) => !table.columns.has(name)))
		return records.map((record) => ({ key: record.key, state: 'absent', differences: [] }));
	const comparisons: Comparison[] = [];
	for (const chunk of chunks(records)) comparisons.push(...(await compareChunk(session, step, tenant, table, chunk)));
	return comparisons;
}
