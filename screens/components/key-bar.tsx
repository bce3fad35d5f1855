import { textWidth } from '../../source/core/text-width.js';
import type { Binding } from '../key-router.js';
import type { Part } from '../lines.js';
import { useCanvas } from '../shell-context.js';
import { Line } from './line.js';

/** The last line: as many keys as fit, in the order given; the last one (all keys) always. */
export function KeyBar({ bindings }: { readonly bindings: readonly Binding[] }) {
	const { width } = useCanvas();
	const wanted = bindings.filter((binding) => binding.bar !== false);
	const roomy = fittingKeys(wanted, width, 3);
	const gap = roomy.length === wanted.length ? 3 : 2;
	const shown = gap === 3 ? roomy : fittingKeys(wanted, width, gap);
	const parts = shown.flatMap((binding, index): Part[] => [
		{ text: ' '.repeat(index === 0 ? 1 : gap) },
		{ text: binding.label, tone: 'strong' },
		{ text: ` ${binding.does}`, tone: 'dim' },
	]);
	return <Line parts={parts} />;
}

function fittingKeys(bindings: readonly Binding[], width: number, gap: number): readonly Binding[] {
	const cells = (binding: Binding) => gap + textWidth(`${binding.label} ${binding.does}`);
	const last = bindings.at(-1);
	if (last === undefined) return [];
	// The first one stands one cell from the edge instead of a gap from its neighbour.
	let room = width - cells(last) + gap - 1;
	const shown: Binding[] = [];
	for (const binding of bindings.slice(0, -1)) {
		room -= cells(binding);
		if (room < 0) break;
		shown.push(binding);
	}
	return [...shown, last];
}
