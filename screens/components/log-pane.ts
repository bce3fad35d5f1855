import { formatTimeOfDay } from '../../source/core/format.js';
import type { LogEntry, LogKind } from '../../source/core/run-state.js';
import { textWidth } from '../../source/core/text-width.js';
import { type LineSpec, line } from '../lines.js';
import type { Tone } from '../theme.js';

const toneOf: Record<LogKind, Tone> = {
	step: 'dim',
	quarantine: 'warn',
	retry: 'warn',
	slowed: 'warn',
	notice: 'plain',
	check: 'plain',
	run: 'dim',
};

/** Notable events, newest last, with the time of day and the step they belong to. */
export function logLines(entries: readonly LogEntry[], height: number, width = 80): readonly LineSpec[] {
	if (height <= 0) return [];
	const shown = entries.slice(-height);
	const widest = Math.max(16, Math.floor(width / 3));
	const stepWidth = Math.min(widest, Math.max(0, ...shown.map((entry) => textWidth(entry.label ?? ''))));
	return shown.map((entry) =>
		line(
			{ text: `${formatTimeOfDay(entry.at)} `, tone: 'dim' },
			...(stepWidth === 0
				? []
				: [{ text: entry.label ?? '', tone: 'dim' as const, width: stepWidth, cut: 'middle' as const }, { text: '  ' }]),
			{ text: entry.text, tone: toneOf[entry.kind] },
		),
	);
}
