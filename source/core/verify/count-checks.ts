import type { CheckResult } from '../events.js';
import { formatCount } from '../format.js';
import type { CopyStep } from '../plan/types.js';
import { type Check, type CheckContext, expectedRows, judge, keptWords, leftToNobody, rowsBeside } from './context.js';

/** Rows of every table: found in the target for this tenant against source less set aside. */
export const rowsCheck: Check = async (context) => {
	if (context.tables.length === 0) return skipped('rows', 'no tables in this plan');
	return countCheck('rows', context, context.tables);
};

/** The same for vectors, with the sample's vectors compared bit by bit. */
export const vectorsCheck: Check = async (context) => {
	if (context.vectors === null) return skipped('vectors', 'no collection in this plan');
	const counted = await countCheck('vectors', context, [context.vectors]);
	const sample = context.samples.find((candidate) => candidate.step.id === context.vectors?.id);
	if (sample === undefined) return counted;
	const { compared, wrong, kept } = judge(sample, context.plan, context.figures.run);
	const inexact = wrong.filter(
		(comparison) => comparison.state !== 'differs' || comparison.differences.some((difference) => difference.column === 'embedding'),
	);
	const exact = compared.length - inexact.length;
	return {
		...counted,
		result: inexact.length > 0 ? 'fail' : counted.result,
		figures: `${counted.figures}, bit-exact ${formatCount(exact)}/${formatCount(compared.length)}${keptWords(kept)}`,
		data: { ...counted.data, compared: compared.length, exact, kept },
		details: [
			...counted.details,
			...(inexact.length > 0
				? [
						`vectors that differ from the source: ${inexact
							.slice(0, 5)
							.map((comparison) => comparison.key.join(', '))
							.join('; ')}`,
					]
				: []),
		],
	};
};

export const skipped = (name: CheckResult['name'], why: string): CheckResult => ({
	name,
	result: 'skipped',
	figures: why,
	data: {},
	details: [],
});

async function countCheck(name: 'rows' | 'vectors', context: CheckContext, steps: readonly CopyStep[]): Promise<CheckResult> {
	const details: string[] = [];
	const tables: Record<string, unknown> = {};
	let found = 0;
	let source = 0;
	let setAside = 0;
	let before = 0;
	let nobodys = 0;
	let added = 0;
	let failed = false;
	for (const step of steps) {
		const count = await context.count(step);
		const expected = expectedRows(step, context.figures);
		const aside = context.figures.setAside[step.id] ?? step.rejected;
		const there = rowsBeside(step);
		found += count.tenantRows;
		source += step.rows;
		setAside += aside;
		before += there;
		nobodys += leftToNobody(step);
		tables[step.id] = { source: step.rows, setAside: aside, before: there, expected, found: count.tenantRows };
		if (count.tenantRows > expected && !context.figures.fresh) {
			added += count.tenantRows - expected;
			details.push(`${step.table}: ${count.tenantRows - expected} rows of this user were added by others since the run`);
		} else if (count.tenantRows !== expected) {
			failed = true;
			details.push(
				`${step.table}: ${formatCount(count.tenantRows)} rows of this user, ${formatCount(expected)} expected`,
				...(await missingKeys(context, step)),
			);
		}
	}
	const parts = [
		`${formatCount(found)} ${failed ? 'found' : '='} ${formatCount(source)}`,
		...(setAside > 0 ? [`- ${formatCount(setAside)} set aside`] : []),
		...(before > 0 ? [`+ ${formatCount(before)} there before`] : []),
		...(nobodys > 0 ? [`- ${formatCount(nobodys)} left to nobody`] : []),
		...(added > 0 ? [`+ ${formatCount(added)} added since`] : []),
	];
	return {
		name,
		result: failed ? 'fail' : 'pass',
		figures: failed ? `${formatCount(found)} found, ${formatCount(source - setAside + before - nobodys)} expected` : parts.join(' '),
		data: { tables },
		details,
	};
}

/** Names keys of the source that the target lacks: only when the counts differ, because it reads everything. */
async function missingKeys(context: CheckContext, step: CopyStep): Promise<string[]> {
	const missing: string[] = [];
	for await (const records of context.source.records(step, null, context.signal)) {
		for (const comparison of await context.target.compare(step, context.plan.tenant.value, records, context.signal)) {
			if (comparison.state === 'absent') missing.push(comparison.key.join(', '));
		}
		if (missing.length >= 5) break;
	}
	return missing.length === 0
		? ['every key of the source is there: the surplus was written by someone else']
		: [`missing in ${step.table}: ${missing.slice(0, 5).join('; ')}`, 'Run repot migrate again: it copies what is missing'];
}
