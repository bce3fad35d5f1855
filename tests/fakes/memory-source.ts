import { keyRule } from '../../source/core/mapping/id-casts.js';
import type { ColumnMapping, CopyStep } from '../../source/core/plan/types.js';
import type {
	CastRecord,
	ChromaDescription,
	Finding,
	Probe,
	Reject,
	Source,
	SourceBatch,
	SourceFingerprints,
	SqliteDescription,
} from '../../source/core/ports.js';

/** A row of a fake table; a value `!bad` is refused by the fake casts. */
export type FakeRow = Readonly<Record<string, string | null>>;

/** Without a vector: null. */
export interface FakeVector {
	id: string;
	vector: number[] | null;
	metadata?: string;
}

export interface FakeTables {
	sqlite: SqliteDescription | null;
	chroma: ChromaDescription | null;
	rows: Record<string, FakeRow[]>;
	vectors: FakeVector[];
	/** Vectors of single collections, by id; the others have `vectors`. */
	vectorsOf?: Record<string, FakeVector[]>;
	fingerprint: string;
}

const encoder = new TextEncoder();

/** Source over arrays: batches carry their rows as JSON, so that the fake target can read them. Cursor = index of the row. */
export function memorySource(tables: FakeTables): Source {
	const rowsOf = (step: CopyStep): FakeRow[] =>
		step.source.kind === 'sqlite'
			? (tables.rows[step.source.table] ?? [])
			: vectorsOf(step).map(({ id, vector, metadata }) => ({
					id,
					embedding: vector?.join(',') ?? null,
					...(metadata === undefined ? {} : { metadata }),
				}));
	const vectorsOf = ({ source }: CopyStep): FakeVector[] =>
		source.kind === 'chroma' ? (tables.vectorsOf?.[source.collectionId] ?? tables.vectors) : [];
	const idIn = (step: CopyStep): ((id: string) => string) => keyRule(step.columns.find(({ name }) => name === 'id'));
	const cast = (step: CopyStep, row: FakeRow): CastRecord | Reject => {
		const key = step.key.map((name) => (step.source.kind === 'chroma' ? idIn(step)(row[name] ?? '') : (row[name] ?? '')));
		const bad = Object.entries(row).find(([, value]) => value === '!bad');
		if (bad !== undefined) {
			return {
				key: key.join(','),
				column: bad[0],
				code: 'INVALID_JSON',
				reason: 'not JSON',
				raw: '!bad',
				rawKind: 'text',
				record: JSON.stringify(row),
			};
		}
		const value = (column: ColumnMapping): string | null => {
			if (column.name === 'id' && step.source.kind === 'chroma') return key[0] ?? null;
			return column.constant ?? (column.source === null ? null : (row[column.source] ?? null));
		};
		return { key, values: step.columns.map(value), ...(row.id === undefined ? {} : { sourceKey: row.id ?? '' }) };
	};
	const accepted = (step: CopyStep): CastRecord[] =>
		rowsOf(step).flatMap((row) => {
			const result = cast(step, row);
			return 'values' in result ? [result] : [];
		});
	const fingerprints = (): SourceFingerprints => ({
		sqlite: tables.sqlite === null ? null : `sqlite-${tables.fingerprint}`,
		chroma: tables.chroma === null ? null : `chroma-${tables.fingerprint}`,
	});
	return {
		describe: async () => ({ sqlite: tables.sqlite, chroma: tables.chroma }),
		fingerprints: async () => fingerprints(),
		async scan(step) {
			const rows = rowsOf(step);
			const rejects = rows.flatMap((row) => {
				const result = cast(step, row);
				return 'values' in result ? [] : [result];
			});
			const findings: Finding[] =
				rejects.length === 0
					? []
					: [
							{
								code: 'INVALID_JSON',
								severity: 'warn',
								column: rejects[0]?.column ?? null,
								count: rejects.length,
								sample: rejects.slice(0, 5).map((one) => one.key),
								message: 'not JSON',
							},
						];
			return {
				rows: rows.length,
				rejected: rejects.length,
				bytes: JSON.stringify(rows).length,
				findings,
				notes: {},
				jsonTypes: {},
				milliseconds: 1,
			};
		},
		async *read(step, from) {
			const rows = rowsOf(step);
			for (let start = from === null ? 0 : Number(from) + 1; start < rows.length; start += step.batchRecords) {
				const slice = rows.slice(start, start + step.batchRecords);
				const results = slice.map((row) => cast(step, row));
				const good = results.filter((result): result is CastRecord => 'values' in result);
				yield {
					data: encoder.encode(JSON.stringify(good)),
					rows: good.length,
					first: String(start),
					last: String(start + slice.length - 1),
					rejects: results.filter((result): result is Reject => !('values' in result)),
				} satisfies SourceBatch;
			}
		},
		async *records(step, limit) {
			const all = accepted(step);
			yield limit === null ? all : all.slice(0, limit);
		},
		refusedRecord: async (_step, _first, row, code, reason) => ({
			key: `row ${row}`,
			column: null,
			code,
			reason,
			raw: null,
			rawKind: 'null',
			record: '{}',
		}),
		async sharedKeys(steps) {
			const holders = new Map<string, string[]>();
			for (const step of steps)
				for (const { key } of accepted(step)) holders.set(key.join(','), [...(holders.get(key.join(',')) ?? []), step.id]);
			const shared = [...holders].filter(([, ids]) => ids.length > 1).sort();
			return { count: shared.length, sample: shared.slice(0, 5).map(([key, ids]) => ({ key, steps: ids })) };
		},
		metadataKeys: async () => [],
		probes: async (step, count) =>
			vectorsOf(step)
				.slice(0, count)
				.flatMap(({ id, vector }): Probe[] => (vector === null ? [] : [{ label: id, vector: Float32Array.from(vector) }])),
		neighbours: async (step, probes, k) =>
			probes.map((probe) =>
				vectorsOf(step)
					.map(({ id, vector }) => ({
						key: idIn(step)(id),
						distance: (vector ?? []).reduce((sum, value, at) => sum + (value - (probe.vector[at] ?? 0)) ** 2, 0),
					}))
					.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1))
					.slice(0, k),
			),
		close: async () => {},
	};
}
