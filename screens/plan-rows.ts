/** A plan as rows to read: one per table, collection or index, with its columns, objects and hazards to unfold. Pure. */

import { formatBytes, formatCount, formatDuration, formatQuantity } from '../source/core/format.js';
import { movesNothing } from '../source/core/plan/empty-steps.js';
import { vectorStepId } from '../source/core/plan/langchain-tables.js';
import type { ColumnMapping, CopyStep, Hazard, Plan, SchemaStep, Severity } from '../source/core/plan/types.js';
import { wrapText } from '../source/core/text-width.js';
import type { Cell } from './components/data-table.js';
import { type LineSpec, line } from './lines.js';
import type { Tone } from './theme.js';

/** `+` create, `~` change, `=` already there, `-` nothing to move, `i` a note, `!` needs a look, `X` blocks. */
export type Mark = '+' | '~' | '=' | '-' | 'i' | '!' | 'X';

export const markTone: Record<Mark, Tone> = { '+': 'good', '~': 'accent', '=': 'dim', '-': 'dim', i: 'plain', '!': 'warn', X: 'bad' };

export interface PlanRow {
	readonly id: string;
	readonly mark: Mark;
	readonly cells: readonly Cell[];
	readonly details: readonly LineSpec[];
}

export const severityMark: Record<Severity, Mark> = { block: 'X', warn: '!', info: 'i' };

/** `width`: of the line; where it is short, tables are named without the word. */
export function planRows(plan: Plan, width: number): readonly PlanRow[] {
	const copies = plan.steps.filter((step) => step.kind === 'copy');
	const schema = plan.steps.filter((step) => step.kind === 'schema');
	const standalone = schema.filter((step) => step.what === 'extension' || step.what === 'vector-index');
	const others = schema.filter((step) => !standalone.includes(step) && step.what !== 'table');
	return [
		...standalone.filter((step) => step.what === 'extension').map((step) => schemaRow(plan, step, width)),
		...copies.map((step) => copyRow(plan, step, schema, width)),
		...(others.length === 0 ? [] : [keysRow(others)]),
		...standalone.filter((step) => step.what === 'vector-index').map((step) => schemaRow(plan, step, width)),
	];
}

const hazardsOf = (plan: Plan, id: string): readonly Hazard[] => plan.hazards.filter((hazard) => hazard.step === id);

function worstMark(hazards: readonly Hazard[]): 'X' | '!' | null {
	if (hazards.some(({ severity }) => severity === 'block')) return 'X';
	return hazards.some(({ severity }) => severity === 'warn') ? '!' : null;
}

/** `1 block`, `2 look`: counts of what deserves a look. */
function hazardNote(hazards: readonly Hazard[]): string {
	const blocks = hazards.filter(({ severity }) => severity === 'block').length;
	const warnings = hazards.filter(({ severity }) => severity === 'warn').length;
	return [blocks > 0 ? `${blocks} X` : '', warnings > 0 ? `${warnings} !` : ''].filter((note) => note !== '').join('  ');
}

function copyRow(plan: Plan, step: CopyStep, schema: readonly SchemaStep[], width: number): PlanRow {
	const hazards = hazardsOf(plan, step.id);
	const creates = schema.some((other) => other.what === 'table' && other.table === step.table && other.needed);
	const isThere = step.rows > 0 && step.state.equal + step.rejected >= step.rows;
	const changes = step.state.differing > 0 && plan.policies.onConflict === 'update';
	const mark = worstMark(hazards) ?? (movesNothing(step) ? '-' : isThere ? '=' : changes ? '~' : '+');
	const notes = [hazardNote(hazards), stateNote(step), step.rejected > 0 ? `${formatCount(step.rejected)} set aside` : ''];
	const [what, where] = placeWords(step, creates, width);
	return {
		id: step.id,
		mark,
		cells: [
			{ text: mark, tone: markTone[mark] },
			{ text: what },
			{ text: where },
			{ text: formatCount(step.rows) },
			{ text: formatBytes(step.bytes) },
			{ text: formatDuration(step.seconds * 1000) },
			{ text: notes.filter((note) => note !== '').join('  '), tone: mark === 'X' ? 'bad' : mark === '!' ? 'warn' : 'dim' },
		],
		details: [...step.columns.map(columnLine), ...collectionLines(step), ...hazardLines(hazards, width)],
	};
}

/** Step and place. Of several collections the name says more than the table that all of them share. */
function placeWords({ id, table, collection }: CopyStep, creates: boolean, width: number): readonly [string, string] {
	if (collection !== undefined) return id === vectorStepId ? [id, table] : [vectorStepId, collection.name];
	return [id, width >= 70 ? `${creates ? 'new ' : ''}table ${table}` : table];
}

/** What the target already holds of this step. */
function stateNote({ state }: CopyStep): string {
	return [
		state.equal > 0 ? `${formatCount(state.equal)} there` : '',
		state.differing > 0 ? `${formatCount(state.differing)} differ` : '',
		state.equal === 0 && state.differing === 0 && state.rowsBefore > 0 ? `beside ${formatCount(state.rowsBefore)}` : '',
	]
		.filter((note) => note !== '')
		.join(', ');
}

const plainCasts: ReadonlySet<ColumnMapping['cast']> = new Set(['text', 'bigint', 'double', 'bytea', 'vector']);

function columnLine(column: ColumnMapping): LineSpec {
	const added = column.source === null;
	const cast = !added && !plainCasts.has(column.cast);
	const mark: Mark | ' ' = added ? '+' : cast ? '~' : ' ';
	const from = column.sourceType === null || column.sourceType === '' ? '' : `${column.sourceType.toLowerCase()} -> `;
	const named = column.targetType.replace(' without time zone', '');
	const type = added ? `${named}${column.nullable ? '' : ' not null'}` : `${cast ? from : ''}${named}`;
	const kept = column.keeps === undefined ? [] : [`${column.keeps.field} kept as ${column.keeps.key}`];
	const note =
		added && column.constant !== undefined
			? `= ${column.constant}`
			: [...kept, ...(column.note === undefined ? [] : [column.note])].join('; ');
	return line(
		{ text: '      ' },
		{ text: mark, tone: mark === ' ' ? undefined : markTone[mark] },
		{ text: ' ' },
		{ text: column.name, width: 18, cut: 'middle' },
		{ text: ' ' },
		{ text: type, width: 26, tone: 'dim' },
		{ text: ' ' },
		{ text: note, tone: 'dim' },
	);
}

function collectionLines({ collection }: CopyStep): readonly LineSpec[] {
	if (collection === undefined) return [];
	const mark: Mark = collection.exists ? '=' : '+';
	return [line({ text: '      ' }, { text: mark, tone: markTone[mark] }, { text: ` collection ${collection.name}` })];
}

function hazardLines(hazards: readonly Hazard[], width: number): readonly LineSpec[] {
	return hazards.flatMap((hazard) => {
		const mark = severityMark[hazard.severity];
		const column = hazard.column === undefined ? '' : `${hazard.column}  `;
		return wrapText(`${column}${hazard.message}`, Math.max(20, width - 9)).map((text, index) =>
			line(
				{ text: '      ' },
				{ text: index === 0 ? mark : ' ', tone: markTone[mark] },
				{ text: ` ${text}`, tone: mark === 'i' ? 'dim' : 'plain' },
			),
		);
	});
}

/** `hnsw vector_l2_ops`, or `hnsw l2 of notes` for the index of one of several collections. */
function indexWords({ steps }: Plan, { method, operatorClass, step: own }: NonNullable<SchemaStep['vectorIndex']>): string {
	const copy = steps.find((step): step is CopyStep => step.kind === 'copy' && step.id === own);
	if (copy?.collection === undefined || own === vectorStepId) return `${method} ${operatorClass}`;
	return `${method} ${operatorClass.replace(/^[a-z]+_|_ops$/g, '')} of ${copy.collection.name}`;
}

function schemaRow(plan: Plan, step: SchemaStep, width: number): PlanRow {
	const hazards = hazardsOf(plan, step.id);
	const mark = worstMark(hazards) ?? (step.needed ? '+' : '=');
	const { vectorIndex } = step;
	const to = vectorIndex === undefined ? step.object : indexWords(plan, vectorIndex);
	const notes = [hazardNote(hazards), step.needed ? '' : 'already there'].filter((note) => note !== '').join('  ');
	return {
		id: step.id,
		mark,
		cells: [
			{ text: mark, tone: markTone[mark] },
			{ text: vectorIndex === undefined ? step.what : 'index' },
			{ text: to },
			{ text: '-', tone: 'dim' },
			{ text: '-', tone: 'dim' },
			{ text: step.needed ? formatDuration(step.seconds * 1000) : '-' },
			{ text: notes, tone: mark === 'X' ? 'bad' : mark === '!' ? 'warn' : 'dim' },
		],
		details: [
			...(vectorIndex === undefined
				? []
				: [
						line({
							text: `      builds with ${formatBytes(vectorIndex.memoryBytes)} and ${formatQuantity(vectorIndex.workers, 'worker')}`,
							tone: 'dim',
						}),
					]),
			line({ text: `      ${step.sql.replace(/\s+/g, ' ')}`, tone: 'dim' }),
			...hazardLines(hazards, width),
		],
	};
}

/** Keys, foreign keys and ordinary indexes: many and quick, so one row that unfolds. */
function keysRow(steps: readonly SchemaStep[]): PlanRow {
	const needed = steps.filter((step) => step.needed);
	const mark: Mark = needed.length > 0 ? '+' : '=';
	const seconds = needed.reduce((sum, step) => sum + step.seconds, 0);
	return {
		id: 'keys and indexes',
		mark,
		cells: [
			{ text: mark, tone: markTone[mark] },
			{ text: 'keys' },
			{ text: 'keys and indexes' },
			{ text: '-', tone: 'dim' },
			{ text: '-', tone: 'dim' },
			{ text: needed.length > 0 ? formatDuration(seconds * 1000) : '-' },
			{ text: needed.length > 0 ? `${formatCount(needed.length)} new` : 'already there', tone: 'dim' },
		],
		details: steps.map((step) =>
			line(
				{ text: '      ' },
				{ text: step.needed ? '+' : '=', tone: markTone[step.needed ? '+' : '='] },
				{ text: ` ${step.what.replace('-', ' ')}`, width: 16, tone: 'dim' },
				{ text: ` ${step.object}`, cut: 'middle' },
			),
		),
	};
}
