import { collectionsProfile as profile } from '../mapping/profile.js';
import type { PlanRequest } from '../operations.js';
import type { ChromaCollection, SourceDescription, TargetDescription } from '../ports.js';
import { batchBytes } from './batch-size.js';
import { checkFit } from './fit.js';
import { mapTables, schemaOfTable, type TableMapping } from './tables.js';
import type { CopyStep, Hazard, SchemaStep } from './types.js';
import { embeddingTable, mapVectors, schemaOfVectors, vectorStepId } from './vectors.js';

export interface Draft {
	readonly copies: CopyStep[];
	readonly schema: Omit<SchemaStep, 'needed' | 'seconds'>[];
	readonly hazards: Hazard[];
}

/** Steps by mapping alone: nothing counted yet. */
export function draftSteps(
	request: PlanRequest,
	description: SourceDescription,
	collection: ChromaCollection | null,
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
			schema.push(...schemaOfTable(table, profile.tenantColumn, hazards));
		}
	}
	if (collection !== null) {
		copies.push(vectorStep(collection, request, target));
		schema.push(
			...schemaOfVectors(collection, target, { index: request.index, memory: request.indexMemory, workers: request.indexWorkers }, hazards),
		);
	}
	for (const copy of copies) {
		schema.push({
			id: `analyze:${copy.table}`,
			kind: 'schema',
			phase: 'after',
			what: 'analyze',
			object: copy.table,
			table: copy.table,
			sql: `ANALYZE "${copy.table}"`,
		});
		const table = target.tables.find((candidate) => candidate.name === copy.table);
		if (table !== undefined) hazards.push(...checkFit(copy, table));
		else if (request.skipSchemaCreation) hazards.push(missingTable(copy));
	}
	return { copies, schema: request.skipSchemaCreation ? schema.filter((step) => step.what === 'analyze') : schema, hazards };
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

function vectorStep(collection: ChromaCollection, request: PlanRequest, target: TargetDescription): CopyStep {
	const mapped = mapVectors(collection, request.pgvectorCollection, { column: profile.tenantColumn, value: request.tenant }, target);
	const existing = target.collections.find((candidate) => candidate.name === request.pgvectorCollection);
	return {
		...uncounted,
		policies: request.policies,
		id: vectorStepId,
		kind: 'copy',
		source: {
			kind: 'chroma',
			collection: collection.name,
			collectionId: collection.id,
			dimension: collection.dimension,
			space: collection.space,
		},
		table: embeddingTable,
		columns: mapped.columns,
		key: ['id'],
		foreignKeys: [],
		format: 'binary',
		collection: mapped.collection,
		rows: collection.records,
		state: {
			exists: target.tables.some((table) => table.name === embeddingTable),
			rowsBefore: existing?.rows ?? 0,
			tenantRowsBefore: existing?.tenantRows ?? 0,
			equal: 0,
			differing: 0,
		},
	};
}
