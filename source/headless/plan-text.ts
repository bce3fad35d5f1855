import { formatBytes, formatCount, formatDuration, formatQuantity } from '../core/format.js';
import { differingLeft, nothingToDoWords } from '../core/outcome-words.js';
import { movesNothing } from '../core/plan/empty-steps.js';
import { vectorStepId } from '../core/plan/langchain-tables.js';
import { type CopyStep, type Hazard, isCopyStep, isSchemaStep, type Plan, recordsToWrite, type SchemaStep } from '../core/plan/types.js';
import { serverWords } from '../core/server-words.js';
import { cutText, printable } from '../core/text-width.js';
import { columnLines } from './plan-columns.js';
import { cutNames, ellipsisOf } from './short-names.js';
import { paint, type TextStyle, type Tone } from './style.js';
import { tableLines } from './table.js';

/** The whole plan as text: what `repot plan` prints. */
export function planLines(plan: Plan, style: TextStyle): readonly string[] {
	return [...planSummaryLines(plan, style), ...columnLines(plan, style), ...sqlLines(plan, style)];
}

/** Where from, where to, steps, hazards, totals, undo: what a person needs before saying yes. */
/** `dryRun`: false when the plan is about to be run. */
export function planSummaryLines(plan: Plan, style: TextStyle, dryRun = true): readonly string[] {
	return [
		...headLines(plan, style, dryRun),
		'',
		...stepLines(plan, style),
		'',
		...hazardLines(plan.hazards, style),
		...totalLines(plan, style),
	];
}

function headLines(plan: Plan, style: TextStyle, dryRun: boolean): readonly string[] {
	const { sqlite, chroma } = plan.sources;
	const { target } = plan;
	const sources = [
		...(sqlite === undefined ? [] : [`SQLite ${sqlite.path} (${formatBytes(sqlite.bytes)})`]),
		...(chroma === undefined ? [] : [`Chroma ${chroma.path} (${formatBytes(chroma.bytes)})`]),
	];
	return [
		paint(
			style,
			'strong',
			`Plan ${plan.id}   environment ${printable(plan.environment)}${dryRun ? '   DRY RUN - nothing has been written' : ''}`,
		),
		`From  ${printable(sources.join(', '))}`,
		`To    ${printable(target.label)}   ${serverWords(plan)}`,
		`For   ${plan.tenant.column} = ${printable(plan.tenant.value)}`,
		...(plan.resumes === undefined ? [] : [`Run ${plan.resumes} goes on from where it stopped`]),
	];
}

/** A mark for what has no records is explained where there is one. */
const legend = (rows: readonly (readonly string[])[]): string =>
	`+ create   ~ change   = already there   ${rows.some(([mark]) => mark === '-') ? '- nothing to move   ' : ''}! needs a look   X blocks   i good to know`;

function stepLines(plan: Plan, style: TextStyle): readonly string[] {
	const rows = stepRows(plan, style);
	const columns = [
		{ title: '' },
		{ title: 'STEP' },
		{ title: 'TO' },
		{ title: 'ROWS', align: 'right' as const },
		{ title: 'SIZE', align: 'right' as const },
		{ title: 'TIME', align: 'right' as const },
		{ title: 'NOTES' },
	];
	return [
		...(style.tables ? [paint(style, 'quiet', legend(rows))] : []),
		...tableLines(columns, style.tables ? rows : rows.map(spoken), style),
	];
}

/** A row for each copy, extension and vector index; tables, keys and plain indexes of one table share a row. */
function stepRows(plan: Plan, style: TextStyle): readonly (readonly string[])[] {
	const grouped = new Map<string, SchemaStep[]>();
	const rows: (() => readonly string[])[] = [];
	const shown = cutNames(
		plan.steps.map((step) => nameOf(step, plan)),
		style,
	);
	for (const step of plan.steps) {
		if (isCopyStep(step) || step.what === 'extension' || step.what === 'vector-index') {
			rows.push(() => [worst(plan.hazards, step.id) ?? markOf(step), ...cells(step, shown(nameOf(step, plan)), plan.hazards)]);
			continue;
		}
		// Fresh statistics are no object that a person would look for.
		if (step.what === 'analyze') continue;
		const key = step.what === 'table' ? 'tables' : step.table;
		const group = grouped.get(key);
		if (group === undefined) {
			const made = [step];
			grouped.set(key, made);
			rows.push(() => groupCells(made, plan.hazards));
		} else group.push(step);
	}
	return rows.map((row) => row());
}

function groupCells(steps: readonly SchemaStep[], hazards: readonly Hazard[]): readonly string[] {
	const needed = steps.filter((step) => step.needed);
	const marks = steps.map((step) => worst(hazards, step.id));
	const mark = marks.find((one) => one === 'X') ?? marks.find((one) => one === '!') ?? (needed.length > 0 ? '+' : '=');
	const seconds = needed.reduce((sum, step) => sum + step.seconds, 0);
	const there = steps.length - needed.length;
	const tables = steps[0]?.what === 'table';
	const what = tables ? '' : tallied(needed);
	const notes = [what, there === 0 ? '' : needed.length === 0 ? 'already there' : `${there} already there`].filter((note) => note !== '');
	return [
		mark,
		tables ? 'tables' : 'keys, indexes',
		tables ? (needed.length === 0 ? formatQuantity(steps.length, 'table') : `${formatCount(needed.length)} new`) : (steps[0]?.table ?? ''),
		'-',
		'-',
		needed.length === 0 ? '-' : formatDuration(seconds * 1000),
		notes.join(', '),
	];
}

/** `primary key, 3 indexes`. */
function tallied(steps: readonly SchemaStep[]): string {
	const counts = new Map<string, number>();
	for (const step of steps) counts.set(words(step.what), (counts.get(words(step.what)) ?? 0) + 1);
	return [...counts]
		.map(([what, count]) => (count === 1 ? what : formatQuantity(count, what, what === 'index' ? 'indexes' : `${what}s`)))
		.join(', ');
}

const spokenMarks: Readonly<Record<string, string>> = {
	'+': 'create',
	'=': 'already there',
	'-': 'nothing to move',
	'!': 'needs a look',
	X: 'blocked',
	i: 'note',
};
const spoken = (row: readonly string[]): readonly string[] => [spokenMarks[row[0] ?? ''] ?? '', ...row.slice(1)];

function markOf(step: CopyStep | SchemaStep): string {
	if (isSchemaStep(step)) return step.needed ? '+' : '=';
	if (movesNothing(step)) return '-';
	return step.rows > 0 && step.state.equal === step.rows - step.rejected ? '=' : '+';
}

function worst(hazards: readonly Hazard[], step: string): string | null {
	const own = hazards.filter((hazard) => hazard.step === step);
	if (own.some((hazard) => hazard.severity === 'block')) return 'X';
	return own.some((hazard) => hazard.severity === 'warn') ? '!' : null;
}

/** What a row is about: of several collections each has its own, and so may the indexes. */
function nameOf(step: CopyStep | SchemaStep, { steps }: Plan): string {
	if (isCopyStep(step)) return step.id;
	const own = steps.find((other): other is CopyStep => isCopyStep(other) && other.id === step.vectorIndex?.step);
	return own?.collection === undefined || steps.filter(isVectors).length < 2 ? words(step.what) : `index of ${own.collection.name}`;
}

const isVectors = (step: CopyStep | SchemaStep): boolean => isCopyStep(step) && step.collection !== undefined;

function cells(step: CopyStep | SchemaStep, name: string, hazards: readonly Hazard[]): readonly string[] {
	const time = formatDuration(step.seconds * 1000);
	if (isSchemaStep(step)) {
		const to = name === words(step.what) ? step.object : step.table;
		return [name, to, '-', '-', step.needed ? time : '-', schemaNote(step)];
	}
	const looks = hazards.filter((hazard) => hazard.step === step.id && hazard.severity !== 'info').length;
	const notes = [
		...(step.collection === undefined || namesItself(step) ? [] : [`collection ${step.collection.name}`]),
		...(step.rejected > 0 ? [`${formatCount(step.rejected)} set aside`] : []),
		...(step.state.rowsBefore > 0 ? [`${formatQuantity(step.state.rowsBefore, 'row')} there before`] : []),
		...(step.state.equal > 0 ? [`${formatCount(step.state.equal)} already the same`] : []),
		...(step.state.differing > 0 ? [`${formatCount(step.state.differing)} ${step.state.differing === 1 ? 'differs' : 'differ'}`] : []),
		...(looks > 0 ? [`${looks} !`] : []),
	];
	const size = formatBytes(step.bytes);
	return [name, `${step.collection === undefined ? 'table ' : ''}${step.table}`, formatCount(step.rows), size, time, notes.join(', ')];
}

/** `vectors:docs` becomes the collection docs. */
const namesItself = ({ id, collection }: CopyStep): boolean => id === `${vectorStepId}:${collection?.name}`;

function schemaNote(step: SchemaStep): string {
	if (!step.needed) return 'already there';
	const index = step.vectorIndex;
	if (index === undefined) return step.what === 'table' || step.table === '' ? '' : `on ${step.table}`;
	const workers = index.workers > 0 ? `, ${formatQuantity(index.workers, 'worker')}` : '';
	return `${index.method} ${index.operatorClass}, ${formatBytes(index.memoryBytes)}${workers}`;
}

const words = (what: SchemaStep['what']): string => what.replace('-', ' ');

const severities: readonly (readonly [Hazard['severity'], string, Tone])[] = [
	['block', 'X', 'bad'],
	['warn', '!', 'look'],
	['info', 'i', 'quiet'],
];

/** Hazards, those that block first, each with its keys and what to do. */
function hazardLines(hazards: readonly Hazard[], style: TextStyle): readonly string[] {
	const lines = severities.flatMap(([severity, sign, tone]) =>
		hazards.filter((hazard) => hazard.severity === severity).flatMap((hazard) => oneHazard(hazard, sign, tone, style)),
	);
	return lines.length === 0 ? [] : [...lines, ''];
}

/** A plan may name thousands; `--json` and `--out` give them all. */
const shownKeys = 5;
/** An id may be as long as a document. */
const keyWidth = 60;

function oneHazard(hazard: Hazard, sign: string, tone: Tone, style: TextStyle): readonly string[] {
	const keys = hazard.sample.slice(0, shownKeys);
	const sample = keys.map((key) => cutText(key, keyWidth, 'middle', ellipsisOf(style))).join(', ');
	const more = hazard.count > keys.length && keys.length > 0 ? ', ...' : '';
	return [
		`${paint(style, tone, style.tables ? sign : (spokenMarks[sign] ?? ''))} ${placed(hazard)}`,
		...(sample === '' ? [] : [`    keys  ${sample}${more}`]),
		...(hazard.hint === undefined ? [] : [`    next  ${printable(hazard.hint)}`]),
	];
}

/** The message with its place before it, unless it names the place itself. */
export function placed(hazard: Hazard): string {
	const place = placeOf(hazard);
	const message = printable(hazard.message);
	return place === '' || (hazard.column === undefined && message.includes(place)) ? message : `${place}: ${message}`;
}

/** `analyses.raw_response`, `analyses` or nothing. */
function placeOf(hazard: Hazard): string {
	if (hazard.step === null) return hazard.column ?? '';
	return printable(hazard.column === undefined ? hazard.step : `${hazard.step}.${hazard.column}`);
}

function totalLines(plan: Plan, style: TextStyle): readonly string[] {
	const { records, rejected, bytes, seconds } = plan.totals;
	const going = recordsToWrite(plan);
	const time = seconds < 1 ? 'less than 1 s' : `about ${formatDuration(seconds * 1000)}`;
	const blocking = plan.hazards.filter((hazard) => hazard.severity === 'block').length;
	if (plan.doneBy !== undefined) return [paint(style, differingLeft(plan) > 0 ? 'look' : 'good', nothingToDo(plan))];
	return [
		`Total  ${formatQuantity(records, 'record')}, ${formatBytes(bytes)}, ${time}.   Quarantine: ${formatCount(rejected)} expected`,
		...(blocking === 0
			? [`Undo   yes: ${undoWords(plan.policies.onConflict === 'update', going)}`]
			: [
					paint(
						style,
						'bad',
						`X Blocked by ${formatQuantity(blocking, 'hazard')}: nothing can be written until ${blocking === 1 ? 'it is' : 'they are'} solved`,
					),
				]),
	];
}

function undoWords(overwrites: boolean, going: number): string {
	if (overwrites) return 'repot rollback removes exactly the records that the run adds and restores those it overwrites';
	if (going === 0) return 'repot rollback removes what the run creates; it writes no record';
	return `repot rollback removes exactly the ${formatQuantity(going, 'record')} of this run`;
}

export function nothingToDo(plan: Plan): string {
	return `Nothing to do: ${nothingToDoWords(plan)}`;
}

function sqlLines(plan: Plan, style: TextStyle): readonly string[] {
	const needed = plan.steps.filter(isSchemaStep).filter((step) => step.needed && step.sql !== '');
	if (needed.length === 0) return [];
	const lines = needed.flatMap((step) =>
		`${step.sql.trimEnd().replace(/;$/, '')};`.split('\n').map((line) => `  ${printable(line.replaceAll('\t', '  '))}`),
	);
	return ['', paint(style, 'strong', 'SQL that creates what is missing'), ...lines];
}
