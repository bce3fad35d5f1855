import { Box } from 'ink';
import { useLayoutEffect, useState } from 'react';
import { formatCommand } from '../../source/core/format.js';
import { passwordNote } from '../../source/core/headless-command.js';
import type { Binding, KeyLayer, KeyPress } from '../key-router.js';
import { blank, facts, type LineSpec, line, paragraph, words } from '../lines.js';
import { useCanvas, useShell } from '../shell-context.js';
import { type EnvironmentLabel, Header } from './header.js';
import { KeyBar } from './key-bar.js';
import { Line } from './line.js';
import { type RailStep, StepRail } from './step-rail.js';

interface FrameProps {
	readonly environment: EnvironmentLabel | null;
	readonly mode?: string | null;
	readonly ids?: string | null;
	readonly rail: readonly RailStep[];
	readonly body: readonly LineSpec[];
	readonly bindings: readonly Binding[];
	/** An open text field: takes keys before the bindings do. */
	readonly capture?: ((press: KeyPress) => boolean) | undefined;
	/** The headless twin of what this screen is about to do, without the program's name. */
	readonly command?: readonly string[] | undefined;
	/** Names the key of the headless command in the key bar, too. */
	readonly namesCommand?: boolean;
	/** What Ctrl+C does here. */
	readonly interrupt?: string;
}

type Overlay = 'none' | 'keys' | 'command';

/** What every screen is drawn in: header, step rail, body, key bar; it also lists all keys and shows the headless command. */
export function Frame({
	environment,
	mode,
	ids,
	rail,
	body,
	bindings,
	capture,
	command,
	namesCommand = false,
	interrupt = 'quit',
}: FrameProps) {
	const { copy } = useShell();
	const canvas = useCanvas();
	const [overlay, setOverlay] = useState<Overlay>('none');
	const [scroll, setScroll] = useState(0);
	const close: Binding = { keys: ['esc', 'enter', 'q', '?', 'y'], label: 'esc', does: 'close', run: () => setOverlay('none') };
	// A question that is answered with y leaves no key for the command.
	const free = bindings.some((binding) => binding.keys.includes('y')) ? undefined : command;
	const common = commonBindings(free, namesCommand, copy, setOverlay);
	const typing = capture !== undefined;
	const content = {
		none: body,
		keys: allKeys([...bindings, ...common], interrupt, canvas.width),
		command: headlessCommand(command ?? [], canvas.width),
	}[overlay];
	const fitted = fitBody(content, canvas.least, canvas.lines, scroll);
	const scrolling = fitted.last === 0 ? [] : scrollBindings(bindings, fitted, canvas.lines, setScroll);
	const all = typing ? [...scrolling, ...bindings] : [...bindings, ...scrolling, ...common];
	const shown = overlay === 'none' ? all : [...scrolling, close];
	useShownLayer({ bindings: shown, ...(typing && overlay === 'none' ? { capture } : {}) });

	const rule: LineSpec = { parts: [{ text: canvas.glyphs.rule.repeat(canvas.width), tone: 'dim' }] };
	const lines = fitted.lines.map((spec, row) => ({ key: `row ${row}`, spec }));
	return (
		<Box flexDirection="column">
			<Header environment={environment} mode={mode ?? null} ids={ids ?? null} />
			<StepRail steps={rail} />
			<Line {...rule} />
			{lines.map(({ key, spec }) => (
				<Line key={key} {...spec} />
			))}
			<Line {...rule} />
			<KeyBar bindings={shown} />
		</Box>
	);
}

function commonBindings(
	command: readonly string[] | undefined,
	namesCommand: boolean,
	copy: (text: string) => void,
	setOverlay: (overlay: Overlay) => void,
): readonly Binding[] {
	const copyCommand: readonly Binding[] =
		command === undefined
			? []
			: [
					{
						keys: ['y'],
						label: 'y',
						does: namesCommand ? 'command' : 'headless command',
						bar: namesCommand,
						run: () => {
							copy(formatCommand(['repot', ...command]));
							setOverlay('command');
						},
					},
				];
	return [...copyCommand, { keys: ['?'], label: '?', does: 'all keys', run: () => setOverlay('keys') }];
}

/** Registers the keys of what is on screen, before the next key can arrive. */
function useShownLayer(layer: KeyLayer): void {
	const { keys } = useShell();
	useLayoutEffect(() => {
		keys.show(layer);
		return () => keys.hide(layer);
	});
}

function allKeys(bindings: readonly Binding[], interrupt: string, width: number): readonly LineSpec[] {
	// A binding without a label is the second key of the one before.
	const named = bindings.filter(({ label }) => label !== '');
	const pairs = named.map((binding): readonly [string, string] => [binding.label, binding.does]);
	const list = facts([...pairs, ['ctrl+c', interrupt]], width);
	return [words('All keys of this screen', 'strong'), blank, ...list];
}

function headlessCommand(command: readonly string[], width: number): readonly LineSpec[] {
	const note = passwordNote(command);
	return [
		words('The same without the wizard', 'strong'),
		blank,
		...paragraph(formatCommand(['repot', ...command]), width, 'accent', 3),
		...(note === null ? [] : paragraph(note, width, 'dim', 3)),
		blank,
		words('Copied to the clipboard where the terminal allows it.', 'dim'),
	];
}

interface FittedBody {
	readonly lines: readonly LineSpec[];
	/** The line that is shown first, and the last that may be; both 0 when everything fits. */
	readonly first: number;
	readonly last: number;
}

/** Exactly as many lines as there is room for: filled with blank ones, or without its blank ones, or scrolled. */
function fitBody(body: readonly LineSpec[], least: number, most: number, scroll: number): FittedBody {
	const fill = Array.from({ length: Math.max(0, least - body.length) }, () => blank);
	if (body.length <= most) return { lines: [...body, ...fill], first: 0, last: 0 };
	const dense = body.filter((spec) => spec !== blank);
	if (dense.length <= most) return { lines: [...dense, ...Array.from({ length: most - dense.length }, () => blank)], first: 0, last: 0 };
	const shown = most - 1;
	const last = dense.length - shown;
	const first = Math.max(0, Math.min(last, scroll));
	const above = first > 0 ? `+${first} above  ` : '';
	const below = last > first ? `+${last - first} more lines: pgdn` : 'pgup goes back';
	return { lines: [...dense.slice(first, first + shown), line({ text: above + below, tone: 'dim' })], first, last };
}

/** Scrolls a body that does not fit, with the keys that the screen itself leaves free. */
function scrollBindings(
	taken: readonly Binding[],
	{ first, last }: FittedBody,
	lines: number,
	setScroll: (to: number) => void,
): readonly Binding[] {
	const to = (wanted: number) => () => setScroll(Math.max(0, Math.min(last, wanted)));
	const free = (keys: readonly string[]) => keys.filter((key) => !taken.some((binding) => binding.keys.includes(key)));
	const page = Math.max(1, lines - 2);
	return [
		{ keys: free(['pagedown']), label: 'pgdn', does: 'scroll down', run: to(first + page), bar: false },
		{ keys: free(['pageup']), label: 'pgup', does: 'scroll up', run: to(first - page), bar: false },
		{ keys: free(['down', 'j']), label: 'down', does: 'scroll down', run: to(first + 1), bar: false },
		{ keys: free(['up', 'k']), label: 'up', does: 'scroll up', run: to(first - 1), bar: false },
	].filter(({ keys }) => keys.length > 0);
}
