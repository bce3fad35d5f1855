import type { RunSignals } from './operations.js';
import { isCopyStep, isSchemaStep, type Plan, type SchemaStep } from './plan/types.js';
import type { Ports } from './ports.js';
import { reporting } from './progress-stream.js';
import type { Run } from './run.js';
import type { Fact } from './run-fact.js';
import { sideBySide } from './side-by-side.js';
import { stopWhenAsked } from './stop.js';

/**
 * Makes the plan's objects of one phase, several at a time where the target can. An object waits for every earlier one that concerns a
 * table of its own, so that an index finds its table's key made, and a foreign key that of its parent.
 */
export async function* applySchemaSteps(
	run: Run,
	phase: SchemaStep['phase'],
	ports: Ports,
	signals: RunSignals,
): AsyncGenerator<Fact, void, void> {
	const steps = run.plan.steps
		.filter(isSchemaStep)
		.filter((step) => step.phase === phase && step.needed)
		.filter((step) => run.resumed?.some((done) => done.id === step.id && done.state === 'done') !== true);
	// What comes before the rows is quick, and an extension concerns everything.
	const width = phase === 'before' ? 1 : ports.target.schemaWidth;
	yield* reporting<Fact, void>((report) =>
		sideBySide(
			steps,
			width,
			(step) => tablesOf(step, run.plan),
			(step) => {
				stopWhenAsked(signals);
				return applySchema(run, step, ports, signals, report);
			},
		),
	);
}

/** The tables that a statement locks: its own, and for a foreign key the parents. */
function tablesOf(step: SchemaStep, plan: Plan): readonly string[] {
	if (step.what !== 'foreign-key') return [step.table];
	const parents = plan.steps.filter(isCopyStep).flatMap((copy) => (copy.table === step.table ? copy.foreignKeys : []));
	return [step.table, ...parents.map(({ parent }) => parent)];
}

async function applySchema(
	run: Run,
	step: SchemaStep,
	ports: Ports,
	signals: RunSignals,
	report: (fact: Fact, replaces?: boolean) => void,
): Promise<void> {
	const startedAt = ports.clock.now();
	report({ type: 'step-started', step: step.id, resumedFromBatch: 0 });
	const created = await ports.target.applySchema(
		run.id,
		step,
		signals.abort,
		(fraction, phase) => report({ type: 'step-progressed', step: step.id, fraction, phase }, true),
		(message) => report({ type: 'notice', step: step.id, message }),
	);
	report({
		type: 'step-finished',
		step: step.id,
		rows: 0,
		rejected: 0,
		milliseconds: ports.clock.now() - startedAt,
		outcome: created === 'created' ? 'done' : 'nothing-to-do',
	});
}
