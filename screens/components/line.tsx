import { Text } from 'ink';
import Spinner from 'ink-spinner';
import { cutText, fitText, textWidth } from '../../source/core/text-width.js';
import type { LineSpec, Part } from '../lines.js';
import { useCanvas } from '../shell-context.js';
import { type Tone, toneProps } from '../theme.js';

/** One line, cut to the frame's width; never wraps, never empty (an empty text would take no line at all). */
export function Line({ parts, right }: LineSpec) {
	const { width, glyphs } = useCanvas();
	const laid = layParts(parts, right ?? [], width, glyphs.ellipsis);
	if (laid.length === 0) return <Text> </Text>;
	return (
		<Text wrap="truncate-end">
			{laid.map((part) => (
				<Text key={part.key} {...toneProps(part.tone)}>
					{part.spinner ? <Spinner type={glyphs.spinner} /> : part.text}
				</Text>
			))}
		</Text>
	);
}

interface LaidPart {
	readonly key: string;
	readonly text: string;
	readonly tone: Tone | undefined;
	readonly spinner: boolean;
}

function layParts(parts: readonly Part[], right: readonly Part[], width: number, ellipsis: string): readonly LaidPart[] {
	const laid: LaidPart[] = [];
	let room = width;
	const lay = (part: Part) => {
		if (room <= 0 || part.text === '') return;
		const text = layPart(part, room, ellipsis);
		room -= textWidth(text);
		laid.push({ key: String(laid.length), text, tone: part.tone, spinner: part.spinner === true });
	};
	const rightWidth = right.reduce((sum, part) => sum + (part.width ?? textWidth(part.text)), 0);
	for (const part of parts) lay(part.text === '' && part.width !== undefined ? { ...part, text: ' ' } : part);
	if (rightWidth > 0 && rightWidth + 2 <= room) {
		lay({ text: ' ', width: room - rightWidth });
		for (const part of right) lay(part);
	}
	return laid;
}

function layPart(part: Part, room: number, ellipsis: string): string {
	const { align, cut, width } = part;
	if (width === undefined) return cutText(part.text, room, cut, ellipsis);
	return fitText(part.text, Math.min(width, room), {
		ellipsis,
		...(align === undefined ? {} : { align }),
		...(cut === undefined ? {} : { cut }),
	});
}
