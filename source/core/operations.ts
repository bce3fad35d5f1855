import type { CredentialOptions, FoundCredentials } from './credentials/find.js';
import type { CredentialRow } from './credentials/rows.js';
import type { RepotError } from './errors.js';
import type { MigrationEvent } from './events.js';
import type { SourceInspection } from './inspection.js';
import type { Origin } from './origin.js';
import type { Guard, PlanProgress, PlanRequest, TargetAccess } from './plan/request.js';
import type { IdCollisionPolicy, Plan } from './plan/types.js';
import type { AwsProfile, ChromaCollection, LedgerRun, RollbackEvent, RollbackPreview, RunSummary, UserPool } from './ports.js';
import type { ReadinessCheck } from './readiness.js';
import type { Secret } from './secret.js';

export interface EnvironmentSummary {
	readonly name: string;
	readonly guard: Guard;
	/** Masked target, e.g. `pglite:./repot-demo/pg` or `postgres  db.example:5432/app`, or where it is kept: `ssm /collections/dev/database-url`; null when nobody can be asked. */
	readonly target: string | null;
	readonly from: Origin;
	readonly lastRun: RunSummary | null;
	/** An interrupted run of this environment that can be resumed. */
	readonly resumable: RunSummary | null;
}

export interface DatasetSummary {
	readonly name: string;
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	readonly collections: readonly string[];
	readonly from: Origin;
}

export interface DatasetDescription extends SourceInspection {
	/** Why one of them cannot be used: one sentence each. */
	readonly problems: readonly string[];
	/** The errors that `problems` tell, with their next steps, in the same order. */
	readonly errors: readonly RepotError[];
	/** The collections that would be migrated. */
	readonly collections: readonly ChromaCollection[];
}

export interface WizardChoices {
	readonly environment: string;
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	readonly collections: readonly string[];
	/** Typed by the operator; null: as found. */
	readonly target: Secret | null;
	readonly tenant: string | null;
	/** Profile of the shared AWS config that was picked; absent: as the settings say. */
	readonly awsProfile?: string;
	/** Cognito pool that was picked; absent: as the settings say. */
	readonly userPool?: string;
	/** Chosen where a plan asked for it; absent: as the settings say. */
	readonly onIdCollision?: IdCollisionPolicy;
}

export type { Origin } from './origin.js';
export type { Guard, PlanProgress, PlanRequest, TargetAccess } from './plan/request.js';

/** What the commands and the wizard can ask for; composed once, knows no terminal. */
export interface Operations {
	environments(): Promise<readonly EnvironmentSummary[]>;
	/** Datasets of the config or the convention, and what was found on disk. */
	datasets(environment: string): Promise<readonly DatasetSummary[]>;
	describeDataset(
		choice: { readonly sqlitePath: string | null; readonly chromaPath: string | null; readonly collections: readonly string[] },
		signal?: AbortSignal,
	): Promise<DatasetDescription>;
	/** Everything that can be told about a source without a target; throws RepotError (source) for what cannot be read. */
	inspect(
		source: { readonly sqlitePath: string | null; readonly chromaPath: string | null },
		signal?: AbortSignal,
	): Promise<SourceInspection>;
	/**
	 * Finds and tests what a run needs, and tells each thing as soon as something is known of it. What failed is a row that says why; only
	 * an interruption, or choices that make no sense, are thrown (RepotError). What was found is remembered for `request`.
	 */
	credentials(
		choices: WizardChoices,
		options: CredentialOptions,
		onRow: (row: CredentialRow) => void,
		signal?: AbortSignal,
	): Promise<FoundCredentials>;
	/** Settings and choices to a full request, with what AWS says where nothing else does; throws RepotError that names all that is missing. */
	request(
		choices: WizardChoices,
		signal?: AbortSignal,
		onRow?: (row: CredentialRow) => void,
		options?: Pick<CredentialOptions, 'createUser'>,
	): Promise<PlanRequest>;
	/** Where the target of an environment is, without the rest of a request. */
	target(choices: WizardChoices, signal?: AbortSignal, onRow?: (row: CredentialRow) => void): Promise<TargetAccess>;
	awsProfiles(): Promise<readonly AwsProfile[]>;
	/** Pools that the AWS identity of these choices may list. */
	userPools(choices: WizardChoices, signal?: AbortSignal): Promise<readonly UserPool[]>;
	/** Runs `aws sso login` for the profile of these choices, telling its lines. */
	login(choices: WizardChoices, onLine: (line: string) => void, signal?: AbortSignal): Promise<void>;
	/** The dry run. */
	plan(request: PlanRequest, signal?: AbortSignal, onProgress?: (progress: PlanProgress) => void): Promise<Plan>;
	savePlan(plan: Plan, path: string): Promise<string>;
	/** What is looked at once more before the plan is run: each check once, as soon as it is known. Writes nothing. */
	readiness(plan: Plan, request: PlanRequest, signal?: AbortSignal): AsyncIterable<ReadinessCheck>;
	/** Runs the plan (resuming a killed run of the same intent), then verifies. Ends with run-finished. */
	migrate(plan: Plan, request: PlanRequest, signals: RunSignals): AsyncIterable<MigrationEvent>;
	/** All checks again, stand-alone: `check-finished` events, then `run-finished` (done or verification-failed). `run`: null for the newest finished one. */
	verify(request: PlanRequest, run: string | null, signal?: AbortSignal): AsyncIterable<MigrationEvent>;
	rollbackPreview(run: string, request: TargetAccess): Promise<RollbackPreview>;
	rollback(run: string, request: TargetAccess, reason: string | null, signal?: AbortSignal): AsyncIterable<RollbackEvent>;
	runs(): Promise<readonly RunSummary[]>;
	ledgerRuns(request: TargetAccess): Promise<readonly LedgerRun[]>;
	/** The argument list (without `repot`) that repeats this choice headless. */
	headlessCommand(verb: 'plan' | 'migrate', choices: WizardChoices): readonly string[];
	close(): Promise<void>;
}

/** `stop`: finish the batch in flight, record, end as interrupted. `abort`: stop now; the batch in flight is rolled back. */
export interface RunSignals {
	readonly stop: AbortSignal;
	readonly abort: AbortSignal;
	/** While it returns true the engine waits between batches. */
	readonly paused?: () => boolean;
}
