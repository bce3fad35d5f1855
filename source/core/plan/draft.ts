import { collectionsProfile as profile } from '../mapping/profile.js';
import type { SourceDescription, TargetDescription } from '../ports.js';
import { batchBytes } from './batch-size.js';
import { type ChosenCollection, nameHazards } from './collection-names.js';
import type { Draft, PlacedCollection, TableMapping, VectorLayout } from './draft-parts.js';
import { leavesNothing } from './empty-steps.js';
import { checkFit, heldTo, isPresent } from './fit.js';
import { embeddingTable } from './langchain-tables.js';
import { identifier, quoteIdent } from './names.js';
import { castIndexHazards } from './other-dimensions.js';
import type { PlanRequest } from './request.js';
import { sharedIndexHazards } from './shared-index.js';
import { mapTables, schemaOfTable } from './tables.js';
import { counted, toldOnce } from './told-once.js';
import type { CopyStep, Hazard } from './types.js';
import { type VectorIndex, vectorIndexes } from './vector-index.js';
import { embeddingType, layoutHazards, layoutOf } from './vector-layout.js';
import { langchainCollection, schemaOfVectors, vectorColumns } from './vectors.js';

/** Steps by mapping alone: nothing counted yet. */
export function draftSteps(
	request: PlanRequest,
	description: SourceDescription,
	chosen: readonly ChosenCollection[],
	target: TargetDescription,
): Draft {
	const hazards: Hazard[] = [];
	const copies: CopyStep[] = [];
	const schema: Draft['schema'] = [];
	if (description.sqlite !== null) {
		const mapped = mapTables(profile, description.sqlite, request.tenant);
		hazards.push(...mapped.hazards);
		for (const table of mapped.tables) {
			copies.push(tableStep(table, request, target));
			const existing = target.tables.find((candidate) => candidate.name === table.target);
			schema.push(...schemaOfTable(table, profile.tenantColumn, existing, hazards));
		}
	}
	if (chosen.length > 0) {
		const vectors = draftVectors(chosen, request, target);
		copies.push(...vectors.copies);
		schema.push(...vectors.schema);
		hazards.push(...vectors.hazards);
	}
	// Tables that refer to each other in a ring: a key can be referred to once it is there.
	const references = schema.filter((step) => step.what === 'foreign-key');
	const others = schema.filter((step) => step.what !== 'foreign-key' && step.what !== 'vector-index');
	schema.splice(0, schema.length, ...others, ...references, ...schema.filter((step) => step.what === 'vector-index'));
	for (const table of new Set(copies.filter((copy) => !leavesNothing(copy)).map((copy) => copy.table))) {
		const sql = `ANALYZE "${table}"`;
		schema.push({ id: `analyze:${table}`, kind: 'schema', phase: 'after', what: 'analyze', object: table, table, sql });
	}
	const misfits: Hazard[] = [];
	const fitting = copies.map((copy) => {
		const table = target.tables.find((candidate) => candidate.name === copy.table);
		if (table !== undefined) misfits.push(...checkFit(copy, table));
		else if (request.skipSchemaCreation && !leavesNothing(copy)) misfits.push(missingTable(copy));
		return { ...copy, columns: heldTo(table, copy.columns) };
	});
	// What a table lacks for one collection it lacks for all.
	hazards.push(...toldOnce(misfits, counted));
	if (request.skipSchemaCreation) return { copies: fitting, schema: schema.filter((step) => step.what === 'analyze'), hazards };
	return { copies: fitting, schema: avoidTakenNames(schema, target, fitting, hazards), hazards };
}

/**
 * Indexes share one space of names with all relations of a schema, so an index of another table, say of one that was renamed, would
 * make the statement fail after a long load. Such an index, or the key that it serves, gets its table's name in front.
 */
function avoidTakenNames(
	schema: Draft['schema'],
	target: TargetDescription,
	copies: readonly CopyStep[],
	hazards: Hazard[],
): Draft['schema'] {
	const taken = new Set(target.relationNames ?? []);
	return schema.map((step) => {
		if (!['index', 'vector-index', 'primary-key'].includes(step.what) || !taken.has(step.object)) return step;
		const indexes = target.tables.find((table) => table.name === step.table)?.indexes ?? [];
		// A vector index is known by what it does, so that an own one of the name is in the way when it does something else.
		const isVector = step.what === 'vector-index';
		if (isVector && isPresent(step, target, [])) return step;
		const own = new Set(isVector ? [] : indexes.map((index) => index.name));
		if (own.has(step.object)) return step;
		let object = identifier(`${step.table}_${step.object}`);
		for (let nth = 2; taken.has(object) && !own.has(object); nth++) object = identifier(`${step.table}_${step.object}_${nth}`);
		hazards.push({
			code: 'NAME_TAKEN',
			severity: 'info',
			step: copies.find((copy) => copy.table === step.table)?.id ?? null,
			count: 1,
			sample: [step.object],
			message: `the target has something else of the name ${step.object}, so the ${step.what === 'primary-key' ? 'primary key' : 'index'} on ${step.table} is named ${object}`,
		});
		const sql = step.sql.replace(/(INDEX|CONSTRAINT) (?:"(?:[^"]|"")+"|\w+)/, (_, word: string) => `${word} ${quoteIdent(object)}`);
		return { ...step, id: `${step.what}:${object}`, object, sql };
	});
}

const missingTable = (step: CopyStep): Hazard => ({
	code: 'TABLE_MISSING',
	severity: 'block',
	step: step.id,
	count: 1,
	sample: [],
	message: `the target has no table ${step.table}, and --skip-schema-creation forbids creating it`,
	hint: 'Create the table, or leave --skip-schema-creation out',
});

const uncounted = { rows: 0, rejected: 0, bytes: 0, batchRecords: 100, batchBytes, seconds: 0, write: 'copy' as const };

function tableStep(table: TableMapping, request: PlanRequest, target: TargetDescription): CopyStep {
	const existing = target.tables.find((candidate) => candidate.name === table.target);
	return {
		...uncounted,
		policies: request.policies,
		id: table.target,
		kind: 'copy',
		source: { kind: 'sqlite', table: table.source.name, cursor: table.cursor },
		table: table.target,
		columns: table.columns,
		key: table.key,
		foreignKeys: table.foreignKeys,
		format: 'text',
		rows: table.source.rows,
		state: {
			exists: existing !== undefined,
			rowsBefore: existing?.rows ?? 0,
			tenantRowsBefore: existing?.tenantRows ?? 0,
			equal: 0,
			differing: 0,
		},
	};
}

/** One copy step a collection, all into one table, whose layout all of them decide together. */
function draftVectors(given: readonly ChosenCollection[], request: PlanRequest, target: TargetDescription): Draft {
	const chosen = given.map(sizedByRecords);
	const layout = layoutOf(chosen, target);
	const placed = chosen.map((one) => ({ ...one, langchain: langchainCollection(one, target) }));
	const hazards = [...nameHazards(chosen, request, target), ...layoutHazards(placed, layout)];
	const wishes = { index: request.index, memory: request.indexMemory, workers: request.indexWorkers };
	const indexes = vectorIndexes(placed, layout, target, wishes, hazards);
	// Without DDL only an index that is there can be searched.
	const usable = request.skipSchemaCreation ? indexes.filter(({ step }) => isPresent(step, target, [])) : indexes;
	hazards.push(...sharedIndexHazards(placed, usable, target));
	const copies = placed.map((one) => vectorStep(one, layout, usable, request, target));
	hazards.push(...castIndexHazards(copies, target));
	return {
		copies,
		schema: chosen.every(isEmpty) ? [] : [...schemaOfVectors(layout.type), ...indexes.map(({ step }) => step)],
		hazards,
	};
}

const isEmpty = ({ source }: ChosenCollection): boolean => source.records === 0;

/** The dimension that Chroma keeps of a collection without records binds no column: it would only keep others out. */
const sizedByRecords = (one: ChosenCollection): ChosenCollection =>
	isEmpty(one) ? { ...one, source: { ...one.source, dimension: null } } : one;

function vectorStep(
	one: PlacedCollection,
	layout: VectorLayout,
	indexes: readonly VectorIndex[],
	request: PlanRequest,
	target: TargetDescription,
): CopyStep {
	const { source, langchain } = one;
	const existing = target.collections.find((candidate) => candidate.name === langchain.name);
	const indexedAs = indexes.find(({ serves }) => serves === one.step)?.indexedAs ?? null;
	return {
		...uncounted,
		policies: request.policies,
		id: one.step,
		kind: 'copy',
		source: {
			kind: 'chroma',
			collection: source.name,
			collectionId: source.id,
			dimension: source.dimension,
			space: source.space,
		},
		table: embeddingTable,
		columns: vectorColumns({
			collection: langchain,
			type: embeddingType(one, layout),
			tenant: { column: profile.tenantColumn, value: request.tenant },
			policies: request.policies,
		}),
		key: ['id'],
		foreignKeys: [],
		format: 'binary',
		collection: { ...langchain, ...(indexedAs === null ? {} : { indexedAs }) },
		rows: source.records,
		state: {
			exists: target.tables.some((table) => table.name === embeddingTable),
			rowsBefore: existing?.rows ?? 0,
			tenantRowsBefore: existing?.tenantRows ?? 0,
			equal: 0,
			differing: 0,
		},
	};
}
