import type { CastName } from './cast-names.js';

/** A profile is data: one interpreter (`plan/tables.ts`) runs every profile and, later, every mapping file. */
export interface Profile {
	readonly name: string;
	/** Source tables that must be there; anything else is reported and left alone. */
	readonly tables: readonly ProfileTable[];
	/** Column added to every table and to every vector's metadata. */
	readonly tenantColumn: string;
}

export interface ProfileTable {
	readonly source: string;
	readonly target: string;
	/** Columns whose target type differs from what their declared type says. Columns the source lacks are not invented. */
	readonly columns: Readonly<Record<string, { readonly type: string; readonly cast: CastName }>>;
	/** Columns without which the table is not this profile's. */
	readonly required: readonly string[];
}

const timestamp = { type: 'timestamp without time zone', cast: 'iso-timestamp' } as const;
const jsonb = { type: 'jsonb', cast: 'json-text' } as const;

/** The application "collections": saved items, their analyses, and what was embedded of them. */
export const collectionsProfile: Profile = {
	name: 'collections',
	tenantColumn: 'user_id',
	tables: [
		{ source: 'items', target: 'items', columns: { created_at: timestamp, updated_at: timestamp }, required: ['id'] },
		{
			source: 'analyses',
			target: 'analyses',
			columns: { raw_response: jsonb, created_at: timestamp, updated_at: timestamp },
			required: ['id', 'item_id'],
		},
		{
			source: 'embeddings',
			target: 'embeddings',
			columns: { embedding_source: jsonb, created_at: timestamp, updated_at: timestamp },
			required: ['id', 'item_id'],
		},
	],
};
