import { RepotError } from '../errors.js';
import { collectionsProfile as profile } from '../mapping/profile.js';
import type { Clock, LedgerRun, SourceDescription, SourceFingerprints, Target, TargetDescription } from '../ports.js';
import { allCollections, chooseCollections } from './collection.js';
import { type ChosenCollection, nameCollections } from './collection-names.js';
import { draftSteps } from './draft.js';
import { totalSeconds } from './estimate.js';
import { planId, shortHash } from './hash.js';
import { abilityHazards, bySeverity, integrityHazards, quarantineHazard } from './hazards.js';
import { idHazards } from './id-hazards.js';
import { collectionTable, embeddingTable } from './langchain-tables.js';
import { finishSchema, measure, nothingToCopy, type PlanPorts } from './measure.js';
import { otherDimensionHazards } from './other-dimensions.js';
import type { PlanProgress, PlanRequest } from './request.js';
import { rightHazards } from './right-hazards.js';
import { heedTargetRows, targetRowHazards } from './target-rows.js';
import { type CopyStep, type Hazard, isBlocked, type Plan, planFormat, type SourceFacts, type Step } from './types.js';

type Progress = (progress: PlanProgress) => void;

/**
 * The dry run: reads both sources through the casts that the run will use, reads the target's catalogs and the keys both sides hold,
 * and writes nothing anywhere. When the target's ledger holds an unfinished run of the same intent, that run's own plan comes back with `resumes`.
 */
export async function makePlan(
	request: PlanRequest,
	ports: PlanPorts,
	signal?: AbortSignal,
	onProgress: Progress = () => {},
): Promise<Plan> {
	refuseIncomplete(request);
	const copying = 'taking a private copy of the sources';
	onProgress({ phase: copying, fraction: null });
	// Connecting, hashing and reading do not wait for each other; of two errors the source's is told.
	const given = new AbortController();
	const either = signal === undefined ? given.signal : AbortSignal.any([signal, given.signal]);
	const early = earlyNames(request);
	const looking = early === null ? null : describeTarget(request, early, ports.target, either);
	looking?.catch(() => {});
	const hashing = ports.source.fingerprints(either, (fraction) => onProgress({ phase: copying, fraction }));
	hashing.catch(() => {});
	const description = await ports.source.describe(signal).catch((thrown: unknown) => {
		given.abort(thrown);
		throw thrown;
	});
	const chosen =
		description.chroma === null
			? []
			: nameCollections(chooseCollections(description.chroma, request.collections, request.collectionsByConvention), request);
	onProgress({ phase: 'looking at the target', fraction: null });
	const target = await (looking ??
		describeTarget(
			request,
			chosen.map((one) => one.target),
			ports.target,
			signal,
		));
	// Only here the hash is waited for: it may show that a run has to go on.
	if (!request.restart && target.runs.some(isUnfinished)) {
		const resumable = await unfinishedRun(intentOf(request, await hashing, target, chosen), request, target, ports.target);
		if (resumable !== null) return resumable;
	}

	const drafted = draftSteps(request, description, chosen, target);
	const missing = finishSchema(drafted.schema, target, drafted.copies, request.policies.onConflict).filter(({ needed }) => needed);
	const { draft, objected } = await heedTargetRows(drafted, missing, target, ports.target, signal);
	const measured = await measure(draft, request, ports, target, signal, onProgress);
	const fingerprints = await hashing;
	const intent = intentOf(request, fingerprints, target, chosen);
	const schema = finishSchema(draft.schema, target, measured.steps, request.policies.onConflict);
	const onlyVectors = chosen.length === 1 ? (chosen[0]?.step ?? null) : null;
	const idle = measured.steps.every((step) => nothingToCopy(step, request.policies.onConflict));
	if (chosen.length > 1) onProgress({ phase: 'comparing the ids of the collections', fraction: null });
	const hazards = bySeverity([
		...unfinishedHazards(target, draft.hazards),
		...draft.hazards,
		...abilityHazards(
			target,
			chosen.some(({ source }) => source.records > 0),
			onlyVectors,
		),
		...rightHazards(target, schema, measured.steps, request.policies.onConflict === 'update'),
		...integrityHazards(description, onlyVectors),
		...ledgerHazards(target, idle),
		...measured.hazards,
		...(await targetRowHazards(objected, measured.steps, request.policies, ports.source, signal)),
		...(await otherDimensionHazards(measured.steps, request.policies.onConflict, target, ports.target, signal)),
		...(await idHazards(measured.steps, request.policies, ports.source, signal)),
		...quarantineHazard(
			measured.steps.reduce((sum, step) => sum + step.rejected, 0),
			request.policies,
		),
	]);
	const steps: Step[] = [
		...schema.filter((step) => step.phase === 'before'),
		...measured.steps,
		...schema.filter((step) => step.phase === 'after'),
	];
	return seal(request, ports.clock, { intent, steps, hazards, target, sources: sourceFacts(description, fingerprints) });
}

function refuseIncomplete(request: PlanRequest): void {
	if (request.sqlitePath === null && request.chromaPath === null) {
		throw new RepotError({
			kind: 'usage',
			code: 'NO_SOURCE',
			message: 'no source is given',
			next: [
				'Give --sqlite-db FILE, --chroma-path DIR (or --chroma-url URL), or both',
				'Or name a dataset of repot.config.json with --dataset NAME',
			],
		});
	}
	if (request.tenant.trim() === '' || request.tenant.includes('\0')) {
		throw new RepotError({
			kind: 'usage',
			code: 'NO_USER_ID',
			message: 'no user id is given',
			next: ['Give --user-id ID, set REPOT_USER_ID, or put userId into repot.config.json'],
		});
	}
}

/** Names of the collections in the target, where they are known before the source is described; null: not yet. */
const earlyNames = ({ chromaPath, collections, pgvectorCollection, collectionNames }: PlanRequest): readonly string[] | null => {
	if (chromaPath === null) return [];
	const several = collections.length > 1 || collections.includes(allCollections);
	return several || Object.keys(collectionNames).length > 0 ? null : [pgvectorCollection];
};

function describeTarget(
	request: PlanRequest,
	collections: readonly string[],
	target: Target,
	signal: AbortSignal | undefined,
): Promise<TargetDescription> {
	const tables = [
		...(request.sqlitePath === null ? [] : profile.tables.map((table) => table.target)),
		...(request.chromaPath === null ? [] : [collectionTable, embeddingTable]),
	];
	return target.describe(
		{
			tables,
			collections,
			tenant: { column: profile.tenantColumn, value: request.tenant },
		},
		signal,
	);
}

/** What the operator asked for, on this source and into this target: the same for a killed run and its repetition. */
function intentOf(
	request: PlanRequest,
	fingerprints: SourceFingerprints,
	target: TargetDescription,
	chosen: readonly ChosenCollection[],
): string {
	const [only] = chosen;
	const several = chosen.length > 1;
	return shortHash({
		profile: profile.name,
		fingerprints,
		target: target.facts.identity,
		schema: target.schema,
		tenant: request.tenant,
		collection: several ? chosen.map(({ source }) => source.id) : (only?.source.id ?? null),
		pgvectorCollection: several ? chosen.map(({ target: name }) => name) : (only?.target ?? null),
		skipSchemaCreation: request.skipSchemaCreation,
		policies: request.policies,
	});
}

const isUnfinished = (run: LedgerRun): boolean => run.status === 'running' || run.status === 'failed' || run.status === 'interrupted';

/** The newest run of this intent, when it has not ended: an older one was given up for it with --restart. */
async function unfinishedRun(intent: string, request: PlanRequest, description: TargetDescription, target: Target): Promise<Plan | null> {
	const run = description.runs.find((candidate) => candidate.intent === intent && candidate.status !== 'rolled-back');
	if (run === undefined || !isUnfinished(run)) return null;
	const entry = await target.ledger.find(run.id);
	return entry === null ? null : { ...withWishes(entry.plan, request), resumes: run.id };
}

/**
 * A plan from a file, as it runs now: when the target's ledger holds its unfinished run, with `resumes` and the sizes asked for now, as
 * `makePlan` gives it back; otherwise exactly as it is.
 */
export async function resumedPlan(plan: Plan, request: PlanRequest, ledger: Target['ledger']): Promise<Plan> {
	const run = (await ledger.runs()).find((candidate) => candidate.plan === plan.id && isUnfinished(candidate));
	return run === undefined ? plan : { ...withWishes(plan, request), resumes: run.id };
}

/** Sizes asked for now hold for the rest of a resumed run: they change how it is written, not what. */
function withWishes(plan: Plan, request: PlanRequest): Plan {
	const steps = plan.steps.map((step): Step => {
		if (step.kind === 'copy') return request.batchSize === null ? step : { ...step, batchRecords: request.batchSize };
		if (step.vectorIndex === undefined) return step;
		const { memoryBytes, workers } = step.vectorIndex;
		return {
			...step,
			vectorIndex: { ...step.vectorIndex, memoryBytes: request.indexMemory ?? memoryBytes, workers: request.indexWorkers ?? workers },
		};
	});
	return { ...plan, steps };
}

function unfinishedHazards(target: TargetDescription, hazards: readonly Hazard[]): Hazard[] {
	// A table that a stopped run left without its keys does not fit: undoing that run is the way on, not a key made by hand.
	const inTheWay = hazards.some((hazard) => hazard.code === 'TABLE_DOES_NOT_FIT');
	return target.runs
		.filter((run) => isUnfinished(run) || run.status === 'partly-rolled-back')
		.map((run) => ({
			code: 'UNFINISHED_RUN',
			severity: inTheWay ? ('block' as const) : ('warn' as const),
			step: null,
			count: 1,
			sample: [run.id],
			message: `run ${run.id} (${run.environment}, ${run.startedAt}) into this target is not whole and does not match this plan; its rows are counted as already there`,
			hint: `To take them away first: repot rollback ${run.id}`,
		}));
}

/** What a run makes beside the data. */
function ledgerHazards(target: TargetDescription, idle: boolean): Hazard[] {
	if (idle || target.runs.length > 0) return [];
	return [
		{
			code: 'LEDGER_CREATED',
			severity: 'info',
			step: null,
			count: 1,
			sample: [],
			message: 'the ledger of runs (schema repot, four tables) is made beside the data; the rollback of its last run removes it',
		},
	];
}

function sourceFacts(description: SourceDescription, fingerprints: SourceFingerprints): SourceFacts {
	const { sqlite, chroma } = description;
	return {
		...(sqlite === null ? {} : { sqlite: { path: sqlite.path, bytes: sqlite.bytes, fingerprint: fingerprints.sqlite ?? '' } }),
		...(chroma === null ? {} : { chroma: { path: chroma.path, bytes: chroma.bytes, fingerprint: fingerprints.chroma ?? '' } }),
	};
}

function seal(
	request: PlanRequest,
	clock: Clock,
	parts: { intent: string; steps: readonly Step[]; hazards: readonly Hazard[]; target: TargetDescription; sources: SourceFacts },
): Plan {
	const copies = parts.steps.filter((step): step is CopyStep => step.kind === 'copy');
	const sum = (pick: (step: CopyStep) => number): number => copies.reduce((total, step) => total + pick(step), 0);
	const idle =
		copies.every((step) => nothingToCopy(step, request.policies.onConflict)) &&
		parts.steps.every((step) => step.kind === 'copy' || !step.needed || step.what === 'analyze');
	const by =
		idle && !isBlocked(parts)
			? doneBy(
					parts.intent,
					sum((step) => step.rejected),
					parts.target.runs,
				)
			: null;
	const content: Omit<Plan, 'id'> = {
		format: planFormat,
		intent: parts.intent,
		createdAt: new Date(clock.now()).toISOString(),
		environment: request.environment,
		profile: profile.name,
		tenant: { column: profile.tenantColumn, value: request.tenant },
		sources: parts.sources,
		target: parts.target.facts,
		policies: request.policies,
		steps: parts.steps,
		hazards: parts.hazards,
		totals: {
			records: sum((step) => step.rows),
			rejected: sum((step) => step.rejected),
			bytes: sum((step) => step.bytes),
			seconds: totalSeconds(parts.steps),
		},
		...(by === null ? {} : { doneBy: by }),
	};
	return { ...content, id: planId(content) };
}

/**
 * The run that wrote what is there, `-` when no ledger tells, or null: records that the casts refuse are dealt with only when a run of this
 * intent has put them into its quarantine.
 */
function doneBy(intent: string, rejected: number, runs: readonly LedgerRun[]): string | null {
	const finished = runs.filter((run) => run.status === 'done' || run.status === 'quarantined' || run.status === 'verification-failed');
	const same = finished.find((run) => run.intent === intent);
	if (same !== undefined) return same.id;
	return rejected > 0 ? null : (finished[0]?.id ?? '-');
}
