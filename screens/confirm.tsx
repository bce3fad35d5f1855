import { useEffect, useState } from 'react';
import { formatAgo, formatBytes, formatCommand, formatCount, formatEstimate, formatQuantity } from '../source/core/format.js';
import type { Plan } from '../source/core/plan/types.js';
import { Frame } from './components/frame.js';
import { fieldParts } from './components/text-field.js';
import { useTextField } from './hooks/use-text-field.js';
import type { Binding } from './key-router.js';
import { blank, facts, type LineSpec, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import type { Planned } from './planned.js';
import { dryRunMode } from './run-words.js';
import { type Canvas, useCanvas, useShell } from './shell-context.js';
import type { Tone } from './theme.js';

interface ConfirmScreenProps {
	readonly place: Place;
	readonly planned: Planned;
	readonly command: readonly string[];
	readonly onStart: () => void;
	readonly onBack: () => void;
}

/** Step 5: what will be written where; the only screen that starts a run. */
export function ConfirmScreen(props: ConfirmScreenProps) {
	return props.planned.request.guard === 'protected' ? <TypedConfirm {...props} /> : <EnterConfirm {...props} />;
}

/** How long the screen must have been up, and Enter left alone, before Enter starts: a held key must not run through every screen into a write. */
const settleMilliseconds = 300;

function EnterConfirm({ place, planned, command, onStart, onBack }: ConfirmScreenProps) {
	const canvas = useCanvas();
	const [presses, setPresses] = useState(0);
	const [settled, setSettled] = useState(-1);
	useEffect(() => {
		const timer = setTimeout(() => setSettled(presses), settleMilliseconds);
		return () => clearTimeout(timer);
	}, [presses]);
	const armed = settled === presses;
	const enter = () => (armed ? onStart() : setPresses(presses + 1));
	const prompt = line({ text: armed ? 'Press Enter to start writing.' : ' ', tone: 'strong' });
	const bindings: readonly Binding[] = [
		{ keys: ['enter'], label: 'enter', does: 'start', run: enter },
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
	];
	const body = [...confirmLines(planned, command, canvas, 1, useShell().clock.now()), prompt];
	return <Frame {...place} mode={dryRunMode} ids={planIds(planned.plan)} body={body} bindings={bindings} command={command} />;
}

function TypedConfirm({ place, planned, command, onStart, onBack }: ConfirmScreenProps) {
	const canvas = useCanvas();
	const field = useTextField();
	const [refused, setRefused] = useState(false);
	const name = planned.request.environment;
	const matches = field.text === name;
	const bindings: readonly Binding[] = [
		{
			keys: ['enter'],
			label: 'enter',
			does: matches ? 'start' : `start (once ${name} is typed)`,
			run: () => (matches ? onStart() : setRefused(true)),
		},
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
	];
	const asked = paragraph(`This environment is PROTECTED. Type its name, ${name}, and press Enter.`, canvas.width, 'warn');
	const body = [
		...confirmLines(planned, command, canvas, asked.length + 2, useShell().clock.now()),
		...asked,
		line(
			{ text: '> ', tone: 'accent' },
			...fieldParts({ field: field.state, width: canvas.width - 4, active: true, colour: canvas.colour }),
		),
		...(refused && !matches ? [line({ text: `That is not ${name}. Nothing was started.`, tone: 'bad' })] : []),
	];
	return <Frame {...place} mode={dryRunMode} ids={planIds(planned.plan)} body={body} bindings={bindings} capture={field.capture} />;
}

const planIds = (plan: Plan): string => `plan ${plan.id.slice(0, 8)}`;

/** Everything that will happen, most important first; in a low terminal one line each, as many as leave room for the prompt. */
function confirmLines(
	{ plan, request }: Planned,
	command: readonly string[],
	canvas: Canvas,
	prompt: number,
	now: number,
): readonly LineSpec[] {
	const { records, rejected, bytes, seconds } = plan.totals;
	const tables = plan.steps.filter((step) => step.kind === 'copy').map((step) => step.id);
	const sources = [plan.sources.sqlite?.path, plan.sources.chroma?.path].filter((path) => path !== undefined);
	const pairs: (readonly [string, string, Tone?])[] = [
		['Writes', `${formatQuantity(records - rejected, 'record')}   ${formatBytes(bytes)}   into ${tables.join(', ')}`, 'strong'],
		['To', plan.target.label, 'strong'],
		['Tenant', `${plan.tenant.column} = ${plan.tenant.value}`],
		...(rejected > 0 ? [['Set aside', `${formatCount(rejected)} to quarantine.jsonl, with key and reason`, 'warn'] as const] : []),
		['Undo', 'repot rollback removes exactly what it writes'],
		['Time', `${formatEstimate(seconds * 1000)}${request.validate ? ', then all checks' : ', without checks'}`],
		['From', sources.join('  +  ')],
		['Server', `PostgreSQL ${plan.target.serverVersion}, pgvector ${plan.target.pgvectorVersion ?? 'not installed'}`],
		['Plan', `${plan.id.slice(0, 8)}, made ${formatAgo(plan.createdAt, now)}; refused if source or target changed since`],
		['Headless', formatCommand(['repot', ...command]), 'dim'],
	];
	const room = canvas.lines - prompt;
	const whole = [line({ text: 'Write this?', tone: 'strong' }), blank, ...facts(pairs, canvas.width), blank];
	if (whole.length <= room) return whole;
	return [line({ text: 'Write this?', tone: 'strong' }), ...wholePairs(pairs, Math.max(3, room - 1), canvas.width)];
}

/** As many pairs as fit, from the first, each with all its lines. */
function wholePairs(pairs: readonly (readonly [string, string, Tone?])[], room: number, width: number): readonly LineSpec[] {
	const fitting = pairs.findIndex((_, index) => facts(pairs.slice(0, index + 1), width).length > room);
	return facts(fitting < 0 ? pairs : pairs.slice(0, Math.max(1, fitting)), width).slice(0, room);
}
