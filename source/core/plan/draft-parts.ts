/** What the parts of drafting a plan hand to each other. */

import type { SourceTable } from '../ports.js';
import type { ChosenCollection } from './collection-names.js';
import type { ColumnMapping, CopyStep, ForeignKey, Hazard, LangchainCollection, SchemaStep } from './types.js';

/** Steps by mapping alone, and what was noticed on the way. */
export interface Draft {
	readonly copies: CopyStep[];
	readonly schema: NewSchemaStep[];
	readonly hazards: Hazard[];
}

/** What a profile makes of one source table, before anything was counted. */
export interface TableMapping {
	readonly source: SourceTable;
	readonly target: string;
	readonly columns: readonly ColumnMapping[];
	readonly key: readonly string[];
	readonly foreignKeys: readonly ForeignKey[];
	readonly cursor: readonly string[];
}

/** A collection with its place in the target. */
export interface PlacedCollection extends ChosenCollection {
	readonly langchain: LangchainCollection;
}

/** How the vectors of the chosen collections, and what the table holds already, share one column. */
export interface VectorLayout {
	/** Type of the column `embedding`: `vector(n)`, or `vector` for several dimensions. */
	readonly type: string;
	/** The column has no dimension of its own although there are vectors. */
	readonly unsized: boolean;
	/**
	 * Each collection has an index of its own: its rows must be cast to their dimension, or others have theirs in the table. An HNSW search takes
	 * the nearest rows of the index (hnsw.ef_search, 40) before it looks at their collection, so in an index over all collections those of a
	 * small one may not be among them.
	 */
	readonly indexEach: boolean;
}

export type NewSchemaStep = Omit<SchemaStep, 'needed' | 'seconds'>;

export function after(what: SchemaStep['what'], object: string, table: string, sql: string): NewSchemaStep {
	return { id: `${what}:${object}`, kind: 'schema', phase: 'after', what, object, table, sql };
}
