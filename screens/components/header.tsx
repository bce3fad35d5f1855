import { textWidth } from '../../source/core/text-width.js';
import type { Part } from '../lines.js';
import { useCanvas, useShell } from '../shell-context.js';
import { Line } from './line.js';

export interface EnvironmentLabel {
	readonly name: string;
	readonly protected: boolean;
}

interface HeaderProps {
	readonly environment: EnvironmentLabel | null;
	/** What this screen may do, e.g. `DRY RUN - nothing has been written`. */
	readonly mode: string | null;
	/** Ids and times, set right when there is room. */
	readonly ids: string | null;
}

/** Line 1: the tool, the environment as a word, the mode, the ids. */
export function Header({ environment, mode, ids }: HeaderProps) {
	const { version } = useShell();
	const { width } = useCanvas();
	const parts: Part[] = [
		{ text: ' repot', tone: 'strong' },
		{ text: ` ${version}`, tone: 'dim' },
	];
	if (environment !== null) {
		parts.push({ text: '   ' });
		parts.push(
			environment.protected ? { text: `${environment.name} ! PROTECTED`, tone: 'bad' } : { text: environment.name, tone: 'accent' },
		);
	}
	if (mode !== null) {
		const taken = parts.reduce((sum, part) => sum + textWidth(part.text), 0);
		// `DRY RUN - nothing has been written`: the word alone where the line is short.
		const [word = mode] = mode.split(' - ');
		parts.push({ text: '   ' }, { text: taken + 3 + textWidth(mode) <= width ? mode : word });
	}
	return <Line parts={parts} right={ids === null ? [] : [{ text: ids, tone: 'dim' }]} />;
}
