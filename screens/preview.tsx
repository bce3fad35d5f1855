import { useEffect, useState } from 'react';
import type { RepotError } from '../source/core/errors.js';
import { formatPercent } from '../source/core/format.js';
import type { Operations, PlanProgress, WizardChoices } from '../source/core/operations.js';
import type { IdCollisionPolicy } from '../source/core/plan/types.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { barText, walkingBar } from './components/progress-bar.js';
import { useNow } from './hooks/use-now.js';
import { useTask } from './hooks/use-task.js';
import type { Binding } from './key-router.js';
import { blank, type LineSpec, line, paragraph, words } from './lines.js';
import type { Place } from './place.js';
import { PlanReader } from './plan-reader.js';
import type { Planned } from './planned.js';
import { dryRunMode } from './run-words.js';
import { type Canvas, useCanvas } from './shell-context.js';

interface PreviewScreenProps {
	readonly place: Place;
	readonly operations: Operations;
	readonly choices: WizardChoices;
	readonly restart: boolean;
	/** The plan of these very choices, when it was made before. */
	readonly planned: Planned | null;
	readonly command: readonly string[];
	readonly onPlanned: (planned: Planned) => void;
	readonly onReplan: () => void;
	/** Another rule for ids, which makes another plan. */
	readonly onIds: (rule: IdCollisionPolicy) => void;
	readonly onNext: (said: string) => void;
	readonly onBack: () => void;
}

/** Step 4: the dry run, which is the plan. */
export function PreviewScreen(props: PreviewScreenProps) {
	const { planned } = props;
	if (planned === null) return <Planning {...props} />;
	return <PlanReader {...props} planned={planned} />;
}

/** Reads every source value through the real casts; shows the phase and how far it is. */
function Planning({ place, operations, choices, restart, command, onPlanned, onBack }: PreviewScreenProps) {
	const canvas = useCanvas();
	const [progress, setProgress] = useState<PlanProgress>({ phase: 'starting', fraction: null });
	const { task, retry } = useTask('plan', async (signal): Promise<Planned> => {
		const wanted = await operations.request(choices, signal);
		const request = restart ? { ...wanted, restart } : wanted;
		const plan = await operations.plan(request, signal, (told) => {
			if (!signal.aborted) setProgress(told);
		});
		return { plan, request };
	});
	const value = task.state === 'ok' ? task.value : null;
	useEffect(() => {
		if (value !== null) onPlanned(value);
	}, [value, onPlanned]);
	const { tick } = useNow(120, task.state === 'working');
	const failed = task.state === 'failed' ? task.error : null;
	const bindings: readonly Binding[] = [
		...(failed === null ? [] : [{ keys: ['r'], label: 'r', does: 'try again', run: retry }]),
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
	];
	return (
		<Frame
			{...place}
			mode={dryRunMode}
			body={failed === null ? planningLines(progress, tick, canvas) : failedLines(failed, canvas)}
			bindings={bindings}
			command={command}
		/>
	);
}

function planningLines(progress: PlanProgress, tick: number, canvas: Canvas): readonly LineSpec[] {
	const width = Math.min(40, canvas.width - 12);
	const bar = progress.fraction === null ? walkingBar(tick, width, canvas.glyphs) : barText(progress.fraction, width, canvas.glyphs);
	return [
		...paragraph('Planning: every value passes through its cast once; nothing is written.', canvas.width, 'strong'),
		blank,
		line(
			{ text: bar, tone: 'accent' },
			{ text: progress.fraction === null ? '' : formatPercent(progress.fraction), width: 7, align: 'right' },
		),
		line({ text: '-', tone: 'accent', spinner: true }, { text: ` ${progress.phase}`, tone: 'dim' }),
	];
}

function failedLines(error: RepotError, canvas: Canvas): readonly LineSpec[] {
	return [words('The dry run could not be made.', 'dim'), blank, ...errorLines(error.toJSON(), canvas.width)];
}
