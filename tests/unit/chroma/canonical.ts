import { createHash } from 'node:crypto';
import type { ChromaMetadata, Reader } from '../../../services/reader.js';
import type { CopyStep } from '../../../source/core/plan/types.js';

/** One record as the reader gives it. */
export interface ReadRecord {
	readonly id: string;
	readonly embedding: Float32Array | null;
	readonly document: string | null;
	readonly metadata: ChromaMetadata | null;
}

/** The reader takes the collection at its making; the step adds nothing for Chroma. */
export const anyStep = {} as CopyStep;

export function readAll(reader: Reader, from: string | null = null): ReadRecord[] {
	const records: ReadRecord[] = [];
	for (const { values } of reader.read(anyStep, ['id', 'embedding', 'document', 'metadata'], from)) {
		records.push({
			id: values[0] as string,
			embedding: values[1] as Float32Array | null,
			document: values[2] as string | null,
			metadata: values[3] as ChromaMetadata | null,
		});
	}
	return records;
}

export type NumberForm = 'plain' | 'typed';

/**
 * The canonical form of a collection: records sorted by the UTF-8 bytes of their id, each as JSON with sorted keys and no spaces, SHA-256 over the lines. `plain`: numbers as
 * JavaScript sees them; `typed`: integers as {"i":"5"}, floats as {"f":"<float64 little-endian hex>"}.
 */
export function canonicalHash(records: readonly ReadRecord[], form: NumberForm, withEmbeddings: boolean): string {
	const sorted = records.map((record) => ({ record, key: Buffer.from(record.id) })).sort((a, b) => Buffer.compare(a.key, b.key));
	const hash = createHash('sha256');
	for (const { record } of sorted) hash.update(`${canonicalLine(record, form, withEmbeddings)}\n`);
	return hash.digest('hex');
}

export function canonicalLine(record: ReadRecord, form: NumberForm, withEmbeddings: boolean): string {
	const metadata = new Map(record.metadata ?? []);
	const uri = metadata.get('chroma:uri') ?? null;
	metadata.delete('chroma:uri');
	const entries = [...metadata]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, value]) => `${JSON.stringify(key)}:${canonicalValue(value, form)}`);
	const embedding = withEmbeddings && record.embedding !== null ? JSON.stringify(hexOf(record.embedding)) : 'null';
	const metadataJson = entries.length === 0 ? 'null' : `{${entries.join(',')}}`;
	return `{"document":${JSON.stringify(record.document)},"embedding":${embedding},"id":${JSON.stringify(record.id)},"metadata":${metadataJson},"uri":${JSON.stringify(uri)}}`;
}

function canonicalValue(value: unknown, form: NumberForm): string {
	if (Array.isArray(value)) return `[${value.map((element) => canonicalValue(element, form)).join(',')}]`;
	if (typeof value === 'bigint') return form === 'typed' ? `{"i":"${value}"}` : JSON.stringify(Number(value));
	if (typeof value === 'number') return form === 'typed' ? `{"f":"${hexOf(new Float64Array([value]))}"}` : JSON.stringify(value);
	return JSON.stringify(value);
}

export const hexOf = (numbers: Float32Array | Float64Array): string =>
	Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('hex');
