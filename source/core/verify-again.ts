import { RepotError } from './errors.js';
import type { CheckResult, MigrationEvent } from './events.js';
import type { PlanRequest } from './operations.js';
import { differingLeft } from './outcome-words.js';
import { chooseCollections, isNamed } from './plan/collection.js';
import { usualCollectionName } from './plan/collection-names.js';
import { makePlan } from './plan/make-plan.js';
import { isCopyStep, type Plan } from './plan/types.js';
import type { LedgerRun, LedgerStep, Ports, RunFolder, Source } from './ports.js';
import { sourceChanges } from './stale.js';
import { refuseUndone } from './undone-run.js';
import { writeReport } from './verify/report.js';
import { verify } from './verify/verify.js';

const judged = new Set<LedgerRun['status']>(['done', 'quarantined', 'verification-failed', 'interrupted', 'failed', 'running']);

interface Subject {
	readonly run: LedgerRun | null;
	readonly plan: Plan;
	readonly steps: readonly LedgerStep[];
	readonly notice: string | null;
}

/**
 * All checks again. Judges a run by its own plan while the source is what it was; when the source has moved on, by a new plan over the source as
 * it is now, made with the run's choices; without a run by a new plan.
 */
export async function* verifyAgain(
	request: PlanRequest,
	run: string | null,
	ports: Ports,
	signal: AbortSignal,
): AsyncGenerator<MigrationEvent, void, void> {
	const startedAt = ports.clock.now();
	const time = (): string => new Date(ports.clock.now()).toISOString();
	const subject = await subjectOf(request, run, ports, signal);
	const differing = differingLeft(subject.plan);
	yield {
		at: time(),
		type: 'run-started',
		run: subject.run?.id ?? '-',
		plan: subject.plan.id,
		environment: subject.plan.environment,
		resumed: false,
		...(differing === 0 ? {} : { differing }),
		steps: [],
	};
	if (subject.notice !== null) yield { at: time(), type: 'notice', step: null, message: subject.notice };
	const folder = await ports.history.open(subject.run?.id ?? `verify-${subject.plan.id}`, subject.plan);
	const setAside = Object.fromEntries(subject.steps.map((step) => [step.id, step.rejected]));
	const checks: CheckResult[] = [];
	const options = { similarityThreshold: request.similarityThreshold, validationSample: request.validationSample };
	try {
		const figures = { run: subject.run?.id ?? null, setAside, asideKeys: await keysAside(folder), fresh: false };
		for await (const check of verify(subject.plan, options, ports, figures, signal)) {
			checks.push(check);
			yield { at: time(), type: 'check-finished', check };
		}
		const failed = checks.some((check) => check.result === 'fail');
		const outcome = failed ? 'verification-failed' : 'done';
		const totals = totalsOf(subject);
		const { files, problem } = await writeReport(
			{ run: subject.run?.id ?? null, plan: subject.plan, checks, totals, outcome, at: ports.clock.now() },
			folder,
			request.reportOutput,
		);
		if (problem !== null) yield { at: time(), type: 'notice', step: null, message: problem };
		yield {
			at: time(),
			type: 'run-finished',
			run: subject.run?.id ?? '-',
			outcome,
			...totals,
			milliseconds: ports.clock.now() - startedAt,
			files,
		};
	} finally {
		await folder.close();
	}
}

/** Of a run that came to its end, what it neither wrote nor set aside was there. */
function totalsOf({ run, plan }: Subject): { readonly written: number; readonly quarantined: number; readonly skipped: number } {
	const written = run?.written ?? 0;
	const quarantined = run?.quarantined ?? plan.totals.rejected;
	const isWhole = run === null || run.status === 'done' || run.status === 'quarantined' || run.status === 'verification-failed';
	return { written, quarantined, skipped: isWhole ? Math.max(0, plan.totals.records - written - quarantined) : 0 };
}

/** Keys that the run's quarantine on this computer names, by step. */
async function keysAside(folder: RunFolder): Promise<Record<string, Set<string>>> {
	const keys: Record<string, Set<string>> = {};
	for await (const entry of folder.quarantine.entries()) {
		keys[entry.step] ??= new Set();
		keys[entry.step]?.add(entry.key);
	}
	return keys;
}

/** Nothing finished is there; when that is because it was undone, it is said instead of what is missing. The last undo takes the ledger along. */
async function refuseOnlyUndone(request: PlanRequest, runs: readonly LedgerRun[], { history }: Ports): Promise<void> {
	const isSame = (run: LedgerRun): boolean => run.tenant === request.tenant && run.environment === request.environment;
	const newest = runs.find(isSame) ?? (await history.list()).find(isSame);
	if (newest !== undefined) refuseUndone(newest);
}

async function subjectOf(request: PlanRequest, run: string | null, ports: Ports, signal: AbortSignal): Promise<Subject> {
	const runs = await ports.target.ledger.runs();
	const wanted =
		run === null
			? runs.find((candidate) => judged.has(candidate.status) && candidate.tenant === request.tenant)
			: runs.find((candidate) => candidate.id === run);
	if (run !== null && wanted === undefined) {
		throw new RepotError({
			kind: 'usage',
			code: 'UNKNOWN_RUN',
			message: `the target's ledger knows no run ${run}`,
			why:
				runs.length === 0
					? 'it holds no runs'
					: `it holds: ${runs
							.slice(0, 5)
							.map((one) => one.id)
							.join(', ')}`,
			next: ['repot runs lists the runs of this computer'],
		});
	}
	if (wanted === undefined) await refuseOnlyUndone(request, runs, ports);
	else refuseUndone(wanted);
	const entry = wanted === undefined ? null : await ports.target.ledger.find(wanted.id);
	const fresh = async (asked: PlanRequest, notice: string | null): Promise<Subject> => ({
		run: null,
		plan: await makePlan({ ...asked, restart: true }, ports, signal),
		steps: [],
		notice,
	});
	if (entry === null) return fresh(request, null);
	const changes = await sourceChanges(entry.plan, ports.source, signal);
	if (changes.length === 0) return { run: entry.run, plan: entry.plan, steps: entry.steps, notice: null };
	return fresh(
		await chosenAsIn(entry.plan, request, ports.source, signal),
		`${changes.join('; ')}: compared with the source as it is now, not with what run ${entry.run.id} copied, under the policies of that run`,
	);
}

/**
 * The request with what a run chose: its policies, which say what became of ids and values, and the names it gave to the collections that are
 * asked for and not named otherwise. Under others none of its rows would be found.
 */
async function chosenAsIn(plan: Plan, request: PlanRequest, source: Source, signal: AbortSignal): Promise<PlanRequest> {
	const { chroma } = await source.describe(signal);
	const chosen = chroma === null ? [] : chooseCollections(chroma, request.collections, request.collectionsByConvention);
	const isSaid = chosen.length === 1 && request.pgvectorCollection !== usualCollectionName;
	const names = plan.steps.filter(isCopyStep).flatMap(({ source: from, collection }): [string, string][] => {
		const one = chosen.find(({ id }) => from.kind === 'chroma' && id === from.collectionId);
		const isNamedOtherwise = one === undefined || Object.keys(request.collectionNames).some((name) => isNamed(one, name));
		return isSaid || isNamedOtherwise || collection === undefined ? [] : [[one.id, collection.name]];
	});
	return { ...request, policies: plan.policies, collectionNames: { ...Object.fromEntries(names), ...request.collectionNames } };
}
