import { RepotError } from '../../source/core/errors.js';
import type { MigrationEvent } from '../../source/core/events.js';
import type {
	DatasetDescription,
	EnvironmentSummary,
	Guard,
	Operations,
	PlanRequest,
	RunSignals,
	WizardChoices,
} from '../../source/core/operations.js';
import type { Plan } from '../../source/core/plan/types.js';
import type { ChromaCollection, RollbackEvent, RollbackPreview, RunSummary, SourceTable, TargetTest } from '../../source/core/ports.js';
import type { ReadinessCheck } from '../../source/core/readiness.js';
import { type CloudScript, fakeCloud } from './cloud.js';
import { fakeCredentials } from './credentials.js';
import { inspectedChroma, inspectedCollection, inspectedSqlite } from './inspection.js';
import { fakePlan, fakeRequest, fakeTenant } from './plan.js';

/** What a test may script; everything else behaves like a small, healthy job. */
export interface Script {
	readonly environments?: readonly EnvironmentSummary[];
	/** Called for each test of the target; throw to fail it. */
	readonly testTarget?: (choices: WizardChoices) => TargetTest;
	readonly plan?: (request: PlanRequest) => Plan;
	/** Each awaits before a batch commits: how a test holds a run still. */
	readonly beforeBatch?: (batch: number, signals: RunSignals) => Promise<void>;
	readonly migrate?: Operations['migrate'];
	readonly verify?: (run: string | null, signal?: AbortSignal) => AsyncIterable<MigrationEvent>;
	readonly readiness?: Operations['readiness'];
	readonly describeDataset?: Operations['describeDataset'];
	/** The user id that the environment knows; null: must be typed. */
	readonly tenant?: string | null;
	/** What AWS knows; without it nobody is logged in. */
	readonly cloud?: CloudScript;
	/** Cognito pool that the settings name. */
	readonly pool?: string;
}

/** What was called, for assertions. */
export interface Calls {
	readonly migrated: { readonly plan: Plan; readonly request: PlanRequest }[];
	readonly rolledBack: { readonly run: string; readonly reason: string | null }[];
	readonly saved: string[];
	readonly verified: (string | null)[];
	plans: number;
	tests: number;
}

const started = '2025-03-07T14:00:00.000Z';

const fakeRun: RunSummary = {
	id: 'r-8M4T',
	plan: fakePlan.id,
	intent: fakePlan.intent,
	status: 'done',
	environment: 'dev',
	tenant: fakeTenant,
	operator: 'ana@laptop',
	startedAt: '2025-03-07T12:00:00.000Z',
	finishedAt: '2025-03-07T12:01:09.000Z',
	written: 220,
	quarantined: 0,
	folder: '.repot/runs/r-8M4T',
	target: 'postgres  db.example:5432/app',
	seconds: 69,
	reason: null,
};

export const fakeEnvironments: readonly EnvironmentSummary[] = [
	{ name: 'local', guard: 'open', target: 'pglite:./repot-demo/pg', from: 'repot.config.json:4', lastRun: null, resumable: null },
	{ name: 'dev', guard: 'open', target: 'postgres  db.example:5432/app', from: 'repot.config.json:9', lastRun: fakeRun, resumable: null },
	{
		name: 'test',
		guard: 'open',
		target: 'postgres  test.example:5432/app',
		from: 'repot.config.json:14',
		lastRun: { ...fakeRun, id: 'r-7K2Q', environment: 'test', status: 'interrupted', startedAt: '2025-03-06T12:00:00.000Z', written: 136 },
		resumable: {
			...fakeRun,
			id: 'r-7K2Q',
			environment: 'test',
			status: 'interrupted',
			startedAt: '2025-03-06T12:00:00.000Z',
			written: 136,
		},
	},
	{
		name: 'prod',
		guard: 'protected',
		target: 'postgres  prod.example:5432/app',
		from: 'repot.config.json:19',
		lastRun: null,
		resumable: null,
	},
];

const table = (name: string, rows: number, derived = false): SourceTable => ({
	name,
	columns: [],
	indexes: [],
	foreignKeys: [],
	rows,
	withoutRowid: false,
	derived,
});

const goldenCollection: ChromaCollection = {
	id: 'c0ffee',
	name: 'collections_vectors_golden',
	tenant: 'default_tenant',
	database: 'default_database',
	records: 55,
	dimension: 1024,
	space: 'cosine',
	metadata: null,
	vectorsIn: 'both',
};

const golden: DatasetDescription = {
	sqlite: inspectedSqlite({
		path: 'data/collections_golden.db',
		bytes: 430_080,
		tables: [table('items', 55), table('analyses', 55), table('embeddings', 55), table('items_fts', 55, true)],
		integrity: 'ok',
		journalMode: 'wal',
	}),
	chroma: inspectedChroma({ path: 'data/chroma_golden', bytes: 1_677_722, version: '1.3-1.4' }, [
		inspectedCollection(goldenCollection, { vectorsInLog: 5, vectorsInIndex: 50 }),
	]),
	problems: [],
	errors: [],
	collections: [goldenCollection],
};

export const healthyTest: TargetTest = {
	facts: fakePlan.target,
	latencyMilliseconds: 38,
	user: 'postgres',
	database: 'app',
	canCreate: true,
	problems: [],
};

export const unreachable = (): RepotError =>
	new RepotError({
		kind: 'target',
		code: 'TARGET_UNREACHABLE',
		message: 'The target does not answer',
		where: 'postgresql://postgres:********@db.example:5432/app',
		why: 'connect ECONNREFUSED 127.0.0.1:5432',
		next: ['Start the server, or type another URL with u'],
	});

/** An Operations that does nothing outside itself: the wizard's whole walk can be scripted and watched. */
export function fakeOperations(script: Script = {}): { readonly operations: Operations; readonly calls: Calls } {
	const calls: Calls = { migrated: [], rolledBack: [], saved: [], verified: [], plans: 0, tests: 0 };
	const environments = script.environments ?? fakeEnvironments;
	const { cloud } = fakeCloud(script.cloud);
	const search = fakeCredentials(cloud, script.pool);
	const find = (name: string) => environments.find((environment) => environment.name === name);
	const operations: Operations = {
		environments: async () => environments,
		datasets: async () => [
			{
				name: 'golden',
				sqlitePath: 'data/collections_golden.db',
				chromaPath: 'data/chroma_golden',
				collections: ['collections_vectors_golden'],
				from: 'found',
			},
			{ name: 'full', sqlitePath: 'data/collections.db', chromaPath: null, collections: [], from: 'repot.config.json:30' },
		],
		describeDataset: script.describeDataset ?? (async (choice) => describe(choice)),
		inspect: async (paths) => describe(paths),
		credentials: (choices, options, onRow, signal) =>
			search(
				{
					choices,
					target: find(choices.environment)?.target ?? null,
					tenant: choices.tenant ?? (script.tenant === undefined ? fakeTenant : script.tenant),
					test: async () => {
						calls.tests += 1;
						return script.testTarget?.(choices) ?? healthyTest;
					},
				},
				options,
				onRow,
				signal,
			),
		target: async () => ({ target: fakeRequest.target }),
		awsProfiles: () => cloud.profiles(),
		userPools: (choices) => cloud.userPools({ profile: choices.awsProfile ?? null, region: null }),
		login: (choices, onLine) => cloud.login(choices.awsProfile ?? null, onLine),
		request: async (choices) => ({
			...fakeRequest,
			environment: choices.environment,
			guard: find(choices.environment)?.guard ?? 'open',
			sqlitePath: choices.sqlitePath,
			chromaPath: choices.chromaPath,
			collections: choices.collections,
			tenant: choices.tenant ?? fakeTenant,
			policies: {
				...fakeRequest.policies,
				...(choices.onIdCollision === undefined || choices.onIdCollision === 'fail' ? {} : { onIdCollision: choices.onIdCollision }),
			},
		}),
		plan: async (request, _signal, onProgress) => {
			calls.plans += 1;
			onProgress?.({ phase: 'casting analyses', fraction: 0.5 });
			return { ...(script.plan?.(request) ?? fakePlan), environment: request.environment };
		},
		savePlan: async (_plan, path) => {
			calls.saved.push(path);
			return path;
		},
		readiness: script.readiness ?? readiness,
		migrate: (plan, request, signals) => {
			calls.migrated.push({ plan, request });
			return (script.migrate ?? ((...given) => migrate(script, ...given)))(plan, request, signals);
		},
		verify: (_request, run, signal) => {
			calls.verified.push(run);
			return script.verify?.(run, signal) ?? verification(run);
		},
		rollbackPreview: async (run) => rollbackPreview(run),
		rollback: (run, _request, reason) => {
			calls.rolledBack.push({ run, reason });
			return rollback(run);
		},
		runs: async () => [fakeRun, { ...fakeRun, id: 'r-7K2Q', environment: 'test', status: 'interrupted', written: 136 }],
		ledgerRuns: async () => [fakeRun],
		headlessCommand: (verb, choices) => [
			verb,
			'--env',
			choices.environment,
			'--dataset',
			'golden',
			'--user-id',
			choices.tenant ?? fakeTenant,
			...(choices.awsProfile === undefined ? [] : ['--aws-profile', choices.awsProfile]),
		],
		close: async () => undefined,
	};
	return { operations, calls };
}

function describe(choice: { readonly sqlitePath: string | null; readonly chromaPath: string | null }): DatasetDescription {
	const missing = choice.sqlitePath === 'data/collections.db';
	return {
		sqlite: choice.sqlitePath === null || missing ? null : golden.sqlite,
		chroma: choice.chromaPath === null ? null : golden.chroma,
		problems: missing ? ['data/collections.db does not exist'] : [],
		errors: missing ? [new RepotError({ kind: 'source', code: 'SOURCE_MISSING', message: 'data/collections.db does not exist' })] : [],
		collections: choice.chromaPath === null ? [] : golden.collections,
	};
}

async function* readiness(_plan: Plan, { guard }: PlanRequest): AsyncGenerator<ReadinessCheck> {
	yield* readyChecks(guard);
}

/** What a healthy job is told before it writes. */
export const readyChecks = (guard: Guard): readonly ReadinessCheck[] => [
	{ name: 'room', result: 'ok', words: "12 GiB free here; the server's disk is not visible from here" },
	guard === 'open'
		? { name: 'backup', result: 'ok', words: 'repot rollback removes exactly what this run writes' }
		: {
				name: 'backup',
				result: 'look',
				words: 'none can be seen from here; repot rollback covers only what this run writes',
				next: 'Have a snapshot or a backup of the database at hand',
			},
	{ name: 'target', result: 'ok', words: 'unchanged since the plan' },
	{ name: 'lock', result: 'ok', words: 'free: no other run writes there' },
];

/** Four steps of one batch each, an index build, seven checks. The instants are the batch numbers in seconds. */
async function* migrate(script: Script, plan: Plan, request: PlanRequest, signals: RunSignals): AsyncGenerator<MigrationEvent> {
	let second = 0;
	const at = () => new Date(Date.parse(started) + second * 1000).toISOString();
	const copies = plan.steps.filter((step) => step.kind === 'copy');
	yield {
		type: 'run-started',
		at: at(),
		run: fakeRun.id,
		plan: plan.id,
		environment: request.environment,
		resumed: false,
		steps: [
			...copies.map(({ id, rows, bytes, seconds }) => ({
				id,
				label: id,
				kind: 'copy' as const,
				rows,
				bytes,
				seconds,
				rowsDone: 0,
				bytesDone: 0,
			})),
			{ id: 'hnsw', label: 'hnsw index', kind: 'schema', rows: 0, bytes: 0, seconds: 1, rowsDone: 0, bytesDone: 0 },
		],
	};
	let written = 0;
	for (const [index, step] of copies.entries()) {
		yield { type: 'step-started', at: at(), step: step.id, resumedFromBatch: -1 };
		while (signals.paused?.() === true) await new Promise((resolve) => setTimeout(resolve, 5));
		await script.beforeBatch?.(index, signals);
		second += 1;
		if (signals.stop.aborted || signals.abort.aborted) {
			yield finish(at(), 'interrupted', written, second);
			return;
		}
		written += step.rows;
		yield { type: 'batch-committed', at: at(), step: step.id, batch: 0, rows: step.rows, bytes: step.bytes, rejected: 0, milliseconds: 12 };
		yield { type: 'step-finished', at: at(), step: step.id, rows: step.rows, rejected: 0, milliseconds: 1000, outcome: 'done' };
	}
	yield { type: 'step-started', at: at(), step: 'hnsw', resumedFromBatch: -1 };
	yield { type: 'step-progressed', at: at(), step: 'hnsw', fraction: 0.5, phase: 'loading tuples' };
	yield { type: 'step-finished', at: at(), step: 'hnsw', rows: 0, rejected: 0, milliseconds: 900, outcome: 'done' };
	for (const [name, figures] of fakeChecks) {
		yield { type: 'check-finished', at: at(), check: { name, result: 'pass', figures, data: {}, details: [] } };
	}
	yield finish(at(), 'done', written, second);
}

/** All checks of a run that wrote everything. */
async function* verification(run: string | null): AsyncGenerator<MigrationEvent> {
	yield { type: 'run-started', at: started, run: run ?? '-', plan: fakePlan.id, environment: 'dev', resumed: false, steps: [] };
	yield* fakeChecks.map(
		([name, figures]): MigrationEvent => ({
			type: 'check-finished',
			at: started,
			check: { name, result: 'pass', figures, data: {}, details: [] },
		}),
	);
	yield finish(started, 'done', 220, 1);
}

const fakeChecks = [
	['rows', '165 = 165'],
	['vectors', '55 = 55, bit-exact 55/55'],
	['search', 'exact 1.00   index 0.97 mean, 0.90 min (20)'],
	['tenant', '0 null, 0 foreign user ids'],
	['jsonb', '110 equal in value'],
	['latency', 'p50 3 ms  p95 6 ms  max 11 ms'],
	['fields', '220 rows, 1 870 fields, 0 differ'],
] as const;

const finish = (at: string, outcome: 'done' | 'interrupted', written: number, seconds: number): MigrationEvent => ({
	type: 'run-finished',
	at,
	run: fakeRun.id,
	outcome,
	written,
	quarantined: 0,
	skipped: 0,
	milliseconds: seconds * 1000,
	files: outcome === 'done' ? ['.repot/runs/r-8M4T/report.md', '.repot/runs/r-8M4T/report.json'] : [],
});

function rollbackPreview(run: string): RollbackPreview {
	const counts = { restorable: 0, changedSample: [], referenced: 0, gone: 0 };
	return {
		run: { ...fakeRun, id: run },
		tables: [
			{ ...counts, step: 'items', table: 'items', written: 55, removable: 53, changed: 2, changedSample: ['it-0007', 'it-0009'] },
			{ ...counts, step: 'analyses', table: 'analyses', written: 55, removable: 55, changed: 0 },
			{ ...counts, step: 'vectors', table: 'langchain_pg_embedding', written: 55, removable: 55, changed: 0 },
		],
		drops: ['index ix_collections_vectors_hnsw'],
		stays: ['extension vector: others may use it'],
	};
}

async function* rollback(run: string): AsyncGenerator<RollbackEvent> {
	const { tables } = rollbackPreview(run);
	const at = started;
	yield { type: 'rollback-started', at, run, tables };
	for (const { step, removable, changed } of tables)
		yield { type: 'rows-removed', at, step, removed: removable, restored: 0, kept: changed };
	yield { type: 'object-dropped', at, object: 'index ix_collections_vectors_hnsw' };
	yield { type: 'rollback-finished', at, run, outcome: 'kept-some', removed: 163, restored: 0, kept: 2 };
}
