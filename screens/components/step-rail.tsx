import { textWidth } from '../../source/core/text-width.js';
import type { Part } from '../lines.js';
import { useCanvas } from '../shell-context.js';
import { Line } from './line.js';

export interface RailStep {
	readonly label: string;
	readonly state: 'done' | 'current' | 'ahead';
}

/** Where the operator is: the current step in parentheses; where the line is short, only that one is spelled out. */
export function StepRail({ steps }: { readonly steps: readonly RailStep[] }) {
	const { width } = useCanvas();
	const full = railParts(steps, false);
	const fits = full.reduce((sum, part) => sum + textWidth(part.text), 0) <= width;
	return <Line parts={fits ? full : railParts(steps, true)} />;
}

function railParts(steps: readonly RailStep[], short: boolean): readonly Part[] {
	return steps.map((step, index): Part => {
		const number = String(index + 1);
		if (step.state === 'current') return { text: ` (${number}) ${step.label} `, tone: 'accent' };
		return { text: short ? ` ${number} ` : ` ${number} ${step.label} `, tone: step.state === 'done' ? 'plain' : 'dim' };
	});
}
