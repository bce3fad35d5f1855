import type Database from 'better-sqlite3';
import { RepotError } from '../../source/core/errors.js';
import { RecordCaster } from '../../source/core/mapping/cast-record.js';
import { keyRule } from '../../source/core/mapping/id-casts.js';
import type { CopyStep, ForeignKey } from '../../source/core/plan/types.js';
import type { Cursor, Neighbour, Probe, Reject, SharedKeys, SourceDescription } from '../../source/core/ports.js';
import { tableOf } from '../sqlite/reader.js';
import { encodeBatches } from './batches.js';
import { cutParts } from './cut-parts.js';
import type { FeedCalls, FeedSettings, Judgement, SqliteCopy } from './feed-protocol.js';
import { FeedSources } from './feed-sources.js';
import { findOrphans, foreignKeyGuard, sourceColumns, translateKeys } from './foreign-keys.js';
import { NearestSearch } from './neighbours.js';
import { castRecords, drawProbes } from './sample.js';
import { type PartScan, type ScanPart, scanPart } from './scan-part.js';
import { countSharedKeys } from './shared-keys.js';
import { StepPass } from './step-pass.js';
import type { StopSignal } from './stop-signal.js';

/** Keys of the records of a step that do not go to the target. */
interface SetAside {
	readonly keys: Set<string>;
	/** Whether every record of the step was judged. */
	complete: boolean;
}

type Excluded = FeedCalls['openBatches']['argument']['excluded'];

/** What the worker knows and does, one call after another. Knows nothing of threads. */
export class FeedSession {
	readonly #folder: string;
	readonly #sources: FeedSources;
	/** Every step seen so far: a child's foreign keys are judged by its parent's casts. */
	readonly #steps = new Map<string, CopyStep>();
	readonly #setAside = new Map<string, SetAside>();
	readonly #orphans = new Map<string, ReadonlySet<string>>();
	/** Columns whose every value a complete scan of this snapshot let through as it is. It never changes, so they are not judged again. */
	readonly #judged = new Set<string>();
	/** Where the reading of each batch began and what was excluded from it, by step and first cursor. */
	readonly #batchStarts = new Map<string, { readonly before: Cursor | null; readonly excluded: Excluded }>();

	constructor(settings: FeedSettings) {
		this.#folder = settings.folder;
		this.#sources = new FeedSources(settings);
	}

	describe(stop: StopSignal): Promise<SourceDescription> {
		return this.#sources.describe(stop.signal);
	}

	snapshot(stop: StopSignal, onCopy: (fraction: number) => void): Promise<SqliteCopy | null> {
		return this.#sources.sqliteCopy(stop.signal, onCopy);
	}

	async chromaFingerprint(stop: StopSignal): Promise<string | null> {
		await this.#sources.open(stop.signal);
		return (await this.#sources.chroma?.fingerprint()) ?? null;
	}

	/** Several parts only where the source tells cheaply where they begin, and where one record's judgement does not hang on a later one's. */
	async cut(step: CopyStep, wanted: number, stop: StopSignal): Promise<readonly ScanPart[]> {
		await this.#sources.open(stop.signal);
		if (step.source.kind !== 'sqlite' || selfReference(step)) return [{ from: null, records: step.rows, toEnd: true }];
		return cutParts(new StepPass(step, this.#sources.reader(step), new RecordCaster(step), []), wanted, stop);
	}

	async scanPart(step: CopyStep, part: ScanPart, stop: StopSignal, onProgress: (fraction: number) => void): Promise<PartScan> {
		await this.#sources.open(stop.signal);
		// Whether a row's parent in the same table is refused may be known only further down, so such a table is judged beforehand.
		if (selfReference(step)) this.#judgeAll(step, stop);
		return scanPart(this.#pass(step, {}, stop), part, stop, onProgress);
	}

	learn(judgements: readonly Judgement[]): void {
		for (const { step, refused, unchanged } of judgements) {
			const setAside = this.#startSetAside(step);
			for (const key of refused) setAside.keys.add(key);
			setAside.complete = true;
			for (const place of unchanged) this.#judged.add(columnJudgement(step, place));
		}
	}

	judgements(): Judgement[] {
		return [...this.#steps.values()].flatMap((step) => {
			const setAside = this.#setAside.get(step.id);
			if (setAside?.complete !== true) return [];
			const unchanged = [...step.columns.keys()].filter((place) => this.#judged.has(columnJudgement(step, place)));
			return { step, refused: [...setAside.keys], unchanged };
		});
	}

	async openBatches(step: CopyStep, from: Cursor | null, excluded: Excluded, stop: () => StopSignal, spares: ArrayBuffer[]) {
		await this.#sources.open(stop().signal);
		const setAside = this.#startSetAside(step);
		if (selfReference(step) && !setAside.complete) this.#judgeAll(step, stop());
		const hasExcluded = step.foreignKeys.some(({ parent }) => (excluded[parent]?.length ?? 0) > 0);
		return encodeBatches(this.#pass(step, excluded, stop()), from, stop, spares, {
			batch: (first, before) => this.#batchStarts.set(`${step.id}/${first}`, { before, excluded }),
			// What is refused for the sake of `excluded` is the caller's knowledge and not remembered as the casts' own.
			rejected: (key) => (hasExcluded ? undefined : setAside.keys.add(key)),
			end: () => {
				if (from === null && !hasExcluded) setAside.complete = true;
			},
		});
	}

	async openRecords(step: CopyStep, limit: number | null, stop: () => StopSignal) {
		await this.#sources.open(stop().signal);
		this.#startSetAside(step);
		return castRecords(this.#pass(step, {}, stop()), limit, stop);
	}

	/** Reads the batch again up to the row in question. */
	async refusedRecord(argument: FeedCalls['refusedRecord']['argument'], stop: StopSignal): Promise<Reject> {
		await this.#sources.open(stop.signal);
		const { step, first, row, code, reason, key } = argument;
		const start = this.#batchStarts.get(`${step.id}/${first}`);
		if (start === undefined) throw lostRecord(step, `no batch that begins at ${first} was read here`);
		// With the same exclusions: a child that was left out for its parent's sake must not be counted.
		const pass = this.#pass(step, start.excluded, stop);
		let accepted = -1;
		for (const record of pass.records(start.before, stop)) {
			const found = key === null ? pass.judge(record) === null && ++accepted === row : pass.hasKey(record, key);
			if (!found) continue;
			return pass.reject(record, { column: null, code, reason });
		}
		throw lostRecord(step, `the batch that begins at ${first} has no row ${key === null ? row : `with the key ${key.join(', ')}`}`);
	}

	async probes(step: CopyStep, count: number, stop: StopSignal): Promise<readonly Probe[]> {
		await this.#sources.open(stop.signal);
		return drawProbes(this.#pass(step, {}, stop), count, stop);
	}

	async neighbours(step: CopyStep, probes: readonly Probe[], k: number, stop: StopSignal): Promise<readonly (readonly Neighbour[])[]> {
		await this.#sources.open(stop.signal);
		if (step.source.kind !== 'chroma') throw lostRecord(step, 'the step holds no vectors');
		const search = new NearestSearch(step.source.space, probes, k);
		// Once it is known which records are refused, the vectors alone are read.
		const aside = this.#judgeAll(step, stop).keys;
		const key = new Set(['id', ...step.key]);
		const columns = step.columns.filter(({ cast, name }) => cast === 'vector' || key.has(name));
		const pass = new StepPass(step, this.#sources.reader(step), new RecordCaster({ ...step, columns }), []);
		const place = pass.caster.fields.indexOf('embedding');
		for (const record of pass.records(null, stop)) {
			const id = pass.keyOf(record);
			const vector = record.values[place];
			if (vector instanceof Float32Array && !aside.has(id)) search.add(id, vector);
		}
		const inTarget = keyRule(keyColumn(step));
		return search.result().map((nearest) => nearest.map((neighbour) => ({ ...neighbour, key: inTarget(neighbour.key) })));
	}

	/** Of records that the casts accept. */
	async sharedKeys(steps: readonly CopyStep[], stop: StopSignal): Promise<SharedKeys> {
		await this.#sources.open(stop.signal);
		return countSharedKeys(
			this.#folder,
			steps.map((step) => ({ id: step.id, rows: step.rows, keys: () => this.#acceptedKeys(step, stop) })),
			stop,
		);
	}

	*#acceptedKeys(step: CopyStep, stop: StopSignal): Generator<string, void, undefined> {
		const aside = this.#judgeAll(step, stop).keys;
		const inTarget = keyRule(keyColumn(step));
		const columns = step.columns.filter(({ name }) => step.key.includes(name));
		const pass = new StepPass(step, this.#sources.reader(step), new RecordCaster({ ...step, columns }), []);
		for (const record of pass.records(null, stop)) {
			const key = pass.keyOf(record);
			if (!aside.has(key)) yield inTarget(key);
		}
	}

	async metadataKeys(step: CopyStep, stem: string, stop: StopSignal): Promise<readonly string[]> {
		await this.#sources.open(stop.signal);
		const columns = step.columns.filter(({ cast }) => cast === 'metadata').map(({ keeps: _, ...column }) => column);
		const pass = new StepPass(step, this.#sources.reader(step), new RecordCaster({ ...step, columns }), []);
		const found = new Set<string>();
		for (const { values } of pass.records(null, stop)) {
			const [metadata] = values;
			if (!(metadata instanceof Map)) continue;
			for (const key of metadata.keys())
				if (key === stem || (key.startsWith(`${stem}_`) && /^\d+$/.test(key.slice(stem.length + 1)))) found.add(key);
		}
		return [...found];
	}

	close(): Promise<void> {
		return this.#sources.close();
	}

	#startSetAside(step: CopyStep): SetAside {
		this.#steps.set(step.id, step);
		let setAside = this.#setAside.get(step.id);
		if (setAside === undefined) {
			setAside = { keys: new Set(), complete: false };
			this.#setAside.set(step.id, setAside);
		}
		return setAside;
	}

	/** Runs every record through casts and foreign keys, unless that happened before. */
	#judgeAll(step: CopyStep, stop: StopSignal): SetAside {
		const setAside = this.#startSetAside(step);
		if (setAside.complete) return setAside;
		let known: number;
		do {
			known = setAside.keys.size;
			const pass = this.#pass(step, {}, stop);
			for (const record of pass.records(null, stop)) {
				if (pass.judge(record) !== null) setAside.keys.add(pass.keyOf(record));
			}
			// A refused row of a table that refers to itself takes the rows below it along, round after round.
		} while (selfReference(step) && setAside.keys.size > known);
		setAside.complete = true;
		return setAside;
	}

	#pass(step: CopyStep, excluded: Excluded, stop: StopSignal): StepPass {
		const judged = new Set([...step.columns.keys()].filter((place) => this.#judged.has(columnJudgement(step, place))));
		const caster = new RecordCaster(step, judged);
		const connection = this.#sources.connection;
		const guards =
			step.source.kind !== 'sqlite' || connection === null
				? []
				: step.foreignKeys.flatMap((key) => {
						const orphans = this.#orphansOf(connection, step, key);
						const keys = this.#keysAside(connection, step, key, excluded, stop);
						return foreignKeyGuard(step, caster.fields, key, orphans, keys) ?? [];
					});
		return new StepPass(step, this.#sources.reader(step), caster, guards);
	}

	#orphansOf(connection: Database.Database, step: CopyStep, key: ForeignKey): ReadonlySet<string> {
		const table = tableOf(step);
		const columns = sourceColumns(step, key);
		const name = JSON.stringify([table, columns, key.parent, key.parentColumns]);
		let orphans = this.#orphans.get(name);
		if (orphans === undefined) {
			orphans = this.#sources.guarded(() => findOrphans(connection, table, columns, key));
			this.#orphans.set(name, orphans);
		}
		return orphans;
	}

	#keysAside(connection: Database.Database, step: CopyStep, key: ForeignKey, excluded: Excluded, stop: StopSignal): ReadonlySet<string> {
		const parent = this.#steps.get(key.parent);
		const judged = parent === undefined || parent.id === step.id ? this.#setAside.get(key.parent) : this.#judgeAll(parent, stop);
		const keys = new Set([...(judged?.keys ?? []), ...(excluded[key.parent] ?? [])]);
		const names = parent?.key.flatMap((name) => parent.columns.find((column) => column.name === name)?.source ?? []) ?? null;
		return this.#sources.guarded(() => translateKeys(connection, key, keys, names));
	}
}

/** The column of a key that has one. */
const keyColumn = (step: CopyStep) => (step.key.length === 1 ? step.columns.find(({ name }) => name === step.key[0]) : undefined);

const selfReference = (step: CopyStep): boolean => step.foreignKeys.some(({ parent }) => parent === step.id);

/** All that the judgement of a column's values by a verbatim cast depends on. */
function columnJudgement({ source, columns, key, policies }: CopyStep, place: number): string {
	const column = columns[place];
	const identifies = column?.identifies === true || key.includes(column?.name ?? '');
	return JSON.stringify([source, column?.source, column?.cast, column?.nullable, column?.existingType, identifies, policies]);
}

const lostRecord = (step: CopyStep, why: string): RepotError =>
	new RepotError({ kind: 'internal', code: 'RECORD_NOT_FOUND', message: `a record of step ${step.id} cannot be found again`, why });
