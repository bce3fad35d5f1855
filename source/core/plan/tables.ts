import { RepotError } from '../errors.js';
import type { Profile, ProfileTable } from '../mapping/profile.js';
import type { SourceTable, SqliteDescription, TargetTable } from '../ports.js';
import { columnType, defaultSql } from './column-types.js';
import { after, type NewSchemaStep, type TableMapping } from './draft-parts.js';
import { keepReferences } from './foreign-keys.js';
import { indexHazards } from './index-fit.js';
import { identifier, quoteIdent } from './names.js';
import { profileFit } from './profile-fit.js';
import type { ColumnMapping, ForeignKey, Hazard } from './types.js';

/** Runs a profile over a described database. Tables come out in foreign-key order, parents first. */
export function mapTables(profile: Profile, sqlite: SqliteDescription, tenant: string): { tables: TableMapping[]; hazards: Hazard[] } {
	const found = new Map(sqlite.tables.map((table) => [table.name.toLowerCase(), table]));
	refuseForeignTableSet(profile, sqlite);
	const targets = new Map(profile.tables.map((table) => [table.source.toLowerCase(), table.target]));
	const hazards: Hazard[] = [];
	const tables = profile.tables.map((entry) => {
		const source = found.get(entry.source.toLowerCase());
		if (source === undefined) throw new Error(`table ${entry.source} vanished`);
		return mapTable(entry, source, profile.tenantColumn, tenant, targets, found, hazards);
	});
	for (const table of sqlite.tables) {
		if (targets.has(table.name.toLowerCase()) || table.derived || table.name.startsWith('sqlite_')) continue;
		hazards.push({
			code: 'TABLE_NOT_IN_PROFILE',
			severity: table.rows > 0 ? 'warn' : 'info',
			step: null,
			count: table.rows,
			sample: [table.name],
			message: `table ${table.name} (${table.rows} rows) is not part of the profile ${profile.name} and stays behind`,
		});
	}
	return { tables: inForeignKeyOrder(keepReferences(tables, hazards)), hazards };
}

function refuseForeignTableSet(profile: Profile, sqlite: SqliteDescription): void {
	const { fits, missingTables: missing, missingColumns: lacking } = profileFit(profile, sqlite);
	if (fits) return;
	const has = sqlite.tables.filter((table) => !table.derived).map((table) => table.name);
	throw new RepotError({
		kind: 'source',
		code: 'WRONG_TABLE_SET',
		message: `this database does not hold the tables of the profile ${profile.name}`,
		where: sqlite.path,
		why: [
			...(missing.length > 0 ? [`missing tables: ${missing.join(', ')}`] : []),
			...(lacking.length > 0 ? [`missing columns: ${lacking.join(', ')}`] : []),
			`found: ${has.length > 0 ? has.join(', ') : 'no tables'}`,
		].join('; '),
		next: [
			'Check --sqlite-db: is this the database of the application?',
			'To migrate the vectors alone, leave --sqlite-db out and give --chroma-path',
		],
	});
}

function mapTable(
	entry: ProfileTable,
	source: SourceTable,
	tenantColumn: string,
	tenant: string,
	targets: ReadonlyMap<string, string>,
	sources: ReadonlyMap<string, SourceTable>,
	hazards: Hazard[],
): TableMapping {
	const keyColumns = source.columns.filter((column) => column.primaryKey > 0).sort((a, b) => a.primaryKey - b.primaryKey);
	const key = keyColumns.map((column) => column.name);
	if (key.length === 0) {
		hazards.push({
			code: 'NO_PRIMARY_KEY',
			severity: 'block',
			step: entry.target,
			count: source.rows,
			sample: [],
			message: `table ${source.name} has no primary key, so its rows cannot be told apart in the target`,
			hint: 'Give the table a primary key in the application, then plan again',
		});
	}
	const identifying = identifyingColumns(source);
	const columns: ColumnMapping[] = source.columns.map((column) => {
		const chosen = entry.columns[column.name.toLowerCase()] ?? columnType(column.type);
		const byDefault = defaultSql(column, chosen.type);
		if (column.generated) {
			hazards.push({
				code: 'GENERATED_COLUMN',
				severity: 'info',
				step: entry.target,
				column: column.name,
				count: 1,
				sample: [],
				message: `${column.name} is computed by SQLite; its values come along as plain values`,
			});
		}
		return {
			name: column.name,
			source: column.name,
			sourceType: column.type,
			targetType: chosen.type,
			nullable: !column.notNull && column.primaryKey === 0,
			cast: chosen.cast,
			...(byDefault === null ? {} : { defaultSql: byDefault }),
			...(identifying.has(column.name.toLowerCase()) ? { identifies: true } : {}),
		};
	});
	const tenantMapping: ColumnMapping = {
		name: tenantColumn,
		source: null,
		sourceType: null,
		targetType: 'text',
		nullable: false,
		cast: 'constant',
		constant: tenant,
	};
	if (source.columns.some((column) => column.name.toLowerCase() === tenantColumn)) {
		hazards.push({
			code: 'TENANT_COLUMN_IN_SOURCE',
			severity: 'block',
			step: entry.target,
			column: tenantColumn,
			count: 1,
			sample: [],
			message: `${source.name} already has a column ${tenantColumn}; adding the tenant would overwrite it`,
			hint: 'This database belongs to several users already: migrate it user by user, or drop the column in a copy',
		});
	}
	const foreignKeys = source.foreignKeys.flatMap((foreign): ForeignKey[] => {
		const parent = targets.get(foreign.parent.toLowerCase());
		if (parent !== undefined) {
			// SQLite compares names without case; PostgreSQL wants them as they are.
			const columns = realNames(source, foreign.columns);
			const parentColumns = realNames(sources.get(foreign.parent.toLowerCase()), foreign.parentColumns);
			return [{ columns, parent, parentColumns, onDelete: foreign.onDelete }];
		}
		hazards.push({
			code: 'FOREIGN_KEY_LEFT',
			severity: 'warn',
			step: entry.target,
			count: 1,
			sample: [foreign.parent],
			message: `the foreign key to ${foreign.parent} is not created, because that table is not migrated`,
		});
		return [];
	});
	const rowid = source.withoutRowid ? key : ['rowid'];
	return { source, target: entry.target, columns: [...columns, tenantMapping], key, foreignKeys, cursor: rowid };
}

/** Columns, in lower case, whose values tell rows apart or refer to rows, besides the primary key. */
function identifyingColumns(source: SourceTable): ReadonlySet<string> {
	const unique = source.indexes.filter((index) => index.unique && !index.partial).flatMap((index) => index.columns);
	return new Set([...unique, ...source.foreignKeys.flatMap((foreign) => foreign.columns)].map((name) => name.toLowerCase()));
}

const realNames = (table: SourceTable | undefined, names: readonly string[]): readonly string[] =>
	names.map((name) => table?.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name);

/** Parents before children; tables that refer to each other in a ring keep the profile's order. */
function inForeignKeyOrder(tables: readonly TableMapping[]): TableMapping[] {
	const ordered: TableMapping[] = [];
	const visit = (table: TableMapping, path: readonly string[]): void => {
		if (ordered.includes(table) || path.includes(table.target)) return;
		for (const foreign of table.foreignKeys) {
			const parent = tables.find((other) => other.target === foreign.parent);
			if (parent !== undefined) visit(parent, [...path, table.target]);
		}
		ordered.push(table);
	};
	for (const table of tables) visit(table, []);
	return ordered;
}

const columnDdl = (column: ColumnMapping): string =>
	`${quoteIdent(column.name)} ${column.targetType}${column.nullable ? '' : ' NOT NULL'}${column.defaultSql === undefined ? '' : ` DEFAULT ${column.defaultSql}`}`;

function createTableSql(table: string, columns: readonly ColumnMapping[]): string {
	return `CREATE TABLE ${quoteIdent(table)} (\n  ${columns.map(columnDdl).join(',\n  ')}\n)`;
}

const columnList = (columns: readonly string[]): string => columns.map(quoteIdent).join(', ');

/** Statements of one table: the table before the copy; keys, indexes and foreign keys after it, because loading into bare tables is fastest. */
export function schemaOfTable(
	mapping: TableMapping,
	tenantColumn: string,
	existing: TargetTable | undefined,
	hazards: Hazard[],
): NewSchemaStep[] {
	const table = mapping.target;
	const steps: NewSchemaStep[] = [
		{
			id: `table:${table}`,
			kind: 'schema',
			phase: 'before',
			what: 'table',
			object: table,
			table,
			sql: createTableSql(table, mapping.columns),
		},
	];
	if (mapping.key.length > 0) {
		const name = identifier(`${table}_pkey`);
		steps.push(
			after(
				'primary-key',
				name,
				table,
				`ALTER TABLE ${quoteIdent(table)} ADD CONSTRAINT ${quoteIdent(name)} PRIMARY KEY (${columnList(mapping.key)})`,
			),
		);
	}
	for (const index of mapping.source.indexes) {
		if (index.partial || index.columns.length === 0) {
			hazards.push({
				code: 'INDEX_LEFT',
				severity: 'warn',
				step: table,
				count: 1,
				sample: [index.name],
				message: `index ${index.name} is on an expression or has a WHERE clause, which may mean something else in PostgreSQL; it is not created`,
				...(index.sql === null ? {} : { hint: `Create it by hand after checking it: ${index.sql}` }),
			});
			continue;
		}
		// The index behind PRIMARY KEY is the primary key itself.
		if (index.unique && sameColumns(index.columns, mapping.key)) continue;
		const name = identifier(index.name.startsWith('sqlite_autoindex') ? `${table}_${index.columns.join('_')}_key` : index.name);
		const unique = index.unique ? 'UNIQUE ' : '';
		const sql = `CREATE ${unique}INDEX ${quoteIdent(name)} ON ${quoteIdent(table)} (${columnList(index.columns)})`;
		const present = existing?.indexes.some((candidate) => candidate.name === name) ?? false;
		const tooLong = indexHazards(table, name, index, present, sql);
		hazards.push(...tooLong);
		if (present || tooLong.length === 0) steps.push(after('index', name, table, sql));
	}
	const tenantIndex = identifier(`idx_${table}_${tenantColumn}`);
	steps.push(
		after('index', tenantIndex, table, `CREATE INDEX ${quoteIdent(tenantIndex)} ON ${quoteIdent(table)} (${quoteIdent(tenantColumn)})`),
	);
	for (const foreign of mapping.foreignKeys) {
		const name = identifier(`${table}_${foreign.columns.join('_')}_fkey`);
		const onDelete = foreign.onDelete === 'NO ACTION' ? '' : ` ON DELETE ${foreign.onDelete}`;
		const parentColumns = foreign.parentColumns.length === 0 ? '' : ` (${columnList(foreign.parentColumns)})`;
		steps.push(
			after(
				'foreign-key',
				name,
				table,
				`ALTER TABLE ${quoteIdent(table)} ADD CONSTRAINT ${quoteIdent(name)} FOREIGN KEY (${columnList(foreign.columns)}) REFERENCES ${quoteIdent(foreign.parent)}${parentColumns}${onDelete}`,
			),
		);
	}
	return steps;
}

export const sameColumns = (a: readonly string[], b: readonly string[]): boolean =>
	a.length === b.length && a.every((name, at) => name === b[at]);
