import type { WriteStream } from 'node:tty';
import { Observable } from '../screens/observable.js';
import type { WindowSize } from './app.js';

/** Ink compares the height of its frame with this; no frame is ever that tall. */
const tallerThanAnyFrame = 10_000;

/**
 * The stream as Ink sees it. Ink 6 erases the whole scrollback (`CSI 3 J`) when its last frame was as tall as the terminal, which also
 * happens when a window is made lower. The frame is kept below the terminal's height by the screens themselves, so Ink is not told the height.
 *
 * When a terminal is made narrower it breaks the lines that no longer fit; Ink erases as many lines as it drew and leaves the rest. The
 * stream remembers how wide the lines were and erases the rows that came of the breaking first.
 */
export function drawingStream(stream: WriteStream): WriteStream {
	let frame: readonly number[] = [];
	let drawnAt = columnsOf(stream);
	const remember = (chunk: unknown) => {
		if (typeof chunk !== 'string') return;
		const text = chunk.replace(sequences, '');
		if (!text.includes('\n')) return;
		frame = text.split('\n').map((line) => line.length);
		drawnAt = columnsOf(stream);
	};
	const write = (chunk: unknown, ...rest: unknown[]) => {
		remember(chunk);
		return Reflect.apply(stream.write, stream, [chunk, ...rest]);
	};
	const eraseBroken = () => {
		const columns = columnsOf(stream);
		const extra = columns < drawnAt ? brokenRows(frame, columns, stream.rows ?? 24) : 0;
		if (extra > 0) stream.write('\u001b[2K\u001b[1A'.repeat(extra));
		drawnAt = columns;
	};
	// Ink's own answer to a resize is to clear and draw what it drew last, at a size that it was not made for. The screens are told of
	// the size themselves and draw anew, so Ink need not hear of it.
	const on = (event: string, listener: () => void) => stream.on(event, event === 'resize' ? eraseBroken : listener);
	const off = (event: string, listener: () => void) => stream.off(event, event === 'resize' ? eraseBroken : listener);
	const own: Record<PropertyKey, unknown> = { write, on, off, rows: tallerThanAnyFrame };
	return new Proxy(stream, {
		get(target, name) {
			if (name in own) return own[name];
			const value: unknown = Reflect.get(target, name, target);
			return typeof value === 'function' ? value.bind(target) : value;
		},
	});
}

/** CSI and OSC sequences: they take no cell. */
const sequences = /\u001b\[[0-9;?]*[A-Za-z]|\u001b\][^\u0007]*\u0007/g;

function columnsOf(stream: WriteStream): number {
	return stream.columns > 0 ? stream.columns : 80;
}

/** Rows that a terminal of `columns` adds when it breaks lines of these widths; never more than it shows. */
export function brokenRows(widths: readonly number[], columns: number, rows: number): number {
	const added = widths.reduce((sum, width) => sum + Math.max(0, Math.ceil(width / Math.max(1, columns)) - 1), 0);
	return Math.min(added, Math.max(0, rows - 1));
}

/** The size of the terminal, kept up to date until `stop`. */
export function followSize(stream: WriteStream): { readonly now: Observable<WindowSize>; readonly stop: () => void } {
	const read = (): WindowSize => ({ columns: columnsOf(stream), rows: stream.rows > 0 ? stream.rows : 24 });
	const now = new Observable(read());
	const onResize = () => now.set(read());
	stream.on('resize', onResize);
	return { now, stop: () => stream.off('resize', onResize) };
}
