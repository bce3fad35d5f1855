import { datasetSummaries, environmentSummaries } from '../../../source/config/choices.js';
import { headlessCommandOf } from '../../../source/config/headless-choices.js';
import { planFileText } from '../../../source/config/plan-file.js';
import type { Settings } from '../../../source/config/settings.js';
import { writeFileWhole } from '../../../source/config/write-file.js';
import type { CheckResult, MigrationEvent, RunOutcome } from '../../../source/core/events.js';
import type { Operations, PlanRequest, RunSignals } from '../../../source/core/operations.js';
import type { Plan } from '../../../source/core/plan/types.js';
import type { RollbackPreview, RunSummary, TargetTest } from '../../../source/core/ports.js';
import { CredentialFinder } from '../../../source/credential-finder.js';
import { type CloudScript, fakeCloud } from '../../fakes/cloud.js';
import { samplePlan } from './fake-plan.js';

const at = '2025-03-01T12:00:00.000Z';

export const passedCheck: CheckResult = { name: 'rows', result: 'pass', figures: '55 = 55', data: { items: 55 }, details: [] };
export const failedCheck: CheckResult = {
	name: 'tenant',
	result: 'fail',
	figures: '2 foreign user ids',
	data: { foreign: 2 },
	details: ['items: i-7, i-9', 'likely cause: another writer'],
};

export const sampleRun: RunSummary = {
	id: 'r-7K2QA',
	plan: 'p',
	intent: 'i',
	status: 'done',
	environment: 'dev',
	tenant: 'ana',
	operator: 'ana@laptop',
	startedAt: '2025-03-01T10:00:00.000Z',
	finishedAt: '2025-03-01T10:01:00.000Z',
	written: 110,
	quarantined: 0,
	folder: '/state/runs/r-7K2QA',
	target: 'postgresql://app@db.example:5432/app',
	seconds: 60,
	reason: null,
};

const samplePreview: RollbackPreview = {
	run: sampleRun,
	tables: [
		{
			step: 'items',
			table: 'items',
			written: 55,
			removable: 54,
			restorable: 0,
			changed: 1,
			changedSample: ['i-3'],
			referenced: 0,
			gone: 0,
		},
	],
	drops: ['table embeddings'],
	stays: ['extension vector'],
};

const targetTest: TargetTest = {
	facts: samplePlan().target,
	latencyMilliseconds: 12,
	user: 'app',
	database: 'app',
	canCreate: true,
	problems: [],
};

type Finished = Extract<MigrationEvent, { type: 'run-finished' }>;

export function finished(outcome: RunOutcome, more: Partial<Finished> = {}): Finished {
	return {
		at,
		type: 'run-finished',
		run: 'r-8M4TB',
		outcome,
		written: 110,
		quarantined: 0,
		skipped: 0,
		milliseconds: 1500,
		files: ['/state/runs/r-8M4TB/report.md'],
		...more,
	};
}

export function runEvents(plan: Plan, end: Finished, checks: readonly CheckResult[] = [passedCheck]): readonly MigrationEvent[] {
	const step = { label: 'items', kind: 'copy' as const, bytes: 9216, seconds: 0.1, rowsDone: 0, bytesDone: 0 };
	return [
		{
			at,
			type: 'run-started',
			run: end.run,
			plan: plan.id,
			environment: plan.environment,
			resumed: false,
			steps: [{ id: 'items', rows: 55, ...step }],
		},
		{ at, type: 'step-started', step: 'items', resumedFromBatch: -1 },
		{ at, type: 'batch-committed', step: 'items', batch: 0, rows: 55, bytes: 9216, rejected: 0, milliseconds: 4 },
		{ at, type: 'step-finished', step: 'items', rows: 55, rejected: 0, milliseconds: 40, outcome: 'done' },
		...checks.map((check): MigrationEvent => ({ at, type: 'check-finished', check })),
		end,
	];
}

export interface Script {
	readonly plan?: (request: PlanRequest) => Plan | Promise<Plan>;
	readonly migrate?: (plan: Plan, request: PlanRequest, signals: RunSignals) => AsyncIterable<MigrationEvent> | Iterable<MigrationEvent>;
	readonly verify?: (run: string | null) => Iterable<MigrationEvent>;
	readonly runs?: readonly RunSummary[];
	readonly testTarget?: () => Promise<TargetTest>;
	/** What AWS knows; without it nobody is logged in. */
	readonly cloud?: CloudScript;
	readonly over?: Partial<Operations>;
}

/** What was asked of the fake, in order. */
export interface Calls {
	readonly requests: PlanRequest[];
	readonly migrated: Plan[];
	readonly rolledBack: { run: string; reason: string | null }[];
	closed: number;
}

export const noCalls = (): Calls => ({ requests: [], migrated: [], rolledBack: [], closed: 0 });

/** Operations that answer from a script; requests and choices go through the real settings. */
export function fakeOperations(settings: Settings, script: Script, calls: Calls): Operations {
	const planFor = (request: PlanRequest): Plan | Promise<Plan> =>
		script.plan?.(request) ?? samplePlan({ environment: request.environment, tenant: { column: 'user_id', value: request.tenant } });
	const { cloud } = fakeCloud(script.cloud);
	const finder = new CredentialFinder(settings, {
		cloud,
		test: script.testTarget ?? (async () => targetTest),
		onSecret: () => {},
		runs: async () => script.runs ?? [],
	});
	return {
		environments: async () => environmentSummaries(settings, script.runs ?? []),
		datasets: async () => datasetSummaries(settings, [{ name: 'near', sqlitePath: './near.db', chromaPath: null }]),
		describeDataset: async () => ({ sqlite: null, chroma: null, problems: [], errors: [], collections: [] }),
		inspect: async () => ({ sqlite: null, chroma: null }),
		credentials: (choices, options, onRow, signal) => finder.find(choices, options, onRow, signal),
		request: (choices, signal, onRow = () => {}, options = {}) => finder.request(choices, options, onRow, signal),
		target: (choices, signal, onRow = () => {}) => finder.target(choices, onRow, signal),
		awsProfiles: () => cloud.profiles(),
		userPools: async (choices) => cloud.userPools(await finder.access(choices)),
		login: async (choices, onLine) => cloud.login((await finder.access(choices)).profile, onLine),
		async plan(request, _signal, onProgress) {
			calls.requests.push(request);
			onProgress?.({ phase: 'reading items', fraction: 0.5 });
			return planFor(request);
		},
		async savePlan(plan, path) {
			await writeFileWhole(path.startsWith('/') ? path : `${settings.cwd}/${path}`, planFileText(plan));
			return path;
		},
		async *readiness() {
			yield* [];
		},
		async *migrate(plan, request, signals) {
			calls.migrated.push(plan);
			calls.requests.push(request);
			yield* script.migrate?.(plan, request, signals) ?? runEvents(plan, finished('done'));
		},
		async *verify(request, run) {
			calls.requests.push(request);
			yield* script.verify?.(run) ?? [
				{ at, type: 'check-finished', check: passedCheck } as const,
				finished('done', { run: run ?? 'r-7K2QA' }),
			];
		},
		rollbackPreview: async (run) => ({ ...samplePreview, run: { ...sampleRun, id: run } }),
		async *rollback(run, _request, reason) {
			calls.rolledBack.push({ run, reason });
			yield { at, type: 'rollback-started', run, tables: samplePreview.tables };
			yield { at, type: 'rows-removed', step: 'items', removed: 54, restored: 0, kept: 1 };
			yield { at, type: 'rollback-finished', run, outcome: 'kept-some', removed: 54, restored: 0, kept: 1 };
		},
		runs: async () => script.runs ?? [sampleRun],
		ledgerRuns: async () => script.runs ?? [sampleRun],
		headlessCommand: (verb, choices) => headlessCommandOf(settings, verb, choices),
		async close() {
			calls.closed += 1;
		},
		...script.over,
	};
}
