import type { TargetDescription } from '../ports.js';
import type { ChosenCollection } from './collection-names.js';
import { after, type NewSchemaStep } from './draft-parts.js';
import { collectionTable, embeddingTable, keptIdKey } from './langchain-tables.js';
import { collectionUuid, identifier, quoteIdent } from './names.js';
import type { ColumnMapping, IdCollisionPolicy, LangchainCollection, Policies } from './types.js';

/** The langchain collection that a chosen collection becomes. */
export function langchainCollection({ source, target: name }: ChosenCollection, target: TargetDescription): LangchainCollection {
	const existing = target.collections.find((collection) => collection.name === name);
	return { name, uuid: existing?.uuid ?? collectionUuid(name), exists: existing !== undefined, metadata: source.metadata };
}

interface VectorColumns {
	readonly collection: LangchainCollection;
	/** Of the column `embedding`. */
	readonly type: string;
	readonly tenant: { readonly column: string; readonly value: string };
	readonly policies: Policies;
}

/** Columns of langchain_pg_embedding for one Chroma collection. */
export function vectorColumns({ collection, type, tenant, policies }: VectorColumns): readonly ColumnMapping[] {
	const rule = policies.onIdCollision;
	return [
		idColumn(rule, collection),
		{ ...column('collection_id', null, 'uuid', false, 'constant'), constant: collection.uuid },
		column('embedding', 'embedding', type, policies.onMissingVector === 'null', 'vector'),
		column('document', 'document', 'character varying', false, 'document'),
		{
			// The metadata cast adds the tenant under this key to every record.
			...column('cmetadata', 'metadata', 'jsonb', false, 'metadata'),
			constant: JSON.stringify({ [tenant.column]: tenant.value }),
			...(rule === undefined ? {} : { keeps: { field: 'id', key: keptIdKey } }),
		},
	];
}

const column = (
	name: string,
	source: string | null,
	targetType: string,
	nullable: boolean,
	cast: ColumnMapping['cast'],
): ColumnMapping => ({ name, source, sourceType: null, targetType, nullable, cast });

/** Every id of a collection follows the rule, whether it collides or not: what collides changes from run to run, an id must not. */
export function idColumn(rule: IdCollisionPolicy | undefined, { name, uuid }: LangchainCollection): ColumnMapping {
	const plain = column('id', 'id', 'character varying', false, 'text');
	if (rule === undefined || rule === 'fail') return plain;
	return rule === 'prefix' ? { ...plain, cast: 'prefixed-id', constant: `${name}/` } : { ...plain, cast: 'uuid-id', constant: uuid };
}

/**
 * DDL of the layout but for the vector indexes. Column definitions are those that langchain-postgres itself issues, so that it finds nothing to
 * create. `type`: of the column `embedding`.
 */
export function schemaOfVectors(type: string): NewSchemaStep[] {
	const embedding = quoteIdent(embeddingTable);
	const primaryKey = identifier(`${embeddingTable}_pkey`);
	const foreignKey = identifier(`${embeddingTable}_collection_id_fkey`);
	return [
		{
			id: 'extension:vector',
			kind: 'schema',
			phase: 'before',
			what: 'extension',
			object: 'vector',
			table: '',
			sql: 'CREATE EXTENSION IF NOT EXISTS vector',
		},
		{
			id: `table:${collectionTable}`,
			kind: 'schema',
			phase: 'before',
			what: 'table',
			object: collectionTable,
			table: collectionTable,
			sql: `CREATE TABLE ${quoteIdent(collectionTable)} (\n  uuid UUID NOT NULL,\n  name VARCHAR NOT NULL,\n  cmetadata JSON,\n  PRIMARY KEY (uuid),\n  UNIQUE (name)\n)`,
		},
		{
			id: `table:${embeddingTable}`,
			kind: 'schema',
			phase: 'before',
			what: 'table',
			object: embeddingTable,
			table: embeddingTable,
			sql: `CREATE TABLE ${embedding} (\n  id VARCHAR NOT NULL,\n  collection_id UUID,\n  embedding ${type},\n  document VARCHAR,\n  cmetadata JSONB\n)`,
		},
		after('primary-key', primaryKey, embeddingTable, `ALTER TABLE ${embedding} ADD CONSTRAINT ${quoteIdent(primaryKey)} PRIMARY KEY (id)`),
		after(
			'foreign-key',
			foreignKey,
			embeddingTable,
			`ALTER TABLE ${embedding} ADD CONSTRAINT ${quoteIdent(foreignKey)} FOREIGN KEY (collection_id) REFERENCES ${quoteIdent(collectionTable)} (uuid) ON DELETE CASCADE`,
		),
		after(
			'index',
			'ix_cmetadata_gin',
			embeddingTable,
			`CREATE INDEX ix_cmetadata_gin ON ${embedding} USING gin (cmetadata jsonb_path_ops)`,
		),
	];
}
