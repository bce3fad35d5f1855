import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { datasetSummaries, environmentSummaries } from './config/choices.js';
import type { FoundDataset } from './config/discover.js';
import { headlessCommandOf } from './config/headless-choices.js';
import type { Settings } from './config/settings.js';
import { isCollectionOfConvention } from './config/sources.js';
import { isChromaServer } from './core/chroma-address.js';
import { asRepotError, type RepotError } from './core/errors.js';
import type { MigrationEvent } from './core/events.js';
import type { SourceInspection } from './core/inspection.js';
import { migrate } from './core/migrate.js';
import type { DatasetDescription, Operations, PlanRequest, RunSignals, TargetAccess, WizardChoices } from './core/operations.js';
import { chooseCollections } from './core/plan/collection.js';
import { makePlan, resumedPlan } from './core/plan/make-plan.js';
import type { Plan } from './core/plan/types.js';
import type { Clock, Cloud, Embedder, LedgerRun, Ports, RunHistory, Source, Target } from './core/ports.js';
import { type FreeSpace, readiness } from './core/readiness.js';
import type { Secret } from './core/secret.js';
import { undo } from './core/undo.js';
import { verifyAgain } from './core/verify-again.js';
import { CredentialFinder } from './credential-finder.js';

/** The outside world, as compose hands it in; tests hand in fakes. */
export interface Adapters {
	openSource(paths: SourcePaths): Source;
	inspectSource(paths: SourcePaths, signal: AbortSignal | undefined): Promise<SourceInspection>;
	openTarget(access: TargetAccess): Target;
	readonly cloud: Cloud;
	/** Told of every URL with a password before it is used: it must not be logged. */
	onSecret(url: Secret): void;
	findDatasets(): Promise<readonly FoundDataset[]>;
	/** Writes a plan file, private and whole or not at all; returns its path. */
	writePlan(path: string, plan: Plan): Promise<string>;
	readonly freeSpace: FreeSpace;
	readonly history: RunHistory;
	readonly embedder: Embedder | null;
	readonly clock: Clock;
	readonly operator: string;
	readonly version: string;
}

export interface SourcePaths {
	readonly sqlitePath: string | null;
	/** A directory, or the address of a server. */
	readonly chromaPath: string | null;
	/** What of a server is copied. */
	readonly collections?: readonly string[];
	/** Only to be described: nothing is copied from a server. */
	readonly describeOnly?: boolean;
}

/** Implements what the commands and the wizard ask for. Holds at most one source snapshot and one connection per target. */
export function createOperations(settings: Settings, adapters: Adapters): Operations {
	const sources = new SourceHolder(adapters);
	const targets = new Map<string, Target>();
	const targetFor = (access: TargetAccess): Target => {
		const { target, tokensOf, tls } = access;
		const key = JSON.stringify([target.reveal(), tokensOf ?? null, tls ?? null]);
		const known = targets.get(key);
		if (known !== undefined) return known;
		adapters.onSecret(target);
		const opened = adapters.openTarget(access);
		targets.set(key, opened);
		return opened;
	};
	const finder = new CredentialFinder(settings, {
		cloud: adapters.cloud,
		test: (access, signal) => targetFor(access).test(signal),
		onSecret: adapters.onSecret,
		runs: () => adapters.history.list(),
	});
	const portsFor = (request: PlanRequest, source: Source): Ports => ({
		source,
		target: targetFor(request),
		history: adapters.history,
		embedder: adapters.embedder,
		clock: adapters.clock,
		operator: adapters.operator,
		version: adapters.version,
	});
	return {
		environments: async () => environmentSummaries(settings, await adapters.history.list()),
		datasets: async () => datasetSummaries(settings, await adapters.findDatasets()),
		describeDataset: (choice, signal) => describeDataset(adapters, choice, isCollectionOfConvention(settings, choice), signal),
		inspect: (paths, signal) => adapters.inspectSource(paths, signal),
		credentials: (choices, options, onRow, signal) => finder.find(choices, options, onRow, signal),
		request: (choices, signal, onRow = () => {}, options = {}) => finder.request(choices, options, onRow, signal),
		target: (choices, signal, onRow = () => {}) => finder.target(choices, onRow, signal),
		awsProfiles: () => adapters.cloud.profiles(),
		userPools: async (choices, signal) => adapters.cloud.userPools(await finder.access(choices), signal),
		login: async (choices, onLine, signal) => adapters.cloud.login((await finder.access(choices)).profile, onLine, signal),
		async plan(request, signal, onProgress) {
			const source = await sources.fresh(request);
			return makePlan(request, portsFor(request, source), signal, onProgress);
		},
		savePlan: (plan, path) => adapters.writePlan(path, withAbsolutePaths(plan, settings.cwd)),
		async *readiness(plan: Plan, request: PlanRequest, signal?: AbortSignal) {
			const { freeSpace } = adapters;
			const { sessionEndsAt = null, tokensOf } = request;
			const session = { sessionEndsAt, tokens: tokensOf !== undefined, clock: adapters.clock };
			const ports = { source: await sources.held(request), target: targetFor(request), freeSpace, stateDir: settings.stateDir, ...session };
			yield* readiness(plan, request.guard, ports, signal);
		},
		async *migrate(plan: Plan, request: PlanRequest, signals: RunSignals) {
			const source = await sources.held(request);
			const ports = portsFor(request, source);
			const now = await resumedPlan(plan, request, ports.target.ledger);
			yield* migrate(now, optionsOf(request, now), ports, signals);
		},
		async *verify(request: PlanRequest, run: string | null, signal?: AbortSignal): AsyncIterable<MigrationEvent> {
			const source = await sources.fresh(request);
			yield* verifyAgain(request, run, portsFor(request, source), signal ?? new AbortController().signal);
		},
		rollbackPreview: (run, request) => targetFor(request).rollbackPreview(run),
		rollback: (run, request, reason, signal) => undo(run, reason, targetFor(request), adapters.history, adapters.clock, signal),
		runs: () => adapters.history.list(),
		ledgerRuns: (request): Promise<readonly LedgerRun[]> => targetFor(request).ledger.runs(),
		headlessCommand: (verb, choices: WizardChoices) => headlessCommandOf(settings, verb, choices),
		async close() {
			await sources.close();
			const open = [...targets.values()];
			targets.clear();
			await Promise.all(open.map((target) => closeWithin(target, 5_000)));
		},
	};
}

/** A saved plan may be run from another folder. The spelling of paths is not part of a plan's id. */
function withAbsolutePaths(plan: Plan, cwd: string): Plan {
	const { sqlite, chroma } = plan.sources;
	return {
		...plan,
		sources: {
			...(sqlite === undefined ? {} : { sqlite: { ...sqlite, path: resolve(cwd, sqlite.path) } }),
			...(chroma === undefined
				? {}
				: { chroma: { ...chroma, path: isChromaServer(chroma.path) ? chroma.path : resolve(cwd, chroma.path) } }),
		},
	};
}

/** A server that stopped answering must not keep the program from ending. */
async function closeWithin(target: Target, milliseconds: number): Promise<void> {
	await Promise.race([target.close().catch(() => {}), sleep(milliseconds, undefined, { ref: false })]);
}

const optionsOf = (request: PlanRequest, plan: Plan) => ({
	validate: request.validate,
	similarityThreshold: request.similarityThreshold,
	validationSample: request.validationSample,
	reportOutput: request.reportOutput,
	retry: { maxRetries: request.maxRetries, delayMilliseconds: request.retryDelayMilliseconds },
	target: plan.target.label,
});

/** One snapshot at a time: planning takes a fresh one, the run that follows reads the same. */
class SourceHolder {
	readonly #adapters: Adapters;
	#held: { readonly paths: SourcePaths; readonly source: Source } | null = null;

	constructor(adapters: Adapters) {
		this.#adapters = adapters;
	}

	async fresh(paths: SourcePaths): Promise<Source> {
		await this.close();
		const source = this.#adapters.openSource(paths);
		this.#held = { paths, source };
		return source;
	}

	async held(paths: SourcePaths): Promise<Source> {
		const held = this.#held;
		if (held !== null && isSame(held.paths, paths)) return held.source;
		return this.fresh(paths);
	}

	async close(): Promise<void> {
		const held = this.#held;
		this.#held = null;
		await held?.source.close();
	}
}

/** A directory is copied whole, of a server only what was chosen. */
function isSame(a: SourcePaths, b: SourcePaths): boolean {
	if (a.sqlitePath !== b.sqlitePath || a.chromaPath !== b.chromaPath) return false;
	return a.chromaPath === null || !isChromaServer(a.chromaPath) || a.collections?.join('\0') === b.collections?.join('\0');
}

/** Describes both halves on their own, so that one that cannot be read does not hide the other. */
async function describeDataset(
	adapters: Adapters,
	choice: SourcePaths & { readonly collections: readonly string[] },
	byConvention: boolean,
	signal: AbortSignal | undefined,
): Promise<DatasetDescription> {
	const problems: string[] = [];
	const errors: RepotError[] = [];
	const describe = async (paths: SourcePaths) => {
		try {
			return await adapters.inspectSource(paths, signal);
		} catch (thrown) {
			if (signal?.aborted === true) throw thrown;
			const error = asRepotError(thrown);
			errors.push(error);
			problems.push([error.message, error.where, error.why].filter((part) => part !== undefined).join(': '));
			return null;
		}
	};
	const sqlite = choice.sqlitePath === null ? null : await describe({ sqlitePath: choice.sqlitePath, chromaPath: null });
	const { chromaPath, collections: named } = choice;
	const chroma = chromaPath === null ? null : await describe({ sqlitePath: null, chromaPath, collections: named, describeOnly: true });
	let collections: DatasetDescription['collections'] = [];
	try {
		// Several and none named is a question to ask, not a fault.
		const isOpen = choice.collections.length === 0 && (chroma?.chroma?.collections.length ?? 0) > 1;
		if (chroma?.chroma != null && !isOpen) collections = chooseCollections(chroma.chroma, choice.collections, byConvention);
	} catch (thrown) {
		const error = asRepotError(thrown);
		errors.push(error);
		problems.push([error.message, error.why].filter((part) => part !== undefined).join(': '));
	}
	return { sqlite: sqlite?.sqlite ?? null, chroma: chroma?.chroma ?? null, problems, errors, collections };
}
