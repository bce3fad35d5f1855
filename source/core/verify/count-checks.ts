import type { CheckResult } from '../events.js';
import { formatCount } from '../format.js';
import type { CopyStep } from '../plan/types.js';
import type { Comparison } from '../ports.js';
import {
	type Check,
	type CheckContext,
	expectedRows,
	judge,
	keptWords,
	leftToNobody,
	placeOf,
	refusedByServer,
	rowsBeside,
} from './context.js';

/** Rows of every table: found in the target for this tenant against source less set aside. */
export const rowsCheck: Check = async (context) => {
	if (context.tables.length === 0) return skipped('rows', 'no tables in this plan');
	return countCheck('rows', context, context.tables);
};

/** The same for each collection, with the sample's vectors compared bit by bit and the records without one counted. */
export const vectorsCheck: Check = async (context) => {
	const { collections } = context;
	if (collections.length === 0) return skipped('vectors', 'no collection in this plan');
	const counted = await countCheck('vectors', context, collections);
	const bits = compareBits(context);
	const without = await countWithoutVector(context);
	const nulls = without.found === 0 && without.expected === 0 ? '' : `, ${formatCount(without.found)} without a vector`;
	return {
		...counted,
		result: bits.details.length > 0 || without.details.length > 0 ? 'fail' : counted.result,
		figures: `${counted.figures}, bit-exact ${formatCount(bits.exact)}/${formatCount(bits.compared)}${nulls}${keptWords(bits.kept)}`,
		data: {
			...counted.data,
			compared: bits.compared,
			exact: bits.exact,
			kept: bits.kept,
			...(nulls === '' ? {} : { withoutVector: without.found }),
		},
		details: [...counted.details, ...bits.details, ...without.details],
	};
};

interface Bits {
	/** Vectors, not the records that have none; a row that has one all the same is told in the details. */
	readonly compared: number;
	readonly exact: number;
	readonly kept: number;
	readonly details: readonly string[];
}

function compareBits({ collections, samples, plan, figures }: CheckContext): Bits {
	const sum = { compared: 0, exact: 0, kept: 0 };
	const details: string[] = [];
	for (const step of collections) {
		const sample = samples.find((candidate) => candidate.step.id === step.id);
		if (sample === undefined) continue;
		const { compared, wrong, kept } = judge(sample, plan, figures.run);
		const inexact = wrong.filter(
			(comparison) => comparison.state !== 'differs' || comparison.differences.some((difference) => difference.column === 'embedding'),
		);
		const hasVector = ({ withoutVector }: Comparison): boolean => withoutVector !== true;
		const vectors = compared.filter(hasVector).length;
		sum.compared += vectors;
		sum.exact += vectors - inexact.filter(hasVector).length;
		sum.kept += kept;
		if (inexact.length === 0) continue;
		const keys = inexact.slice(0, 5).map((comparison) => comparison.key.join(', '));
		details.push(`${collections.length === 1 ? '' : `${placeOf(step)}: `}vectors that differ from the source: ${keys.join('; ')}`);
	}
	return { ...sum, details };
}

/** Rows with NULL for a vector: as many as records lack one. Rows that were there before, or came since, may lack theirs too. */
async function countWithoutVector(
	context: CheckContext,
): Promise<{ readonly found: number; readonly expected: number; readonly details: readonly string[] }> {
	const sum = { found: 0, expected: 0 };
	const details: string[] = [];
	for (const step of context.collections) {
		const found = (await context.count(step)).withoutVector ?? 0;
		const expected = step.withoutVector ?? 0;
		sum.found += found;
		sum.expected += expected;
		const others = step.state.tenantRowsBefore > 0 || !context.figures.fresh;
		const fewer = refusedByServer(step, context.figures) + (context.plan.policies.onConflict === 'skip' ? step.state.differing : 0);
		if ((found > expected && !others) || found < expected - fewer)
			details.push(`${placeOf(step)}: ${formatCount(found)} rows without a vector, ${formatCount(expected)} expected`);
	}
	return { ...sum, details };
}

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
			details.push(`${placeOf(step)}: ${count.tenantRows - expected} rows of this user were added by others since the run`);
		} else if (count.tenantRows !== expected) {
			failed = true;
			details.push(
				`${placeOf(step)}: ${formatCount(count.tenantRows)} rows of this user, ${formatCount(expected)} expected`,
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
		: [`missing in ${placeOf(step)}: ${missing.slice(0, 5).join('; ')}`, 'Run repot migrate again: it copies what is missing'];
}
