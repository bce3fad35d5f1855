import { formatCount } from '../format.js';
import { collectionsProfile as profile } from '../mapping/profile.js';
import { indexedBytes } from '../mapping/target-limits.js';
import type { Objection, ObjectToMake, Source, Target, TargetDescription } from '../ports.js';
import type { Draft } from './draft-parts.js';
import { withoutReferencesTo } from './foreign-keys.js';
import { longRowHazard } from './index-fit.js';
import { madeObject } from './made-object.js';
import { ownerIndexWords } from './owner-index.js';
import { notBrought } from './parents.js';
import { sameColumns } from './tables.js';
import type { CopyStep, Hazard, Policies, SchemaStep } from './types.js';

/** Something that rows of the target have against an object that the plan would make. */
export interface Objected {
	readonly object: ObjectToMake;
	readonly step: SchemaStep;
	readonly objection: Objection;
}

/** The missing objects whose statement reads rows that are there already. A table that does not fit is told as such, and not asked. */
function objectsOnRows(missing: readonly SchemaStep[], target: TargetDescription, hazards: readonly Hazard[]): ObjectToMake[] {
	const misfits = new Set(hazards.filter(({ code }) => code === 'TABLE_DOES_NOT_FIT').map(({ step }) => step));
	const tableOf = (name: string) => target.tables.find((table) => table.name === name);
	const isReadable = (name: string): boolean => tableOf(name)?.rights?.select !== false && !misfits.has(name);
	return missing.flatMap((step) => {
		const object = madeObject(step);
		const table = tableOf(step.table);
		if (object === null || table === undefined || table.rows === 0 || !isReadable(table.name)) return [];
		if (object.parent !== undefined && !isReadable(object.parent.table)) return [];
		// The same under another name: its rows were let in by it.
		if (object.what === 'unique' && table.uniques.some((columns) => sameColumns(columns, object.columns))) return [];
		return [object];
	});
}

/**
 * Asks the rows of existing tables about every key, index and foreign key that is `missing` there, because the statement would fail after the
 * load. An index that has no room for an entry is left out of the draft, like one that has none for the source's; the rest comes back.
 */
export async function heedTargetRows(
	draft: Draft,
	missing: readonly SchemaStep[],
	target: TargetDescription,
	port: Pick<Target, 'objections'>,
	signal: AbortSignal | undefined,
): Promise<{ draft: Draft; objected: readonly Objected[] }> {
	const objects = objectsOnRows(missing, target, draft.hazards);
	if (objects.length === 0) return { draft, objected: [] };
	const objected = (await port.objections(objects, signal)).flatMap((objection): Objected[] => {
		const object = objects.find(({ step }) => step === objection.step);
		const step = missing.find(({ id }) => id === objection.step);
		return object === undefined || step === undefined ? [] : [{ object, step, objection }];
	});
	const long = objected.filter(
		({ object, objection }) => objection.why === 'entry' && objection.count > indexedBytes(object.columns.length),
	);
	const left = new Set(long.map(({ step }) => step.id));
	const hazards = [...draft.hazards, ...long.map(({ step, object, objection }) => longRowHazard(step, object, objection))];
	const { copies, schema } = withoutReferencesTo(
		long.map(({ object }) => object),
		{ copies: draft.copies, schema: draft.schema.filter(({ id }) => !left.has(id)) },
		hazards,
	);
	const kept = new Set(schema.map(({ id }) => id));
	return {
		draft: { copies, schema, hazards },
		objected: objected.filter(({ step, objection }) => objection.why !== 'entry' && kept.has(step.id)),
	};
}

/** What the rows have against keys and foreign keys, once it is known which rows the run brings. */
export async function targetRowHazards(
	objected: readonly Objected[],
	steps: readonly CopyStep[],
	policies: Policies,
	source: Pick<Source, 'records'>,
	signal: AbortSignal | undefined,
): Promise<Hazard[]> {
	const hazards: Hazard[] = [];
	for (const one of objected) {
		const onTable = steps.filter((step) => step.table === one.object.table);
		const [copy] = onTable;
		// Some of those rows the run itself may overwrite, so that nothing is in the way any more.
		const mayChange = policies.onConflict === 'update' && onTable.some(({ state }) => state.differing > 0);
		if (one.objection.why === 'orphans') hazards.push(...(await orphanHazards(one, copy, steps, mayChange, source, signal)));
		else hazards.push(keyHazard(one, copy, steps, mayChange));
	}
	return hazards;
}

const shownValues = 5;
const shownCharacters = 80;

/** Up to five values, as text. */
const sampleOf = (values: readonly (readonly string[])[]): string[] =>
	values.slice(0, shownValues).map((parts) => {
		const text = parts.join(', ');
		return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters - 1)}…`;
	});

const counted = (count: number, one: string, many: string): string => (count === 1 ? `1 ${one}` : `${formatCount(count)} ${many}`);
const listed = (sample: readonly string[], count: number): string =>
	sample.length === 0 ? '' : `: ${sample.map((value) => `"${value}"`).join('; ')}${count > sample.length ? ' ..' : ''}`;
const nameOf = ({ what }: ObjectToMake): string =>
	({ 'primary-key': 'primary key', unique: 'unique index', index: 'index', 'foreign-key': 'foreign key' })[what];

const perhaps = 'unless the run overwrites some of them, ';

function keyHazard(
	{ object, step, objection }: Objected,
	copy: CopyStep | undefined,
	steps: readonly CopyStep[],
	mayChange: boolean,
): Hazard {
	const { count, why } = objection;
	const columns = object.columns.join(', ');
	const sample = sampleOf(objection.values);
	const what =
		why === 'nulls'
			? `${counted(count, 'row', 'rows')} of ${object.table} in the target ${count === 1 ? 'has' : 'have'} no value of (${columns})`
			: `${counted(count, 'value', 'values')} of (${columns}) ${count === 1 ? 'is' : 'are'} in several rows of ${object.table} in the target${listed(sample, count)}`;
	return {
		code: why === 'nulls' ? 'TARGET_KEY_NULL' : 'TARGET_NOT_UNIQUE',
		severity: mayChange ? 'warn' : 'block',
		step: copy?.id ?? null,
		column: columns,
		count,
		sample,
		message: `${what}; ${mayChange ? perhaps : ''}the ${nameOf(object)} ${step.object} cannot be made after the copy`,
		hint: `${object.what === 'unique' ? `${ownerIndexWords(step.object, object, profile.tenantColumn, steps)} Or have` : 'Have'} those rows changed first; to see them: ${objection.sql}`,
	};
}

async function orphanHazards(
	{ object, step, objection }: Objected,
	copy: CopyStep | undefined,
	steps: readonly CopyStep[],
	mayChange: boolean,
	source: Pick<Source, 'records'>,
	signal: AbortSignal | undefined,
): Promise<Hazard[]> {
	const { left, sure } = await notBrought(object, objection.values, steps, source, signal);
	const rest = objection.count - objection.values.length;
	if (left.length === 0 && rest === 0 && sure) return [];
	const known = left.length > 0 && sure;
	const count = left.length + rest;
	const values = known ? left : objection.values;
	const sample = sampleOf(values);
	const parent = object.parent?.table ?? '';
	const columns = object.columns.join(', ');
	const told = known ? count : objection.count;
	const what = `${counted(told, 'value', 'values')} of (${columns}) in ${object.table} of the target ${told === 1 ? 'has' : 'have'} no row in ${parent}${listed(sample, told)}`;
	const end = `the foreign key ${step.object} cannot be made after the copy`;
	return [
		{
			code: 'TARGET_ORPHANS',
			severity: known && !mayChange ? 'block' : 'warn',
			step: copy?.id ?? null,
			column: columns,
			count: told,
			sample,
			message: known
				? `${what}, and none comes with this run; ${mayChange ? perhaps : ''}${end}`
				: `${what} yet; unless this run brings every one of them, ${end}`,
			hint: `Leave the foreign key out with --skip-schema-creation, which makes no key and no index either. Or have those rows changed first; to see them: ${objection.sql}`,
		},
	];
}
