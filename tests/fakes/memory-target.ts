import { RepotError } from '../../source/core/errors.js';
import type { CopyStep, Plan, Step } from '../../source/core/plan/types.js';
import type {
	CastRecord,
	Comparison,
	Ledger,
	LedgerRun,
	LedgerStep,
	Objection,
	QuarantineEntry,
	RunFolder,
	RunHistory,
	RunSummary,
	Target,
	TargetColumn,
	TargetDescription,
	TargetTable,
	WriteResult,
} from '../../source/core/ports.js';

interface Stored {
	values: CastRecord['values'];
	tenant: string | null;
}

interface StoredRun {
	run: LedgerRun;
	plan: Plan;
	steps: Map<string, { -readonly [K in keyof LedgerStep]: LedgerStep[K] }>;
}

export interface MemoryTarget extends Target {
	readonly rows: Map<string, Map<string, Stored>>;
	readonly stored: StoredRun[];
	/** Names of methods called that write. */
	readonly writes: string[];
	/** Throws before the batch commits, once per entry. */
	readonly failures: { step: string; batch: number; error: unknown }[];
	description: TargetDescription;
	onCommit: (step: string, batch: number) => void;
	/** Keys that the target itself refuses, by step. */
	readonly refuses: Map<string, ReadonlySet<string>>;
	/** Columns that describe() reports of a table that holds rows. */
	columnsOf: (table: string) => readonly TargetColumn[];
	/** What its rows have against objects; those of steps that are not asked for are left out. */
	objecting: readonly Objection[];
}

/** The collection of a stored row. */
const collectionOf = (step: CopyStep, values: CastRecord['values']) =>
	values[step.columns.findIndex(({ name }) => name === 'collection_id')];

const decoder = new TextDecoder();

/** Target over maps with a ledger that commits with the rows, as the real one does. */
export function memoryTarget(): MemoryTarget {
	const rows = new Map<string, Map<string, Stored>>();
	const stored: StoredRun[] = [];
	const writes: string[] = [];
	const failures: MemoryTarget['failures'] = [];
	const refuses: MemoryTarget['refuses'] = new Map();
	let locked = false;
	const tableOf = (name: string): Map<string, Stored> => {
		const table = rows.get(name) ?? new Map<string, Stored>();
		rows.set(name, table);
		return table;
	};
	const find = (run: string): StoredRun => {
		const entry = stored.find((candidate) => candidate.run.id === run);
		if (entry === undefined) throw new Error(`no run ${run}`);
		return entry;
	};
	const stepOf = (entry: StoredRun, id: string) => {
		const step = entry.steps.get(id) ?? {
			id,
			state: 'running',
			lastBatch: -1,
			lastCursor: null,
			rows: 0,
			bytes: 0,
			rejected: 0,
			skipped: 0,
		};
		entry.steps.set(id, step);
		return step;
	};
	const tenantOf = (step: CopyStep): string | null =>
		step.columns.find((column) => column.cast === 'constant' && column.name === 'user_id')?.constant ?? null;
	const ledger: Ledger = {
		async begin({ id, plan, operator }) {
			writes.push('begin');
			stored.unshift({
				plan,
				steps: new Map(),
				run: {
					id,
					plan: plan.id,
					intent: plan.intent,
					status: 'running',
					environment: plan.environment,
					tenant: plan.tenant.value,
					operator,
					startedAt: plan.createdAt,
					finishedAt: null,
					written: 0,
					quarantined: 0,
				},
			});
		},
		async find(run) {
			const entry = stored.find((candidate) => candidate.run.id === run);
			return entry === undefined
				? null
				: { run: entry.run, plan: entry.plan, steps: [...entry.steps.values()].map((step) => ({ ...step })) };
		},
		runs: async () => stored.map((entry) => entry.run),
		async stepDone(run, step: Step) {
			stepOf(find(run), step.id).state = 'done';
		},
		async finish(run, status, totals) {
			const entry = find(run);
			entry.run = { ...entry.run, status, ...totals };
		},
	};
	const target: MemoryTarget = {
		rows,
		stored,
		writes,
		failures,
		refuses,
		ledger,
		onCommit: () => {},
		columnsOf: () => [],
		objecting: [],
		description: {
			facts: { label: 'memory', identity: 'memory', embedded: false, serverVersion: '17.0', pgvectorVersion: '0.8.0', fingerprint: '' },
			resources: { effectiveCacheBytes: 4 * 2 ** 30, maintenanceBytes: 64 * 2 ** 20, maxParallelWorkers: 8 },
			schema: 'public',
			tables: [],
			collections: [],
			vectorExtension: { installed: '0.8.0', available: '0.8.0', mayCreate: true },
			runs: [],
		},
		async test() {
			return { facts: target.description.facts, latencyMilliseconds: 1, user: 'me', database: 'memory', canCreate: true, problems: [] };
		},
		async describe(request) {
			const tables = [...rows]
				.filter(([name]) => request.tables.includes(name))
				.map(
					([name, table]): TargetTable =>
						target.description.tables.find((known) => known.name === name) ?? {
							name,
							columns: target.columnsOf(name),
							primaryKey: ['id'],
							uniques: [],
							foreignKeys: [],
							indexes: [],
							rows: table.size,
							tenantRows: [...table.values()].filter((row) => row.tenant === request.tenant.value).length,
						},
				);
			const counted = tables.map((table) => ({ ...table, rows: rows.get(table.name)?.size ?? 0 }));
			const fingerprint = JSON.stringify(counted.map((table) => [table.name, table.rows]));
			return {
				...target.description,
				tables: counted,
				facts: { ...target.description.facts, fingerprint },
				runs: stored.map((entry) => entry.run),
			};
		},
		plannedClashes: async () => new Map(),
		async compare(step, tenant, records) {
			return records.map((record): Comparison => {
				const found = rows.get(step.table)?.get(record.key.join(','));
				if (found === undefined) return { key: record.key, state: 'absent', differences: [] };
				const isOther = step.collection !== undefined && collectionOf(step, found.values) !== step.collection.uuid;
				if (isOther) return { key: record.key, state: 'other-collection', differences: [] };
				if (found.tenant !== null && found.tenant !== tenant) return { key: record.key, state: 'other-tenant', differences: [] };
				const differences = step.columns.flatMap((column, at) =>
					found.values[at] === record.values[at]
						? []
						: [{ column: column.name, expected: String(record.values[at]), found: String(found.values[at]) }],
				);
				return { key: record.key, state: differences.length === 0 ? 'equal' : 'differs', differences };
			});
		},
		keptIds: async () => [],
		objections: async (objects) => target.objecting.filter(({ step }) => objects.some((object) => object.step === step)),
		async lock() {
			if (locked) throw new RepotError({ kind: 'locked', code: 'LOCKED', message: 'another run holds the lock' });
			locked = true;
			return async () => {
				locked = false;
			};
		},
		lockHolder: async () => (locked ? 'another run' : null),
		schemaWidth: 2,
		async applySchema(run, step) {
			writes.push(`schema ${step.id}`);
			if (step.what === 'table') tableOf(step.object);
			stepOf(find(run), step.id).state = 'done';
			return 'created';
		},
		async ensureCollection() {
			writes.push('collection');
		},
		async writeBatch(run, step, sequence, batch, policy) {
			const failure = failures.findIndex((candidate) => candidate.step === step.id && candidate.batch === sequence);
			if (failure >= 0) throw failures.splice(failure, 1)[0]?.error;
			const table = tableOf(step.table);
			const records = JSON.parse(decoder.decode(batch.data)) as CastRecord[];
			let written = 0;
			let skipped = 0;
			const refused: WriteResult['refused'][number][] = [];
			for (const [row, record] of records.entries()) {
				const key = record.key.join(',');
				if (refuses.get(step.id)?.has(key) === true) {
					refused.push({ row, code: 'SERVER_22P02', reason: 'refused by the target' });
					continue;
				}
				if (table.has(key) && policy !== 'update') {
					if (step.write === 'copy') throw new RepotError({ kind: 'stale-plan', code: 'STALE_PLAN', message: `key ${key} appeared` });
					skipped++;
					continue;
				}
				table.set(key, { values: record.values, tenant: tenantOf(step) });
				written++;
			}
			const ledgerStep = stepOf(find(run), step.id);
			const after = ledgerStep.lastCursor;
			ledgerStep.lastBatch = sequence;
			ledgerStep.lastCursor = batch.last;
			ledgerStep.rows += written;
			ledgerStep.rejected += batch.rejects.length + refused.length;
			ledgerStep.refused = [
				...(ledgerStep.refused ?? []),
				...refused.map((one) => ({ batch: sequence, first: batch.first, after, ...one })),
			];
			ledgerStep.skipped += skipped;
			writes.push(`batch ${step.id} ${sequence}`);
			target.onCommit(step.id, sequence);
			return { written, updated: 0, skipped, refused };
		},
		async count(step, tenant) {
			const all = [...(rows.get(step.table)?.values() ?? [])].filter(
				({ values }) => step.collection === undefined || collectionOf(step, values) === step.collection.uuid,
			);
			const mine = all.filter((row) => row.tenant === tenant || row.tenant === null);
			return { rows: all.length, tenantRows: mine.length, missingTenant: 0, foreignInRun: 0 };
		},
		jsonTypes: async () => ({}),
		otherDimensions: async () => ({ count: 0, dimensions: [] }),
		async search(step, _tenant, probe, k) {
			const at = step.columns.findIndex((column) => column.name === 'embedding');
			return [...(rows.get(step.table)?.entries() ?? [])]
				.filter(([, { values }]) => collectionOf(step, values) === step.collection?.uuid)
				.map(([key, row]) => ({
					key,
					distance: String(row.values[at])
						.split(',')
						.reduce((sum, value, index) => sum + (Number(value) - (probe.vector[index] ?? 0)) ** 2, 0),
				}))
				.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1))
				.slice(0, k);
		},
		isTransient: (error) => error instanceof Error && error.message === 'connection reset',
		rollbackPreview: async () => {
			throw new Error('not in this fake');
		},
		rollback: () => {
			throw new Error('not in this fake');
		},
		close: async () => {},
	};
	return target;
}

/** Run folders in memory. */
export function memoryHistory(): RunHistory & {
	readonly files: Map<string, string>;
	readonly quarantine: QuarantineEntry[];
	readonly runs: RunSummary[];
} {
	const files = new Map<string, string>();
	const quarantine: QuarantineEntry[] = [];
	const runs: RunSummary[] = [];
	return {
		files,
		quarantine,
		runs,
		async open(run): Promise<RunFolder> {
			return {
				path: `runs/${run}`,
				quarantine: {
					path: `runs/${run}/quarantine.jsonl`,
					append: async (entries) => {
						quarantine.push(...entries);
					},
					keepCommitted: async (lastBatch) => {
						const kept = quarantine.filter((entry) => entry.batch <= (lastBatch[entry.step] ?? -1));
						quarantine.splice(0, quarantine.length, ...kept);
					},
					async *entries() {
						yield* quarantine;
					},
				},
				write: async (name, content) => {
					files.set(name, content);
					return `runs/${run}/${name}`;
				},
				appendEvent: (line) => {
					files.set('events', `${files.get('events') ?? ''}${line}\n`);
				},
				sessionsBefore: async () => ({ sessions: (files.get('events') ?? '').split('"run-started"').length - 1, milliseconds: 5000 }),
				close: async () => {},
			};
		},
		async record(run) {
			const at = runs.findIndex((known) => known.id === run.id);
			if (at >= 0) runs[at] = run;
			else runs.push(run);
		},
		list: async () => runs,
		find: async (run) => runs.find((known) => known.id === run) ?? null,
	};
}
