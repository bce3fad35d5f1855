import { limitOf } from '../mapping/target-limits.js';
import type { TargetDescription, TargetTable } from '../ports.js';
import { quoteIdent } from './names.js';
import { sameColumns } from './tables.js';
import type { ColumnMapping, CopyStep, Hazard, SchemaStep } from './types.js';
import { servesSame } from './vector-index.js';

/** Types that take the same values although they are written differently. */
const familyOf = (type: string): string => {
	const plain = type.toLowerCase().replace(/\s+/g, ' ');
	if (/^(text|character varying|varchar)(\(\d+\))?$/.test(plain)) return 'text';
	if (/^vector(\(\d+\))?$/.test(plain)) return plain;
	// Fewer than six fraction digits would round.
	if (/^timestamp(\(6\))?( without time zone)?$/.test(plain)) return 'timestamp';
	if (/^(bigint|int8)$/.test(plain)) return 'bigint';
	if (/^(double precision|float8)$/.test(plain)) return 'double precision';
	if (/^numeric/.test(plain)) return 'numeric';
	return plain;
};

/** What PostgreSQL would do to values in silence, for types that are near enough to be mistaken for fitting. */
function harmOf(type: string): string {
	if (/^(real|float4)$/.test(type)) return ', which rounds to seven digits or so';
	if (/^(character|char|bpchar)\b(?! varying)/.test(type)) return ', which pads with blanks';
	if (/^(timestamp|time)\(/.test(type)) return ', which rounds';
	return '';
}

/** Checks an existing table against what the step will send: every column there, of a type that takes the values, and nothing required left over. */
export function checkFit(step: Pick<CopyStep, 'id' | 'table' | 'columns' | 'key'>, table: TargetTable): Hazard[] {
	const hazards: Hazard[] = [];
	const problem = (column: string, message: string, hint: string): void => {
		hazards.push({ code: 'TABLE_DOES_NOT_FIT', severity: 'block', step: step.id, column, count: 1, sample: [], message, hint });
	};
	const alter = `ALTER TABLE ${quoteIdent(table.name)}`;
	for (const column of step.columns) {
		const existing = table.columns.find((candidate) => candidate.name === column.name);
		if (existing === undefined) {
			problem(
				column.name,
				`the existing table ${table.name} has no column ${column.name}`,
				`${alter} ADD COLUMN ${quoteIdent(column.name)} ${column.targetType};`,
			);
			continue;
		}
		if (existing.generated === true) {
			problem(
				column.name,
				`${table.name}.${column.name} is computed by the target, which takes no value for it`,
				`${alter} ALTER COLUMN ${quoteIdent(column.name)} DROP EXPRESSION;`,
			);
		} else if (!typesFit(column, existing.type)) {
			problem(
				column.name,
				`${table.name}.${column.name} is ${existing.type} in the target${harmOf(existing.type)}; the plan sends ${column.targetType}`,
				column.cast === 'vector' && /^vector\(/.test(existing.type)
					? `One table can hold several dimensions: drop its HNSW indexes, then ${alter} ALTER COLUMN ${quoteIdent(column.name)} TYPE vector; each collection that moves then gets an index of its own. Or use another schema of the database`
					: `${alter} ALTER COLUMN ${quoteIdent(column.name)} TYPE ${column.targetType} USING ${quoteIdent(column.name)}::text::${column.targetType};`,
			);
		}
		hazards.push(...limitHazards(step, table, column, existing));
	}
	for (const existing of table.columns) {
		if (existing.notNull && !existing.hasDefault && !step.columns.some((column) => column.name === existing.name)) {
			problem(
				existing.name,
				`${table.name}.${existing.name} is required in the target and the source has nothing for it`,
				`${alter} ALTER COLUMN ${quoteIdent(existing.name)} DROP NOT NULL;`,
			);
		}
	}
	if (step.key.length > 0 && !sameKeys(table, step.key) && table.rows > 0) {
		problem(
			step.key.join(', '),
			`the existing table ${table.name} has no primary key or unique constraint on (${step.key.join(', ')}), so its rows cannot be told apart`,
			`${alter} ADD PRIMARY KEY (${step.key.map(quoteIdent).join(', ')});`,
		);
	}
	return hazards;
}

/** What the casts will hold a column to because the target's is narrower. They count what they refuse; a value that is the same in every row is judged here. */
function limitHazards(
	step: Pick<CopyStep, 'id'>,
	table: TargetTable,
	column: ColumnMapping,
	existing: TargetTable['columns'][number],
): Hazard[] {
	const place = `${table.name}.${column.name}`;
	const limit = typesFit(column, existing.type) ? limitOf(existing.type) : null;
	const told = (code: string, severity: Hazard['severity'], message: string, hint?: string): Hazard => ({
		code,
		severity,
		step: step.id,
		column: column.name,
		count: 1,
		sample: [],
		message,
		...(hint === undefined ? {} : { hint }),
	});
	if (limit !== null && column.source === null) {
		if (limit.holds(column.constant ?? '')) return [];
		const alter = `ALTER TABLE ${quoteIdent(table.name)} ALTER COLUMN ${quoteIdent(column.name)} TYPE ${column.targetType};`;
		return [told('TABLE_DOES_NOT_FIT', 'block', `${place} is ${existing.type} and cannot hold "${column.constant}"`, alter)];
	}
	return [
		...(limit === null
			? []
			: [told('LIMITED_COLUMN', 'info', `${place} is ${existing.type} in the target; a value beyond that is ${limit.otherwise}`)]),
		...(existing.notNull && column.nullable && column.source !== null
			? [told('TARGET_NOT_NULL', 'info', `${place} is NOT NULL in the target; records without it are set aside`)]
			: []),
	];
}

/** The columns of a step with what the target's existing table demands of them, for the casts to judge every value by. */
export function heldTo(table: TargetTable | undefined, columns: readonly ColumnMapping[]): readonly ColumnMapping[] {
	if (table === undefined) return columns;
	return columns.map((column) => {
		const existing = table.columns.find((candidate) => candidate.name === column.name);
		if (existing === undefined || column.source === null) return column;
		return {
			...column,
			nullable: column.nullable && !existing.notNull,
			...(!typesFit(column, existing.type) || limitOf(existing.type) === null ? {} : { existingType: existing.type }),
			...([table.primaryKey, ...table.uniques].some((unique) => unique.includes(column.name)) ? { identifies: true } : {}),
		};
	});
}

const sameKeys = (table: TargetTable, key: readonly string[]): boolean =>
	sameColumns(table.primaryKey, key) || table.uniques.some((unique) => sameColumns(unique, key));

function typesFit(column: ColumnMapping, existing: string): boolean {
	const wanted = familyOf(column.targetType);
	const found = familyOf(existing);
	if (wanted === found) return true;
	// A vector column without a dimension takes any; the reverse does not hold.
	if (wanted.startsWith('vector') && found === 'vector') return true;
	// The narrower integers take the values that fit; the casts refuse the others.
	return wanted === 'bigint' && (found === 'integer' || found === 'smallint');
}

/** Whether the target has the object already, by what it does rather than by its name alone. */
export function isPresent(
	step: Pick<SchemaStep, 'what' | 'object' | 'table' | 'sql'>,
	target: TargetDescription,
	foreign: readonly { readonly object: string; readonly columns: readonly string[]; readonly parent: string }[],
): boolean {
	const table = target.tables.find((candidate) => candidate.name === step.table);
	switch (step.what) {
		case 'extension':
			return target.vectorExtension.installed !== null;
		case 'table':
			return table !== undefined;
		case 'primary-key':
			return table !== undefined && table.primaryKey.length > 0;
		case 'foreign-key': {
			const wanted = foreign.find((candidate) => candidate.object === step.object);
			return (
				table?.foreignKeys.some(
					(key) =>
						key.name === step.object || (wanted !== undefined && key.parent === wanted.parent && sameColumns(key.columns, wanted.columns)),
				) ?? false
			);
		}
		case 'index':
			return table?.indexes.some((index) => index.name === step.object) ?? false;
		case 'vector-index':
			return table?.indexes.some((index) => servesSame(index.definition, step.sql)) ?? false;
		case 'analyze':
			return false;
	}
}
