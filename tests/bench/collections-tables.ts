/** The tables of the collections schema as they stand in PostgreSQL, bare: keys and indexes come after a load. */
export interface BenchTable {
	readonly name: string;
	readonly ddl: string;
	/** One expression of SQLite per column, giving the text that PostgreSQL is to read. */
	readonly select: string;
	readonly columns: readonly string[];
}

/** The generated dates carry no offset, so that dropping the `Z` is all that they need. */
const timestamp = (column: string): string => `rtrim(replace(${column}, 'T', ' '), 'Z')`;
const tenant = 'bench';

const table = (name: string, columns: readonly (readonly [name: string, type: string, expression?: string])[]): BenchTable => ({
	name,
	columns: [...columns.map(([column]) => column), 'user_id'],
	ddl: `CREATE TABLE ${name} (${columns.map(([column, type]) => `${column} ${type}`).join(', ')}, user_id text NOT NULL)`,
	select: `SELECT ${columns.map(([column, , expression]) => expression ?? column).join(', ')}, '${tenant}' FROM ${name} ORDER BY rowid`,
});

export const benchTenant = tenant;

export const collectionsTables: readonly BenchTable[] = [
	table('items', [
		['id', 'text NOT NULL'],
		['filename', 'text NOT NULL'],
		['original_filename', 'text'],
		['file_path', 'text NOT NULL'],
		['file_size', 'bigint'],
		['mime_type', 'text'],
		['created_at', 'timestamp NOT NULL', timestamp('created_at')],
		['updated_at', 'timestamp NOT NULL', timestamp('updated_at')],
	]),
	table('analyses', [
		['id', 'text NOT NULL'],
		['item_id', 'text NOT NULL'],
		['version', 'bigint NOT NULL'],
		['category', 'text'],
		['summary', 'text'],
		['raw_response', 'jsonb'],
		['provider_used', 'text'],
		['model_used', 'text'],
		['trace_id', 'text'],
		['created_at', 'timestamp NOT NULL', timestamp('created_at')],
	]),
	table('embeddings', [
		['id', 'text NOT NULL'],
		['item_id', 'text NOT NULL'],
		['analysis_id', 'text NOT NULL'],
		['embedding_model', 'text NOT NULL'],
		['embedding_dimensions', 'bigint NOT NULL'],
		['embedding_source', 'jsonb NOT NULL'],
		['created_at', 'timestamp NOT NULL', timestamp('created_at')],
	]),
];
