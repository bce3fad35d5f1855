import { createContext, useContext } from 'react';
import type { Clock } from '../source/core/ports.js';
import type { KeyRouter } from './key-router.js';
import { type Glyphs, glyphsFor } from './theme.js';

/** What every screen may ask of the shell around it. */
export interface Shell {
	readonly version: string;
	readonly columns: number;
	readonly rows: number;
	readonly unicode: boolean;
	readonly colour: boolean;
	readonly clock: Clock;
	readonly keys: KeyRouter;
	/** Puts text on the clipboard where the terminal allows it (OSC 52). */
	readonly copy: (text: string) => void;
	/** Opens a file with whatever this computer opens it with; false: there is nothing that does. */
	readonly open: (path: string) => Promise<boolean>;
	readonly quit: () => void;
}

export const ShellContext = createContext<Shell | null>(null);

export function useShell(): Shell {
	const shell = useContext(ShellContext);
	if (shell === null) throw new Error('A screen was mounted without its shell');
	return shell;
}

/** Smallest terminal that the screens are drawn for. */
export const leastColumns = 60;
export const leastRows = 15;

/** Lines that the frame itself takes: header, rail, two rules, key bar. */
const chromeLines = 5;
/** Wider than this, lines are hard to follow. */
const widestFrame = 120;
/** What most terminals show anyway: keeps the key bar in one place from screen to screen. */
const usualBody = 18;

export interface FrameSize {
	/** Cells a line may take. One column stays free, so that a full line never wraps. */
	readonly width: number;
	/** Lines the body may take: the whole frame stays below the terminal's height, otherwise Ink would erase the scrollback. */
	readonly lines: number;
	/** Lines the body takes at least. */
	readonly least: number;
}

export function frameSize(columns: number, rows: number): FrameSize {
	const lines = Math.max(1, rows - 1 - chromeLines);
	return { width: Math.max(20, Math.min(columns - 1, widestFrame)), lines, least: Math.min(lines, usualBody) };
}

/** What the lines of a body are made for. */
export interface Canvas extends FrameSize {
	readonly glyphs: Glyphs;
	readonly colour: boolean;
}

export function useCanvas(): Canvas {
	const { columns, rows, unicode, colour } = useShell();
	return { ...frameSize(columns, rows), glyphs: glyphsFor(unicode), colour };
}
