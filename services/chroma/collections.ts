import type Database from 'better-sqlite3';
import type { SpaceOrigin } from '../../source/core/inspection.js';
import type { DistanceSpace } from '../../source/core/plan/types.js';
import { isKeyLost, type Losses, noLosses } from './losses.js';
import type { Schema } from './schema.js';
import { scalarOf, textOf } from './values.js';

/** A collection as the tables describe it. */
export interface StoredCollection {
	readonly id: string;
	readonly name: string;
	readonly tenant: string;
	readonly database: string;
	readonly dimension: number | null;
	readonly space: DistanceSpace;
	/** What named the space. */
	readonly spaceFrom: SpaceOrigin;
	/** User metadata as JSON text; REAL values keep a decimal point. */
	readonly metadata: string | null;
	/** Topic of its rows in the write-ahead log. */
	readonly topic: string;
	/** Names the segment folder. Null in a half-created collection. */
	readonly vectorSegment: string | null;
	readonly metadataSegment: string | null;
	/** Why its records cannot be read, or null. */
	readonly problem: string | null;
	/** Keys of its metadata whose values are lost; `all`: any may be. */
	readonly lostMetadata: 'all' | readonly string[];
}

const vectorSegmentTypes = ['urn:chroma:segment/vector/hnsw-local-persisted'];
const metadataSegmentTypes = ['urn:chroma:segment/metadata/sqlite'];

interface CollectionRow {
	readonly id: unknown;
	readonly name: unknown;
	readonly dimension: unknown;
	readonly topic: unknown;
	readonly config: unknown;
	readonly schema: unknown;
	readonly database: unknown;
	readonly tenant: unknown;
	/** Names a row of `databases`; null before there were any. */
	readonly databaseId: unknown;
}

interface SegmentRow {
	readonly id: string;
	readonly type: string;
	readonly scope: string;
}

/** Every collection of every tenant and database, by tenant, database and name. */
export function listCollections(database: Database.Database, schema: Schema, losses: Losses = noLosses): readonly StoredCollection[] {
	if (schema.version === 'empty') return [];
	const rows = database
		.prepare(
			`SELECT c.id, c.name, c.dimension,
				${schema.collectionTopic ? 'c.topic' : 'NULL'} AS topic,
				${schema.configJson ? 'c.config_json_str' : 'NULL'} AS config,
				${schema.schemaJson ? 'c.schema_str' : 'NULL'} AS schema,
				${schema.databases ? 'd.name' : 'NULL'} AS database,
				${schema.databases ? 'd.tenant_id' : 'NULL'} AS tenant,
				${schema.databases ? 'c.database_id' : 'NULL'} AS databaseId
			FROM collections c ${schema.databases ? 'LEFT JOIN databases d ON d.id = c.database_id' : ''}
			ORDER BY tenant, database, c.name, c.id`,
		)
		.all() as CollectionRow[];
	return rows.map((row) => storedCollection(database, schema, losses, row));
}

function storedCollection(database: Database.Database, schema: Schema, losses: Losses, row: CollectionRow): StoredCollection {
	const id = textOf(row.id);
	const segments = database.prepare('SELECT id, type, scope FROM segments WHERE collection = ?').all(id) as SegmentRow[];
	const vector = segments.find((segment) => segment.scope === 'VECTOR');
	const records = segments.find((segment) => segment.scope === 'METADATA');
	const space = spaceOf(database, row, id, vector?.id ?? null);
	const dimension = Number(row.dimension ?? Number.NaN);
	return {
		id,
		name: textOf(row.name),
		tenant: row.tenant === null ? 'default_tenant' : textOf(row.tenant),
		database: row.database === null ? 'default_database' : textOf(row.database),
		dimension: Number.isSafeInteger(dimension) && dimension > 0 ? dimension : null,
		space: space.known ?? 'l2',
		spaceFrom: space.from,
		metadata: collectionMetadata(database, schema, id),
		topic: row.topic === null ? `persistent://default/default/${id}` : textOf(row.topic),
		vectorSegment: vector?.id ?? null,
		metadataSegment: records?.id ?? null,
		problem:
			unreadable(vector, records) ??
			lostParts(losses, row, vector, records, space) ??
			(space.known === null ? `its distance space "${space.name}" is unknown` : null),
		lostMetadata: losses.collectionKeys === 'all' ? 'all' : [...(losses.collectionKeys.get(id) ?? [])],
	};
}

function unreadable(vector: SegmentRow | undefined, records: SegmentRow | undefined): string | null {
	if (vector !== undefined && !vectorSegmentTypes.includes(vector.type)) return `its vector segment has the unknown type "${vector.type}"`;
	if (records !== undefined && !metadataSegmentTypes.includes(records.type))
		return `its metadata segment has the unknown type "${records.type}"`;
	return null;
}

/** What a damaged database no longer says of the collection, where it cannot be read rightly without. */
function lostParts(
	losses: Losses,
	row: CollectionRow,
	vector: SegmentRow | undefined,
	records: SegmentRow | undefined,
	{ name: space, from: spaceFrom }: { readonly name: string; readonly from: SpaceOrigin },
): string | null {
	const id = textOf(row.id);
	const damaged = (what: string): string => `chroma.sqlite3 is damaged: ${what}`;
	const ofRow = losses.collections.get(id);
	if (ofRow !== undefined) return damaged(ofRow);
	if (losses.segments && (vector === undefined || records === undefined)) return damaged('the rows that name its segments are lost');
	if (losses.databases && row.databaseId !== null && row.tenant === null)
		return damaged('the row that names its tenant and database is lost');
	// Chroma 0.4 to 0.6 copy it from the collection's metadata to the segment's and refuse to change it. A configured l2 gives way to what the segment says.
	const isCertain = spaceFrom === 'segment_metadata' || spaceFrom === 'collection_metadata' || (spaceFrom !== 'default' && space !== 'l2');
	const ofSegment = vector !== undefined && !isCertain && isKeyLost(losses.segmentKeys, vector.id, 'hnsw:space');
	const ofUser = spaceFrom === 'default' && isKeyLost(losses.collectionKeys, id, 'hnsw:space');
	return ofSegment || ofUser ? damaged('the row that names its distance space is lost') : null;
}

/**
 * The space that the server's distances show: schema_str, then config_json_str; where that is the default (l2), the `hnsw:space` that 0.4 to 0.6
 * left on the vector segment decides; the user's copy in the collection's metadata comes last. Default l2.
 */
function spaceOf(
	database: Database.Database,
	row: CollectionRow,
	id: string,
	segment: string | null,
): { readonly name: string; readonly known: DistanceSpace | null; readonly from: SpaceOrigin } {
	const inSchema = spaceInSchema(parsed(row.schema));
	const configured = inSchema ?? stringAt(parsed(row.config), ['vector_index', 'hnsw', 'space']);
	const configuredIn = inSchema === undefined ? 'config_json_str' : 'schema_str';
	const segmentSpace =
		segment === null
			? undefined
			: database.prepare("SELECT str_value FROM segment_metadata WHERE segment_id = ? AND key = 'hnsw:space'").pluck().get(segment);
	const userSpace =
		configured !== undefined
			? undefined
			: database.prepare("SELECT str_value FROM collection_metadata WHERE collection_id = ? AND key = 'hnsw:space'").pluck().get(id);
	const explicit = configured === undefined || configured === 'l2' ? undefined : configured;
	const candidates: readonly (readonly [string | undefined, SpaceOrigin])[] = [
		[explicit, configuredIn],
		[nonEmpty(segmentSpace), 'segment_metadata'],
		[configured, configuredIn],
		[nonEmpty(userSpace), 'collection_metadata'],
	];
	const [name = 'l2', from] = candidates.find(([found]) => found !== undefined) ?? ['l2', 'default'];
	return { name, known: name === 'l2' || name === 'ip' || name === 'cosine' ? name : null, from };
}

function spaceInSchema(schema: unknown): string | undefined {
	const index = ['float_list', 'vector_index', 'config', 'space'];
	return stringAt(schema, ['keys', '#embedding', ...index]) ?? stringAt(schema, ['defaults', ...index]);
}

function parsed(json: unknown): unknown {
	if (typeof json !== 'string' || json === '') return undefined;
	try {
		return JSON.parse(json);
	} catch {
		return undefined;
	}
}

function stringAt(value: unknown, path: readonly string[]): string | undefined {
	let at = value;
	for (const key of path) {
		if (typeof at !== 'object' || at === null) return undefined;
		at = (at as Record<string, unknown>)[key];
	}
	return nonEmpty(at);
}

const nonEmpty = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function collectionMetadata(database: Database.Database, schema: Schema, id: string): string | null {
	const rows = database
		.prepare(
			`SELECT key, str_value, int_value, float_value, ${schema.collectionBooleans ? 'bool_value' : 'NULL'}
			FROM collection_metadata WHERE collection_id = ? ORDER BY rowid`,
		)
		.raw()
		.safeIntegers(true)
		.all(id) as unknown[][];
	const entries = rows.map(
		([key, ...typed]) => `${JSON.stringify(textOf(key))}:${jsonScalar(scalarOf(typed[0], typed[1], typed[2], typed[3]))}`,
	);
	return entries.length === 0 ? null : `{${entries.join(',')}}`;
}

function jsonScalar(value: string | bigint | number | boolean | undefined): string {
	if (value === undefined) return 'null';
	if (typeof value === 'bigint') return value.toString();
	if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e21) return `${Object.is(value, -0) ? '-0' : value}.0`;
	return JSON.stringify(value);
}
