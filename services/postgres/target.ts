import type { CopyStep } from '../../source/core/plan/types.js';
import type { Clock, Ledger, RollbackEvent, Target } from '../../source/core/ports.js';
import type { Secret } from '../../source/core/secret.js';
import { applySchemaStep, ensureCollection } from './apply-schema.js';
import { findPlannedClashes } from './clashes.js';
import { compareRecords } from './compare.js';
import { type Connection, parseConnection } from './connection-url.js';
import { describeTarget } from './describe.js';
import { type Access, Dialer } from './dialer.js';
import type { Driver } from './driver.js';
import { DriverPair } from './driver-pair.js';
import { isTransient, toRepotError } from './errors.js';
import { findKeptIds } from './kept-ids.js';
import { createLedger, requireRun } from './ledger.js';
import type { Place } from './login-words.js';
import { findObjections } from './objections.js';
import { findOtherDimensions } from './other-dimensions.js';
import { PgDriver } from './pg-driver.js';
import { PgliteDriver } from './pglite-driver.js';
import { previewRollback, rollbackRun } from './rollback.js';
import { RunLock } from './run-lock.js';
import { countJsonTypes, countRows, searchVectors } from './search.js';
import { testTarget } from './test-target.js';
import { BatchWriter } from './write-batch.js';

/**
 * `baseDir`: folder that a relative `pglite:` directory and the files of certificates start from; default: the working directory.
 * `tls` takes the place of what the URL says. `token` gives each new connection its password, and asks for TLS.
 */
export interface PostgresTargetOptions extends Access {
	/** `postgresql://..` or `pglite:DIRECTORY`. */
	readonly url: Secret;
	readonly clock: Clock;
}

const placeOf = (connection: Connection, iam: boolean): Place =>
	connection.kind === 'embedded'
		? { label: connection.label }
		: {
				label: connection.label,
				host: connection.host,
				database: connection.database,
				...(connection.user === '' ? {} : { user: connection.user }),
				...(iam ? { iam } : {}),
			};

/** Remembers each run's tenant, which a batch needs to leave other tenants' rows alone. */
class Tenants {
	readonly #driver: Driver;
	readonly #known = new Map<string, string>();

	constructor(driver: Driver) {
		this.#driver = driver;
	}

	async of(run: string): Promise<string> {
		const known = this.#known.get(run);
		if (known !== undefined) return known;
		const tenant = (await requireRun(this.#driver, run)).plan.tenant.value;
		this.#known.set(run, tenant);
		return tenant;
	}
}

/** Every error leaves in words that a person can act on. */
function mapped(ledger: Ledger, guard: <T>(work: () => Promise<T>) => Promise<T>): Ledger {
	return {
		begin: (run) => guard(() => ledger.begin(run)),
		find: (run) => guard(() => ledger.find(run)),
		runs: () => guard(() => ledger.runs()),
		stepDone: (run, step) => guard(() => ledger.stepDone(run, step)),
		finish: (run, status, totals) => guard(() => ledger.finish(run, status, totals)),
	};
}

/**
 * The `Target` of both databases; above the driver they share every line.
 * Connects when first used, and reads the files of certificates then.
 * @throws RepotError usage for a URL that cannot be read, and for settings that cannot hold together
 */
export function createPostgresTarget(options: PostgresTargetOptions): Target {
	const connection = parseConnection(options.url, options.baseDir ?? process.cwd(), options.env);
	const { label, identity } = connection;
	const driver =
		connection.kind === 'server'
			? new PgDriver({ label, identity, dialer: new Dialer(connection.server, label, options) })
			: new PgliteDriver(connection);
	return targetOn(driver, options.clock, placeOf(connection, options.token !== undefined));
}

/** The `Target` above any driver. */
export function targetOn(driver: Driver, clock: Clock, place: Place): Target {
	const guard = async <T>(work: () => Promise<T>): Promise<T> => {
		try {
			return await work();
		} catch (error) {
			throw toRepotError(error, place);
		}
	};
	const read = <T>(work: Parameters<typeof driver.transaction<T>>[0], signal?: AbortSignal): Promise<T> =>
		guard(() => driver.transaction(work, { readOnly: true, signal }));
	const writer = new BatchWriter(driver, clock);
	const tenants = new Tenants(driver);
	const lock = new RunLock(driver);
	const pair = new DriverPair(driver);

	async function* rollback(run: string, signal?: AbortSignal): AsyncGenerator<RollbackEvent> {
		const release = await guard(() => lock.take());
		try {
			yield* rollbackRun(driver, clock, run, signal, (error) => toRepotError(error, place));
		} catch (error) {
			throw toRepotError(error, place);
		} finally {
			await release();
		}
	}

	return {
		test: (signal) => guard(() => testTarget(driver, clock, place, signal)),
		describe: (request, signal) => read((session) => describeTarget(driver, session, request), signal),
		compare: (step: CopyStep, tenant, records, signal) => read((session) => compareRecords(session, step, tenant, records), signal),
		plannedClashes: (step, tenant, records, signal) => read((session) => findPlannedClashes(session, step, tenant, records), signal),
		otherDimensions: (collection, dimension, signal) => read((session) => findOtherDimensions(session, collection, dimension), signal),
		keptIds: (step, tenant, stem, signal) => read((session) => findKeptIds(session, step, tenant, stem), signal),
		objections: (objects, signal) => read((session) => findObjections(session, objects), signal),
		lock: () => guard(() => lock.take()),
		lockHolder: (signal) => guard(() => lock.holder(signal)),
		schemaWidth: driver.embedded ? 1 : 2,
		applySchema: (run, step, signal, onProgress, onNotice) =>
			guard(() =>
				pair.use((idle) =>
					applySchemaStep(idle, run, step, {
						signal,
						onProgress: onProgress ?? (() => undefined),
						onNotice: onNotice ?? (() => undefined),
					}),
				),
			),
		ensureCollection: (run, step) => guard(() => ensureCollection(driver, run, step)),
		writeBatch: (run, step, sequence, batch, policy, signal) =>
			guard(async () => writer.write({ run, step, sequence, batch, policy, tenant: await tenants.of(run), signal })),
		ledger: mapped(createLedger(driver), guard),
		count: (step, tenant) =>
			guard(() => pair.use((idle) => idle.transaction((session) => countRows(session, step, tenant), { readOnly: true }))),
		jsonTypes: (step, column, tenant) => read((session) => countJsonTypes(session, step, column, tenant)),
		search: (step, tenant, probe, k, mode, signal) => read((session) => searchVectors(session, step, tenant, probe, k, mode), signal),
		isTransient,
		rollbackPreview: (run) => read((session) => previewRollback(session, run)),
		rollback,
		close: () => guard(() => pair.close()),
	};
}
