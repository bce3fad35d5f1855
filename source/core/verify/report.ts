import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CheckResult, RunOutcome } from '../events.js';
import { formatCount } from '../format.js';
import { makeFolders } from '../make-folders.js';
import type { CastName } from '../mapping/cast-names.js';
import { setAsideWords } from '../outcome-words.js';
import { type CopyStep, isCopyStep, type Plan } from '../plan/types.js';
import type { RunFolder } from '../ports.js';

export interface Report {
	/** Null for a stand-alone verification without a run. */
	readonly run: string | null;
	readonly plan: Plan;
	readonly checks: readonly CheckResult[];
	readonly totals: { readonly written: number; readonly quarantined: number; readonly skipped: number };
	readonly outcome: RunOutcome;
	/** Milliseconds since the epoch. */
	readonly at: number;
}

const words: Record<CheckResult['result'], string> = { pass: 'PASS', fail: 'FAIL', skipped: 'not run' };

/** A cell of a Markdown table: a pipe or newline in a value must not break it. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
	[head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

export function verdict(checks: readonly CheckResult[]): string {
	const failed = checks.filter((check) => check.result === 'fail').length;
	if (failed > 0) return `${failed} ${failed === 1 ? 'CHECK FAILS' : 'CHECKS FAIL'}`;
	return checks.length === 0 ? 'NOT VERIFIED' : 'ALL CHECKS PASS';
}

/** Records set aside are said as loudly as what the checks found. */
function headline({ checks, totals }: Report): string {
	const aside = setAsideWords(totals)?.toUpperCase();
	if (aside === undefined) return verdict(checks);
	const word = verdict(checks);
	return `${word === 'ALL CHECKS PASS' ? 'CHECKS PASS' : word}, ${aside}`;
}

const sum = (copies: readonly CopyStep[], pick: (step: CopyStep) => number): number =>
	copies.reduce((total, step) => total + pick(step), 0);

/** The report for people. */
export function reportMarkdown(report: Report): string {
	const { plan, checks, totals } = report;
	const copies = plan.steps.filter(isCopyStep);
	const left = plan.policies.onConflict === 'skip' ? sum(copies, (step) => step.state.differing) : 0;
	const sections = [
		`# Migration report${report.run === null ? '' : `: run ${report.run}`}`,
		`**${headline(report)}**`,
		table(
			['', ''],
			[
				['Environment', plan.environment],
				[
					'Target',
					`${plan.target.label} (PostgreSQL ${plan.target.serverVersion}, pgvector ${plan.target.pgvectorVersion ?? 'created by the run'})`,
				],
				...(plan.sources.sqlite === undefined ? [] : [['SQLite', plan.sources.sqlite.path]]),
				...(plan.sources.chroma === undefined ? [] : [['Chroma', plan.sources.chroma.path]]),
				[plan.tenant.column, plan.tenant.value],
				['Plan', plan.id],
				['Written', `${formatCount(totals.written)} records`],
				['Set aside', totals.quarantined === 0 ? 'none' : `${formatCount(totals.quarantined)} records, see quarantine.jsonl`],
				['Already there with the same values', formatCount(sum(copies, (step) => step.state.equal))],
				...(left === 0 ? [] : [['Left as the target has them', `${formatCount(left)} records (--on-conflict skip)`]]),
				['Time of this report', new Date(report.at).toISOString()],
			],
		),
		'## Checks',
		table(
			['Check', 'Result', 'Figures'],
			checks.map((check) => [check.name, words[check.result], check.figures]),
		),
		...checks
			.filter((check) => check.details.length > 0)
			.map((check) => [`### ${check.name}`, ...check.details.map((detail) => `- ${detail}`)].join('\n')),
		'## Steps',
		table(
			['Step', 'Table', 'Source records', 'Set aside by plan', 'Already there', 'Bytes'],
			copies.map((step) => [
				step.id,
				step.table,
				formatCount(step.rows),
				formatCount(step.rejected),
				formatCount(step.state.equal),
				formatCount(step.bytes),
			]),
		),
	];
	sections.push(...collectionSection(copies));
	if (plan.hazards.length > 0) {
		sections.push(
			'## What the plan told beforehand',
			table(
				['Severity', 'Code', 'Where', 'Count', 'What'],
				plan.hazards.map((hazard) => [
					hazard.severity,
					hazard.code,
					[hazard.step, hazard.column].filter((part) => part != null).join('.'),
					formatCount(hazard.count),
					hazard.message,
				]),
			),
		);
	}
	if (report.run !== null) sections.push('## Undo', `\`repot rollback ${report.run}\` removes exactly what this run wrote.`);
	return `${sections.join('\n\n')}\n`;
}

const idRules: Readonly<Partial<Record<CastName, string>>> = { 'prefixed-id': 'COLLECTION/ID', 'uuid-id': 'UUIDv5 of collection and id' };

function collectionSection(copies: readonly CopyStep[]): string[] {
	const rows = copies.flatMap(({ source, collection, columns, withoutVector }) =>
		source.kind === 'chroma' && collection !== undefined
			? [
					[
						source.collection,
						collection.name,
						collection.uuid,
						source.dimension === null ? '-' : String(source.dimension),
						source.space,
						idRules[columns.find(({ name }) => name === 'id')?.cast ?? 'text'] ?? 'as in Chroma',
						collection.indexedAs === undefined ? 'embedding' : `embedding::${collection.indexedAs}`,
						formatCount(withoutVector ?? 0),
					],
				]
			: [],
	);
	if (rows.length === 0) return [];
	return ['## Collections', table(['Chroma', 'langchain', 'uuid', 'Dimensions', 'Metric', 'Ids', 'Searched by', 'Without a vector'], rows)];
}

/** The same for machines. */
function reportJson(report: Report): string {
	const { plan, at, ...rest } = report;
	return `${JSON.stringify({ format: 1, verdict: verdict(report.checks), at: new Date(at).toISOString(), ...rest, totals: { written: rest.totals.written, quarantined: rest.totals.quarantined, skipped: rest.totals.skipped }, plan }, null, 2)}\n`;
}

/**
 * Writes both forms into the run's folder, and the Markdown where the operator asked for it. A migration that is complete does not fail for
 * a report that cannot be written there: that is a problem to tell.
 */
export async function writeReport(
	report: Report,
	folder: RunFolder,
	output: string | null,
): Promise<{ readonly files: string[]; readonly problem: string | null }> {
	const markdown = reportMarkdown(report);
	const files = [await folder.write('report.md', markdown), await folder.write('report.json', reportJson(report))];
	if (output === null) return { files, problem: null };
	try {
		makeFolders(dirname(resolve(output)));
		await writeFile(output, markdown, { mode: 0o600 });
		return { files: [...files, output], problem: null };
	} catch (thrown) {
		return { files, problem: `the report could not be written to ${output}: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
	}
}
