import type { CheckResult } from '../events.js';
import { leavesNothing } from '../plan/empty-steps.js';
import { type CopyStep, isCopyStep, type Plan } from '../plan/types.js';
import type { Comparison, Embedder, Source, Target } from '../ports.js';
import { fieldsCheck, jsonbCheck, tenantCheck } from './content-checks.js';
import { type Check, type CheckContext, type RunFigures, type SampledStep, sourceKey, type VerifyOptions } from './context.js';
import { rowsCheck, vectorsCheck } from './count-checks.js';
import { probeDrawer } from './probes.js';
import { latencyCheck, searchCheck } from './search-checks.js';

/** In the order of the report. */
const checks: readonly Check[] = [rowsCheck, vectorsCheck, searchCheck, tenantCheck, jsonbCheck, latencyCheck, fieldsCheck];

/** Runs every check of a plan against the target as it stands; reads both sides, writes neither. */
export async function* verify(
	plan: Plan,
	options: VerifyOptions,
	ports: { readonly source: Source; readonly target: Target; readonly embedder: Embedder | null },
	figures: RunFigures,
	signal: AbortSignal,
): AsyncGenerator<CheckResult, void, void> {
	// Of a collection that was not made there may not even be a table to ask.
	const copies = plan.steps.filter(isCopyStep).filter((step) => !leavesNothing(step));
	const counts = new Map<string, ReturnType<Target['count']>>();
	const count = (step: CopyStep): ReturnType<Target['count']> => {
		const known = counts.get(step.id) ?? ports.target.count(step, plan.tenant.value);
		counts.set(step.id, known);
		return known;
	};
	// Counting overlaps with reading the samples; one that fails is told by the check that asks for it.
	for (const step of copies) count(step).catch(() => {});
	const samples: SampledStep[] = [];
	// One after the other: each reads ahead of its comparison, and hundreds at once would all be held in memory.
	for (const step of copies) samples.push(await sample(step, plan, options, ports, figures.asideKeys[step.id], signal));
	const collections = copies.filter((step) => step.source.kind === 'chroma');
	const context: CheckContext = {
		count,
		probes: probeDrawer(ports.source, collections.length, signal),
		plan,
		options,
		figures,
		...ports,
		tables: copies.filter((step) => step.source.kind === 'sqlite'),
		collections,
		samples,
		signal,
	};
	for (const check of checks) {
		signal.throwIfAborted();
		yield await check(context);
	}
}

async function sample(
	step: CopyStep,
	plan: Plan,
	options: VerifyOptions,
	ports: { readonly source: Source; readonly target: Target },
	aside: ReadonlySet<string> | undefined,
	signal: AbortSignal,
): Promise<SampledStep> {
	const comparisons: Comparison[] = [];
	const limit = options.validationSample >= step.rows ? null : options.validationSample;
	for await (const records of ports.source.records(step, limit, signal)) {
		// What only the server refused passes the casts here as well.
		const expected = aside === undefined ? records : records.filter((record) => !aside.has(sourceKey(record)));
		comparisons.push(...(await ports.target.compare(step, plan.tenant.value, expected, signal)));
	}
	return { step, comparisons };
}
