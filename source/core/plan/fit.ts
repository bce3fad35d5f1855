import type { TargetDescription, TargetTable } from '../ports.js';
import { quoteIdent } from './names.js';
import { sameColumns } from './tables.js';
import type { ColumnMapping, CopyStep, Hazard, SchemaStep } from './types.js';

/** Types that take the same values although they are written differently. */
const familyOf = (type: string): string => {
	const plain = type.toLowerCase().replace(/\s+/g, ' ');
	if (/^(text|character varying|varchar)(\(\d+\))?$/.test(plain)) return 'text';
	if (/^vector(\(\d+\))?$/.test(plain)) return plain;
	if (/^timestamp( without time zone)?(\(\d\))?$/.test(plain)) return 'timestamp';
	if (/^(bigint|int8)$/.test(plain)) return 'bigint';
	if (/^(double precision|float8)$/.test(plain)) return 'double precision';
	if (/^numeric/.test(plain)) return 'numeric';
	return plain;
};

const lengthOf = (type: string): number | null => {
	const found = /^(?:character varying|varchar)\((\d+)\)$/i.exec(type);
	return found?.[1] === undefined ? null : Number(found[1]);
};

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
		if (!typesFit(column, existing.type)) {
			problem(
				column.name,
				`${table.name}.${column.name} is ${existing.type} in the target; the plan sends ${column.targetType}`,
				`${alter} ALTER COLUMN ${quoteIdent(column.name)} TYPE ${column.targetType} USING ${quoteIdent(column.name)}::text::${column.targetType};`,
			);
		}
		const length = lengthOf(existing.type);
		if (length !== null) {
			hazards.push({
				code: 'LIMITED_LENGTH',
				severity: 'warn',
				step: step.id,
				column: column.name,
				count: 1,
				sample: [],
				message: `${table.name}.${column.name} takes at most ${length} characters; longer values will be set aside`,
			});
		}
		if (existing.notNull && column.nullable && column.source !== null) {
			hazards.push({
				code: 'TARGET_NOT_NULL',
				severity: 'warn',
				step: step.id,
				column: column.name,
				count: 1,
				sample: [],
				message: `${table.name}.${column.name} is NOT NULL in the target; records without it will be set aside`,
			});
		}
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

const sameKeys = (table: TargetTable, key: readonly string[]): boolean =>
	sameColumns(table.primaryKey, key) || table.uniques.some((unique) => sameColumns(unique, key));

function typesFit(column: ColumnMapping, existing: string): boolean {
	const wanted = familyOf(column.targetType);
	const found = familyOf(existing);
	if (wanted === found) return true;
	// A vector column without a dimension takes any; the reverse does not hold.
	if (wanted.startsWith('vector') && found === 'vector') return true;
	// integer takes the values of a bigint column that fit; one that does not fit is refused by the server and set aside.
	return wanted === 'bigint' && found === 'integer';
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
		case 'vector-index': {
			const suffix = /(?:vector|halfvec)_\w+_ops/.exec(step.sql)?.[0];
			return (
				table?.indexes.some((index) => index.name === step.object || (suffix !== undefined && index.definition.includes(suffix))) ?? false
			);
		}
		case 'analyze':
			return false;
	}
}
