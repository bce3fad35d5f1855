/** The end of a run, as lines for the summary screen and as plain text for the terminal afterwards. Pure. */

import type { ErrorFact } from '../source/core/errors.js';
import { formatQuantity } from '../source/core/format.js';
import { skippedWords } from '../source/core/outcome-words.js';
import type { RunState } from '../source/core/run-state.js';
import { textWidth, wrapText } from '../source/core/text-width.js';
import { commandFacts } from './command-facts.js';
import { tableLines } from './components/data-table.js';
import { errorLines } from './components/error-panel.js';
import { blank, facts, type LineSpec, line, paragraph, plainText } from './lines.js';
import { checkWords, headlineOf } from './run-words.js';
import { rollbackCommand } from './same-flags.js';
import type { Tone } from './theme.js';

/** `finished`, `checked`, `stopped` or `failed`. */
export function summaryVerdict(state: RunState): string {
	if (state.outcome === 'interrupted') return 'stopped';
	if (state.checksOnly && state.outcome !== 'failed' && state.outcome !== 'nothing-to-do') return 'checked';
	return state.outcome === 'failed' ? 'failed' : 'finished';
}

export interface SummaryFacts {
	readonly state: RunState;
	readonly failure: ErrorFact | null;
	/** The run was undone since, so that nobody is sent to undo it again. */
	readonly undone: boolean;
	/** The headless command of the run: further commands need its flags again. */
	readonly command: readonly string[];
}

export function summaryLines({ state, failure, undone, command }: SummaryFacts, width: number): readonly LineSpec[] {
	const error = failure ?? state.error;
	return [
		...verdictLines(state, width),
		blank,
		...(error === null ? [] : [...errorLines(error, width), blank]),
		...checkLines(state, width),
		...fileLines(state, width, undone, command),
	];
}

function verdictLines(state: RunState, width: number): readonly LineSpec[] {
	const headline = headlineOf(state);
	if (headline === null) return [line({ text: 'The run did not begin. Nothing was written.', tone: 'strong' })];
	const counts = [
		state.checksOnly ? 'nothing written' : formatQuantity(state.written, 'record written', 'records written'),
		...skippedWords(state),
	].join(', ');
	const isShort = textWidth(headline.text) + textWidth(counts) + 4 <= width;
	return isShort
		? [line({ ...headline }, { text: `   ${counts}` })]
		: [...paragraph(headline.text, width, headline.tone), ...paragraph(counts, width)];
}

/** Where the figures begin: after the pointer, the longest name of a check and the longest result. */
const figuresAt = 3 + 9 + 9;

function checkLines(state: RunState, width: number): readonly LineSpec[] {
	if (state.checks.length === 0) return [];
	const rows = state.checks.map((check) => {
		const [figures = '', ...more] = wrapText(check.figures, Math.max(20, width - figuresAt));
		return {
			cells: [check.name, checkWords[check.result], figures],
			under: [
				...more.map((text): LineSpec => ({ parts: [{ text: ' '.repeat(figuresAt) }, { text }] })),
				...(check.result !== 'fail' ? [] : check.details.flatMap((detail) => paragraph(detail, width - 8, 'plain', 8))),
			],
		};
	});
	const columns = [{ title: 'CHECK' }, { title: 'RESULT' }, { title: 'FIGURES', least: 20 }];
	return [...tableLines({ columns, rows, width, cursor: null }), blank];
}

function fileLines(state: RunState, width: number, undone: boolean, command: readonly string[]): readonly LineSpec[] {
	const [first, ...others] = state.files;
	const pairs: (readonly [string, string, Tone?])[] = [
		...(first === undefined ? [] : [['Report', first] as const]),
		...others.map((path) => ['', path] as const),
		...(state.run !== null && state.written > 0
			? undone
				? [['Undo', 'done, see history'] as const]
				: commandFacts('Undo', rollbackCommand(state.run, command))
			: []),
		...(state.outcome === 'interrupted' || state.outcome === 'failed'
			? [['Next', 'the same command resumes where it stopped; nothing is written twice'] as const]
			: []),
	];
	return facts(pairs, width);
}

/** What stays on the terminal after the wizard closed: plain text, the verdict first. */
export function closingLines(facts: SummaryFacts, width: number): readonly string[] {
	return plainText(summaryLines(facts, width)).split('\n');
}
