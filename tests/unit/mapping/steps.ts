import type { CastName } from '../../../source/core/mapping/cast-names.js';
import type { ColumnMapping, CopyStep, Policies, StepSource } from '../../../source/core/plan/types.js';

export const quarantine: Policies = {
	onConflict: 'fail',
	onInvalidJson: 'quarantine',
	onBadTimestamp: 'quarantine',
	onNul: 'quarantine',
	maxQuarantined: null,
};

export const column = (name: string, cast: CastName, more: Partial<ColumnMapping> = {}): ColumnMapping => ({
	name,
	source: cast === 'constant' ? null : name,
	sourceType: null,
	targetType: cast === 'json-text' || cast === 'metadata' ? 'jsonb' : 'text',
	nullable: true,
	cast,
	...more,
});

const tenant = column('user_id', 'constant', { constant: 'ana', nullable: false });

/** A copy step over a SQLite table of the same name, keyed by its first column, with the tenant added. */
export function tableStep(table: string, columns: readonly ColumnMapping[], more: Partial<CopyStep> = {}): CopyStep {
	return step({ kind: 'sqlite', table, cursor: ['rowid'] }, table, [...columns, tenant], more);
}

export function vectorStep(
	dimension: number | null,
	more: Partial<CopyStep> = {},
	space: 'l2' | 'ip' | 'cosine' = 'cosine',
	collectionId = 'c',
): CopyStep {
	const columns = [
		column('id', 'text', { targetType: 'character varying', nullable: false }),
		column('collection_id', 'constant', { targetType: 'uuid', nullable: false, constant: '123e4567-e89b-12d3-a456-426614174000' }),
		column('embedding', 'vector', { targetType: dimension === null ? 'vector' : `vector(${dimension})`, nullable: false }),
		column('document', 'document', { targetType: 'character varying', nullable: false }),
		column('cmetadata', 'metadata', { source: 'metadata', nullable: false, constant: '{"user_id":"ana"}' }),
	];
	return step({ kind: 'chroma', collection: 'c', collectionId, dimension, space }, 'vectors', columns, { format: 'binary', ...more });
}

function step(source: StepSource, id: string, columns: readonly ColumnMapping[], more: Partial<CopyStep>): CopyStep {
	return {
		id,
		kind: 'copy',
		source,
		table: id,
		columns,
		key: columns.slice(0, 1).map(({ name }) => name),
		foreignKeys: [],
		format: 'text',
		policies: quarantine,
		write: 'copy',
		rows: 0,
		rejected: 0,
		bytes: 0,
		state: { exists: false, rowsBefore: 0, tenantRowsBefore: 0, equal: 0, differing: 0 },
		batchRecords: 1000,
		batchBytes: 4 * 1024 * 1024,
		seconds: 0,
		...more,
	};
}
