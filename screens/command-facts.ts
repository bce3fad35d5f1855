import { formatCommand } from '../source/core/format.js';
import { passwordNote } from '../source/core/headless-command.js';
import type { Tone } from './theme.js';

/** A command (without the program's name) under its label, and under it what has to be said where its URL lost a password. */
export function commandFacts(label: string, command: readonly string[], tone?: Tone): readonly (readonly [string, string, Tone?])[] {
	const note = passwordNote(command);
	const said = formatCommand(['repot', ...command]);
	return [tone === undefined ? [label, said] : [label, said, tone], ...(note === null ? [] : [['', note, 'dim'] as const])];
}
