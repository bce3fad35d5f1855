import { useState } from 'react';
import { formatBytes, formatCount, formatEstimate, formatQuantity } from '../source/core/format.js';
import type { Operations } from '../source/core/operations.js';
import { differingLeft, nothingToDoWords } from '../source/core/outcome-words.js';
import { rulesToChoose } from '../source/core/plan/id-hazards.js';
import { type IdCollisionPolicy, isBlocked, type Plan, recordsToWrite } from '../source/core/plan/types.js';
import { tableLines } from './components/data-table.js';
import { Frame } from './components/frame.js';
import { hiddenRows, windowAround } from './components/list-window.js';
import type { Binding } from './key-router.js';
import { blank, facts, type LineSpec, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import { type Mark, markTone, type PlanRow, planRows } from './plan-rows.js';
import { ddlLines, hazardLines } from './plan-views.js';
import type { Planned } from './planned.js';
import { dryRunMode } from './run-words.js';
import { sameFlags } from './same-flags.js';
import { SavePlan } from './save-plan.js';
import { useCanvas } from './shell-context.js';
import type { Tone } from './theme.js';

interface PlanReaderProps {
	readonly place: Place;
	readonly operations: Operations;
	readonly planned: Planned;
	readonly command: readonly string[];
	readonly onReplan: () => void;
	/** Another rule for ids, which makes another plan. */
	readonly onIds: (rule: IdCollisionPolicy) => void;
	readonly onNext: (said: string) => void;
	readonly onBack: () => void;
}

type View = 'steps' | 'hazards' | 'ddl';

/** The plan to read: steps that unfold, hazards, DDL; and the way on, unless something blocks. */
export function PlanReader({ place, operations, planned, command, onReplan, onIds, onNext, onBack }: PlanReaderProps) {
	const { plan } = planned;
	const canvas = useCanvas();
	const [view, setView] = useState<View>('steps');
	const [atSteps, setAtSteps] = useState({ at: 0, from: 0 });
	const [atText, setAtText] = useState({ at: 0, from: 0 });
	const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
	const [saving, setSaving] = useState(false);
	const [said, setSaid] = useState<string | null>(null);
	const blocked = isBlocked(plan);
	const rules = rulesToChoose(plan);
	// Hazards and DDL scroll on their own, so that the steps are as they were when they come back.
	const [cursor, setCursor] = view === 'steps' ? [atSteps, setAtSteps] : [atText, setAtText];

	const rows = planRows(plan, canvas.width);
	const content = view === 'steps' ? stepLines(rows, open, cursor.at, canvas.width) : readingLines(view, plan, canvas.width);
	const head = view === 'steps' ? [legendFor(rows, canvas.width), content.titles] : [viewTitle(view, plan)];
	const foot = footLines(plan, blocked, said, canvas.width);
	const height = Math.max(1, canvas.lines - head.length - foot.length - 1);
	const window = windowAround(content.lines.length, view === 'steps' ? cursor.at : cursor.from, height, cursor.from);
	const hidden = hiddenRows(window);
	const body = [
		...head,
		...content.lines.slice(window.from, window.to),
		...(hidden === null ? [] : [line({ text: `  ${hidden}`, tone: 'dim' })]),
		...(hidden === null && canvas.lines > head.length + foot.length + content.lines.length ? [blank] : []),
		...foot,
	];
	if (saving) {
		const close = (result: string | null) => {
			setSaving(false);
			setSaid(result);
		};
		return (
			<SavePlan place={place} plan={plan} same={sameFlags(command)} save={(path) => operations.savePlan(plan, path)} onClose={close} />
		);
	}
	const move = (by: number) => {
		const last = content.lines.length - 1;
		// Without a cursor the text itself scrolls, and stops when its end is in sight.
		const at = Math.max(
			0,
			Math.min(view === 'steps' ? last : Math.max(0, content.lines.length - height), (view === 'steps' ? cursor.at : window.from) + by),
		);
		setCursor({ at, from: view === 'steps' ? windowAround(content.lines.length, at, height, window.from).from : at });
	};
	const show = (wanted: View) => {
		setView(view === wanted ? 'steps' : wanted);
		setAtText({ at: 0, from: 0 });
	};
	const toggle = (unfold: boolean | null) => {
		const id = content.rowAt(cursor.at);
		if (view !== 'steps' || id === undefined) return;
		const isOpen = open.has(id);
		const next = new Set(open);
		if (unfold ?? !isOpen) next.add(id);
		else next.delete(id);
		setOpen(next);
		if (isOpen && next.size < open.size) setCursor({ at: content.startOf(id), from: Math.min(window.from, content.startOf(id)) });
	};
	const bindings: readonly Binding[] = [
		{ keys: ['up', 'k'], label: 'up/down', does: 'move', run: () => move(-1) },
		{
			keys: ['enter'],
			label: 'enter',
			does: blocked ? (rules.length > 0 ? 'hazards' : 'blocked, see !') : plan.doneBy === undefined ? 'next' : 'check again',
			run: () => (blocked ? show('hazards') : onNext(planSaid(plan))),
		},
		{ keys: ['esc'], label: 'esc', does: 'back', run: () => (view === 'steps' ? onBack() : show(view)) },
		...rules.map((rule): Binding => ({ ...ruleKeys[rule], keys: [ruleKeys[rule].label], run: () => onIds(rule) })),
		{ keys: ['down', 'j'], label: 'j/k', does: 'move too', run: () => move(1), bar: false },
		{ keys: ['pageup'], label: 'pgup/pgdn', does: 'move by a page', run: () => move(-height), bar: false },
		{ keys: ['pagedown'], label: '', does: 'a page down', run: () => move(height), bar: false },
		...(view === 'steps' ? unfoldBindings(toggle, open.has(content.rowAt(cursor.at) ?? '')) : []),
		{ keys: ['!'], label: '!', does: view === 'hazards' ? 'steps' : 'hazards', run: () => show('hazards') },
		{ keys: ['d'], label: 'd', does: view === 'ddl' ? 'steps' : 'DDL', run: () => show('ddl') },
		{ keys: ['s'], label: 's', does: 'save plan', run: () => setSaving(true) },
		{ keys: ['r'], label: 'r', does: 'plan again', run: onReplan, bar: false },
	];
	return <Frame {...place} mode={dryRunMode} ids={`plan ${plan.id.slice(0, 8)}`} body={body} bindings={bindings} command={command} />;
}

/** Each makes the plan anew under its rule. */
const ruleKeys: Readonly<Record<IdCollisionPolicy, { readonly label: string; readonly does: string }>> = {
	prefix: { label: 'p', does: 'prefix ids' },
	uuid: { label: 'u', does: 'UUID ids' },
	fail: { label: 'o', does: 'own ids' },
};

function unfoldBindings(toggle: (unfold: boolean | null) => void, isOpen: boolean): readonly Binding[] {
	return [
		{ keys: ['right', 'l'], label: 'right', does: 'open', run: () => toggle(true), bar: !isOpen },
		{ keys: ['left'], label: 'left', does: 'close', run: () => toggle(false), bar: isOpen },
		{ keys: [' '], label: 'space', does: 'open or close', run: () => toggle(null), bar: false },
	];
}

const planSaid = (plan: Plan): string =>
	`${plan.id.slice(0, 8)}   ${formatQuantity(plan.totals.records, 'record')}   ${formatBytes(plan.totals.bytes)}`;

const legendWords: readonly (readonly [mark: Mark, words: string, inShort: string])[] = [
	['+', 'create', 'create'],
	['~', 'change', 'change'],
	['=', 'already there', 'there'],
	['-', 'nothing to move', 'nothing'],
	['i', 'note', 'note'],
	['!', 'needs a look', 'look'],
	['X', 'blocks', 'blocks'],
];

/** A mark for what has no records is explained where there is one. */
function legendFor(rows: readonly PlanRow[], width: number): LineSpec {
	const told = legendWords.filter(([mark]) => mark !== '-' || rows.some((row) => row.mark === mark));
	// Each with its mark, a space before the words and three after them.
	const inFull = told.reduce((sum, [, words]) => sum + words.length + 5, 0) <= width + 3;
	return line(
		...told.flatMap(([mark, words, inShort]) => [
			{ text: mark, tone: markTone[mark] },
			{ text: inFull ? ` ${words}   ` : ` ${inShort}  `, tone: 'dim' as const },
		]),
	);
}

interface Content {
	readonly titles: LineSpec;
	readonly lines: readonly LineSpec[];
	/** The row that a line belongs to, and the line at which a row starts. */
	readonly rowAt: (index: number) => string | undefined;
	readonly startOf: (id: string) => number;
}

const columns = [
	{ title: '' },
	{ title: 'STEP', least: 8, cut: 'middle' as const },
	{ title: 'TO', least: 12, cut: 'middle' as const },
	{ title: 'ROWS', align: 'right' as const },
	{ title: 'SIZE', align: 'right' as const, dropOrder: 2 },
	{ title: 'TIME', align: 'right' as const, dropOrder: 1 },
	{ title: 'NOTES', least: 6 },
];

function stepLines(rows: readonly PlanRow[], open: ReadonlySet<string>, cursor: number, width: number): Content {
	const starts = new Map<string, number>();
	const owners: string[] = [];
	for (const row of rows) {
		starts.set(row.id, owners.length);
		owners.push(row.id, ...(open.has(row.id) ? row.details.map(() => row.id) : []));
	}
	const current = owners[cursor];
	const tableRows = rows.map((row) => ({ cells: row.cells, under: open.has(row.id) ? row.details : [] }));
	const index = rows.findIndex((row) => row.id === current);
	const [titles = blank, ...lines] = tableLines({ columns, rows: tableRows, width, cursor: index });
	const pointed = lines.map((spec, at) => (at === cursor && at !== starts.get(current ?? '') ? pointAt(spec) : spec));
	return { titles, lines: pointed, rowAt: (at) => owners[at], startOf: (id) => starts.get(id) ?? 0 };
}

/** A detail line under the cursor carries the pointer where its indentation was. */
function pointAt(spec: LineSpec): LineSpec {
	const [first, second, ...rest] = spec.parts;
	if (first === undefined || second === undefined) return spec;
	return { parts: [first, { text: '    > ', tone: 'accent' }, { ...second, text: second.text.replace(/^ {1,6}/, '') }, ...rest] };
}

function readingLines(view: 'hazards' | 'ddl', plan: Plan, width: number): Content {
	const lines = view === 'hazards' ? hazardLines(plan, width) : ddlLines(plan, width);
	return { titles: blank, lines, rowAt: () => undefined, startOf: () => 0 };
}

function viewTitle(view: 'hazards' | 'ddl', plan: Plan): LineSpec {
	return view === 'hazards'
		? line(
				{ text: 'Hazards', tone: 'strong' },
				{ text: `   ${formatQuantity(plan.hazards.length, 'finding')}, counted over every source value`, tone: 'dim' },
			)
		: line({ text: 'DDL', tone: 'strong' }, { text: '   every statement checks first whether it is needed', tone: 'dim' });
}

function footLines(plan: Plan, blocked: boolean, said: string | null, width: number): readonly LineSpec[] {
	const { records, bytes, seconds, rejected } = plan.totals;
	const gap = width < 70 ? '  ' : '   ';
	const blocks = plan.hazards.filter(({ severity }) => severity === 'block').length;
	return [
		line(
			{ text: 'Total', tone: 'dim', width: 8 },
			{ text: [formatQuantity(records, 'record'), formatBytes(bytes), formatEstimate(seconds * 1000)].join(gap), tone: 'strong' },
			{
				text: width < 70 ? `${gap}${formatCount(rejected)} set aside` : `     Quarantine: ${formatCount(rejected)} expected`,
				tone: rejected > 0 ? 'warn' : 'dim',
			},
		),
		...undoLines(plan, blocked, blocks, width),
		...(said === null ? [] : paragraph(said, width, 'good')),
	];
}

function undoLines(plan: Plan, blocked: boolean, blocks: number, width: number): readonly LineSpec[] {
	const said = (label: string, text: string, tone: Tone) => facts([[label.padEnd(5), text, tone]], width);
	if (blocked) return said('X', `${formatQuantity(blocks, 'hazard')} must be solved before this can run: ! shows what to do`, 'bad');
	if (plan.doneBy !== undefined) {
		const left = differingLeft(plan) > 0;
		return said(left ? 'Left' : 'Done', `Nothing to do: ${nothingToDoWords(plan)}. Enter runs the checks again.`, left ? 'warn' : 'good');
	}
	if (plan.resumes !== undefined) return said('Goes on', `run ${plan.resumes} where it stopped; nothing is written twice`, 'accent');
	return said(
		'Undo',
		`yes: repot rollback removes exactly ${width < 75 ? 'these' : `the ${formatQuantity(recordsToWrite(plan), 'record')} of this run`}`,
		'plain',
	);
}
