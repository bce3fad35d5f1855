/** The other readings of a plan: its hazards and its DDL. Pure. */

import { formatCount } from '../source/core/format.js';
import type { Hazard, Plan, Severity } from '../source/core/plan/types.js';
import { cutText, wrapText } from '../source/core/text-width.js';
import { blank, type LineSpec, line } from './lines.js';
import { markTone, severityMark } from './plan-rows.js';

const rank: Record<Severity, number> = { block: 0, warn: 1, info: 2 };

/** Worst first; each with its place, its count, the keys of a sample and what to do. */
export function hazardLines(plan: Plan, width: number): readonly LineSpec[] {
	const sorted = [...plan.hazards].sort((left, right) => rank[left.severity] - rank[right.severity]);
	if (sorted.length === 0) return [line({ text: 'ok ', tone: 'good' }, { text: 'Nothing to look at: every value passed its cast.' })];
	return sorted.flatMap((hazard) => [...hazardBlock(hazard, width), blank]).slice(0, -1);
}

function hazardBlock(hazard: Hazard, width: number): readonly LineSpec[] {
	const mark = severityMark[hazard.severity];
	const place = [hazard.step ?? 'plan', hazard.column].filter((part) => part !== undefined).join('.');
	const word = hazard.severity === 'block' ? 'BLOCKS' : hazard.severity === 'warn' ? 'LOOK' : 'note';
	const told = (text: string, tone: 'plain' | 'dim', label: string) =>
		wrapText(text, width - 12).map((wrapped, index) =>
			line({ text: index === 0 ? label : '', width: 9, tone: 'dim' }, { text: wrapped, tone }),
		);
	return [
		line(
			{ text: `${mark} ${word}`, tone: markTone[mark], width: 9 },
			{ text: place, tone: 'strong' },
			{ text: `   ${formatCount(hazard.count)} x ${hazard.code}`, tone: 'dim' },
		),
		...told(hazard.message, 'plain', ''),
		...(hazard.sample.length === 0 ? [] : told(keysOf(hazard), 'dim', '  keys')),
		...(hazard.hint === undefined ? [] : told(hazard.hint, 'plain', '  next')),
	];
}

/** A plan may name thousands of records; the rest stand in the quarantine. */
const shownKeys = 20;
/** An id may be as long as a document. */
const keyWidth = 60;

const keysOf = ({ sample, count }: Hazard): string => {
	const shown = sample.slice(0, shownKeys).map((key) => cutText(key, keyWidth, 'middle', '...'));
	return [...shown, ...(count > shown.length ? ['...'] : [])].join('  ');
};

/** The statements in the order in which they will run; those that the target does not need are said so. */
export function ddlLines(plan: Plan, width: number): readonly LineSpec[] {
	const steps = plan.steps.filter((step) => step.kind === 'schema');
	if (steps.length === 0) return [line({ text: 'No DDL: existing tables are used.', tone: 'dim' })];
	return steps
		.flatMap((step): readonly LineSpec[] => [
			line({
				text: `-- ${step.phase} the copy: ${step.what} ${step.object}${step.needed ? '' : ' (already there, skipped)'}`,
				tone: 'dim',
			}),
			...step.sql
				.split('\n')
				.flatMap((sql) => wrapSql(sql, width - 2))
				.map((sql) => line({ text: sql, tone: step.needed ? 'plain' : 'dim' })),
			blank,
		])
		.slice(0, -1);
}

/** Keeps the indentation of the statement when its lines are broken. */
function wrapSql(sql: string, width: number): readonly string[] {
	const indent = /^\s*/.exec(sql)?.[0].replaceAll('\t', '  ') ?? '';
	return wrapText(sql.trim(), Math.max(20, width - indent.length - 2)).map((part, index) => `${indent}${index === 0 ? '' : '  '}${part}`);
}
