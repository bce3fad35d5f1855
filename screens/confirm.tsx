import { useEffect, useState } from 'react';
import type { Operations } from '../source/core/operations.js';
import type { Plan } from '../source/core/plan/types.js';
import { Frame } from './components/frame.js';
import { fieldParts } from './components/text-field.js';
import { type Confirmation, confirmLines } from './confirm-lines.js';
import { useReadiness } from './hooks/use-readiness.js';
import { useTextField } from './hooks/use-text-field.js';
import type { Binding } from './key-router.js';
import { type LineSpec, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import type { Planned } from './planned.js';
import { obstacles } from './readiness-lines.js';
import { dryRunMode } from './run-words.js';
import { useCanvas, useShell } from './shell-context.js';

interface ConfirmScreenProps {
	readonly place: Place;
	readonly operations: Pick<Operations, 'readiness'>;
	readonly planned: Planned;
	readonly command: readonly string[];
	readonly onStart: () => void;
	readonly onBack: () => void;
}

interface Checked extends ConfirmScreenProps {
	readonly confirmation: Confirmation;
	/** Nothing may be written while one of the checks says so. */
	readonly blocked: boolean;
	readonly checkAgain: () => void;
}

/** Step 5: what will be written where, and whether all is ready; the only screen that starts a run. */
export function ConfirmScreen(props: ConfirmScreenProps) {
	const { planned, operations, command } = props;
	const now = useShell().clock.now();
	const { checks, again } = useReadiness((signal) => operations.readiness(planned.plan, planned.request, signal));
	const checked: Checked = {
		...props,
		confirmation: { planned, command, checks, now },
		blocked: obstacles(checks).length > 0,
		checkAgain: again,
	};
	return planned.request.guard === 'protected' ? <TypedConfirm {...checked} /> : <EnterConfirm {...checked} />;
}

/** How long the screen must have been up, and Enter left alone, before Enter starts: a held key must not run through every screen into a write. */
const settleMilliseconds = 300;

function EnterConfirm(props: Checked) {
	const { blocked, onStart, onBack } = props;
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
	return blocked ? <Blocked {...props} /> : <Confirmed {...props} prompt={[prompt]} bindings={bindings} command={props.command} />;
}

function TypedConfirm(props: Checked) {
	const { planned, blocked, onStart, onBack } = props;
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
	const prompt = [
		...paragraph(`This environment is PROTECTED. Type its name, ${name}, and press Enter.`, canvas.width, 'warn'),
		line(
			{ text: '> ', tone: 'accent' },
			...fieldParts({ field: field.state, width: canvas.width - 4, active: true, colour: canvas.colour }),
		),
		...(refused && !matches ? [line({ text: `That is not ${name}. Nothing was started.`, tone: 'bad' })] : []),
	];
	return blocked ? <Blocked {...props} /> : <Confirmed {...props} prompt={prompt} bindings={bindings} capture={field.capture} />;
}

/** In place of the way on; what was typed is there again once the way is clear. */
function Blocked(props: Checked) {
	const { checkAgain, onBack } = props;
	const canvas = useCanvas();
	const [refused, setRefused] = useState(false);
	const bindings: readonly Binding[] = [
		{ keys: ['r'], label: 'r', does: 'check again', run: checkAgain },
		{ keys: ['esc'], label: 'esc', does: 'back to the plan', run: onBack },
		{ keys: ['enter'], label: 'enter', does: 'start (once nothing is marked X)', run: () => setRefused(true), bar: false },
	];
	const said = refused
		? 'Nothing was started: what is marked X must be solved first.'
		: 'What is marked X must be solved before this can start.';
	return <Confirmed {...props} prompt={paragraph(said, canvas.width, 'bad')} bindings={bindings} command={props.command} />;
}

interface ConfirmedProps extends Pick<Checked, 'place' | 'confirmation'> {
	readonly prompt: readonly LineSpec[];
	readonly bindings: readonly Binding[];
	readonly capture?: Parameters<typeof Frame>[0]['capture'];
	readonly command?: readonly string[] | undefined;
}

function Confirmed({ place, confirmation, prompt, bindings, capture, command }: ConfirmedProps) {
	const canvas = useCanvas();
	const body = [...confirmLines(confirmation, canvas.width, canvas.lines - prompt.length), ...prompt];
	const ids = planIds(confirmation.planned.plan);
	return <Frame {...place} mode={dryRunMode} ids={ids} body={body} bindings={bindings} capture={capture} command={command} />;
}

const planIds = (plan: Plan): string => `plan ${plan.id.slice(0, 8)}`;
