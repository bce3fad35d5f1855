import { formatCount } from '../format.js';
import type { CopyStep, Plan } from '../plan/types.js';
import type { Check } from './context.js';
import { judge, keptWords, placeOf, refusedByServer, unownedBefore } from './context.js';
import { skipped } from './count-checks.js';

/** No row without a tenant but those that were there before, and no row of this run with another one. */
export const tenantCheck: Check = async (context) => {
	const steps = [...context.tables, ...context.collections];
	let missing = 0;
	let before = 0;
	let foreign = 0;
	const details: string[] = [];
	for (const step of steps) {
		const count = await context.count(step);
		const surplus = Math.max(0, count.missingTenant - unownedBefore(step));
		missing += surplus;
		before += count.missingTenant - surplus;
		foreign += count.foreignInRun ?? 0;
		if (surplus > 0) details.push(`${placeOf(step)}: ${surplus} rows without ${context.plan.tenant.column}`);
		if ((count.foreignInRun ?? 0) > 0)
			details.push(`${placeOf(step)}: ${count.foreignInRun} rows of this run belong to another ${context.plan.tenant.column}`);
	}
	const foreignInSample = context.samples.flatMap((sample) =>
		sample.comparisons.filter((comparison) => comparison.state === 'other-tenant'),
	);
	foreign += foreignInSample.length;
	for (const comparison of foreignInSample.slice(0, 5))
		details.push(`key ${comparison.key.join(', ')} belongs to another ${context.plan.tenant.column}`);
	return {
		name: 'tenant',
		result: missing + foreign === 0 ? 'pass' : 'fail',
		figures: `${formatCount(missing)} null, ${formatCount(foreign)} foreign user ids${before === 0 ? '' : `, ${formatCount(before)} null there before`}`,
		data: { missing, foreign, before },
		details,
	};
};

/** `jsonb_typeof` of every row as the source's text says, and the sample equal in value. */
export const jsonbCheck: Check = async (context) => {
	const details: string[] = [];
	let rows = 0;
	let columns = 0;
	const types: Record<string, unknown> = {};
	const steps = [...context.tables, ...context.collections];
	for (const step of steps) {
		for (const column of step.columns.filter((candidate) => candidate.targetType === 'jsonb')) {
			columns++;
			const found = await context.target.jsonTypes(step, column.name, context.plan.tenant.value);
			const expected = column.jsonTypes ?? {};
			types[`${placeOf(step)}.${column.name}`] = { expected, found };
			rows += Object.values(found).reduce((sum, count) => sum + count, 0);
			details.push(
				...typeDifferences(`${placeOf(step)}.${column.name}`, expected, found, {
					more: step.state.tenantRowsBefore > 0 || !context.figures.fresh,
					fewer: refusedByServer(step, context.figures) + keptByPolicy(context.plan, step),
				}),
			);
		}
	}
	if (columns === 0) return skipped('jsonb', 'no jsonb columns in this plan');
	let compared = 0;
	let kept = 0;
	let differ = 0;
	for (const sample of context.samples) {
		const names = sample.step.columns.filter((column) => column.targetType === 'jsonb').map((column) => column.name);
		if (names.length === 0) continue;
		const judged = judge(sample, context.plan, context.figures.run);
		kept += judged.kept;
		compared += judged.compared.length * names.length;
		for (const comparison of judged.wrong) {
			for (const difference of comparison.differences.filter((candidate) => names.includes(candidate.column))) {
				differ++;
				if (differ <= 5)
					details.push(
						`${placeOf(sample.step)} ${comparison.key.join(', ')} ${difference.column}: ${difference.found} instead of ${difference.expected}`,
					);
			}
		}
	}
	return {
		name: 'jsonb',
		result: details.length === 0 ? 'pass' : 'fail',
		figures: `${formatCount(rows)} of the expected type, ${formatCount(compared - differ)}/${formatCount(compared)} equal in value${keptWords(kept)}`,
		data: { types, compared, differ, kept },
		details,
	};
};

/** Records that the casts accept and whose values are not in the target by the policy `skip`. */
const keptByPolicy = ({ policies }: Plan, { state }: CopyStep): number =>
	policies.onConflict === 'skip' ? state.differing + (state.clashing ?? 0) : 0;

/**
 * Where the target held rows of this tenant before, more of a type than the source has is no fault; fewer is, unless the server refused
 * that many records.
 */
function typeDifferences(
	place: string,
	expected: Readonly<Record<string, number>>,
	found: Readonly<Record<string, number>>,
	allowed: { readonly more: boolean; readonly fewer: number },
): string[] {
	let fewer = allowed.fewer;
	return [...new Set([...Object.keys(expected), ...Object.keys(found)])].flatMap((type) => {
		const want = expected[type] ?? 0;
		const have = found[type] ?? 0;
		if (have === want || (allowed.more && have > want)) return [];
		if (have < want && want - have <= fewer) {
			fewer -= want - have;
			return [];
		}
		return [`${place}: ${have} rows of type ${type}, ${want} expected`];
	});
}

/** Every field of the sample. */
export const fieldsCheck: Check = async (context) => {
	let rows = 0;
	let fields = 0;
	let kept = 0;
	let differ = 0;
	const details: string[] = [];
	const tables: Record<string, unknown> = {};
	for (const sample of context.samples) {
		const { compared, wrong, kept: keptHere } = judge(sample, context.plan, context.figures.run);
		kept += keptHere;
		rows += compared.length;
		fields += compared.length * sample.step.columns.length;
		tables[sample.step.id] = { rows: compared.length, wrong: wrong.length, kept: keptHere };
		for (const comparison of wrong) {
			differ += Math.max(1, comparison.differences.length);
			if (details.length >= 10) continue;
			const place = `${placeOf(sample.step)} ${comparison.key.join(', ')}`;
			if (comparison.state === 'differs') {
				details.push(
					...comparison.differences.map(
						(difference) => `${place} ${difference.column}: ${difference.found} instead of ${difference.expected}`,
					),
				);
			} else {
				details.push(`${place}: ${comparison.state === 'absent' ? 'not in the target' : comparison.state}`);
			}
		}
	}
	return {
		name: 'fields',
		result: differ === 0 ? 'pass' : 'fail',
		figures: `${formatCount(rows)} rows, ${formatCount(fields)} fields, ${formatCount(differ)} differ${keptWords(kept)}`,
		data: { rows, fields, differ, kept, tables },
		details,
	};
};
