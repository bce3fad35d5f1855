import { RepotError } from '../../source/core/errors.js';
import type { CastValue } from '../../source/core/mapping/cast-result.js';
import type { ColumnMapping } from '../../source/core/plan/types.js';
import { batchBuffer, type RowEncoder } from './row-encoder.js';

// The binary format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
// The receive functions of the types: uuid.c (16 bytes), varchar.c (text), jsonb.c (version 1, then JSON text),
// pgvector src/vector.c vector_recv (int16 dimensions, int16 unused, float4 each); all numbers in network order.

const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const trailer = Buffer.from([0xff, 0xff]);
const jsonbVersion = 1;
const firstBytes = 1024 * 1024;
const bytesPerUnit = 3;

type Kind = 'uuid' | 'text' | 'jsonb' | 'vector';

/** Encodes rows of uuid, text, jsonb and vector columns. Throws RepotError (internal) for a type it does not know. */
export class CopyBinaryEncoder implements RowEncoder {
	readonly #kinds: readonly Kind[];
	#buffer: Buffer = Buffer.allocUnsafeSlow(firstBytes);
	#used: number;

	constructor(columns: readonly Pick<ColumnMapping, 'name' | 'targetType'>[]) {
		this.#kinds = columns.map(kindOf);
		header.copy(this.#buffer);
		this.#used = header.length;
	}

	get bytes(): number {
		return this.#used + trailer.length;
	}

	row(values: readonly CastValue[]): void {
		this.#reserve(2);
		this.#used = this.#buffer.writeInt16BE(values.length, this.#used);
		for (let column = 0; column < values.length; column++) {
			this.#field(this.#kinds[column] as Kind, values[column] as CastValue);
		}
	}

	take(spare?: ArrayBuffer): Uint8Array<ArrayBuffer> {
		const batch = batchBuffer(this.bytes, spare);
		batch.set(this.#buffer.subarray(0, this.#used));
		batch.set(trailer, this.#used);
		this.reset();
		return batch;
	}

	reset(): void {
		this.#used = header.length;
	}

	#field(kind: Kind, value: CastValue): void {
		if (value === null) {
			this.#reserve(4);
			this.#used = this.#buffer.writeInt32BE(-1, this.#used);
		} else if (kind === 'vector') {
			this.#vector(bytesOf(value));
		} else if (kind === 'uuid') {
			this.#reserve(20);
			this.#used = this.#buffer.writeInt32BE(16, this.#used);
			this.#used += this.#buffer.write(String(value).replaceAll('-', ''), this.#used, 'hex');
		} else {
			this.#text(String(value), kind === 'jsonb' ? 1 : 0);
		}
	}

	#text(value: string, prefix: 0 | 1): void {
		this.#reserve(4 + prefix + value.length * bytesPerUnit);
		const start = this.#used + 4;
		if (prefix === 1) this.#buffer[start] = jsonbVersion;
		const length = prefix + this.#buffer.write(value, start + prefix, 'utf8');
		this.#buffer.writeInt32BE(length, this.#used);
		this.#used = start + length;
	}

	/** `bytes` holds float32 little-endian; only the order of the bytes changes. */
	#vector(bytes: Uint8Array): void {
		this.#reserve(8 + bytes.length);
		const buffer = this.#buffer;
		let at = buffer.writeInt32BE(4 + bytes.length, this.#used);
		at = buffer.writeInt16BE(bytes.length / 4, at);
		at = buffer.writeInt16BE(0, at);
		buffer.set(bytes, at);
		buffer.subarray(at, at + bytes.length).swap32();
		this.#used = at + bytes.length;
	}

	#reserve(bytes: number): void {
		if (this.#used + bytes <= this.#buffer.length) return;
		const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#used + bytes));
		this.#buffer.copy(larger, 0, 0, this.#used);
		this.#buffer = larger;
	}
}

function kindOf(column: Pick<ColumnMapping, 'name' | 'targetType'>): Kind {
	const type = column.targetType.toLowerCase();
	if (type === 'uuid' || type === 'jsonb') return type;
	if (/^(text|varchar|character varying)(\(\d+\))?$/.test(type)) return 'text';
	if (/^vector(\(\d+\))?$/.test(type)) return 'vector';
	throw new RepotError({
		kind: 'internal',
		code: 'NO_BINARY_FORM',
		message: `column ${column.name} has the type ${column.targetType}, which is not sent in binary`,
	});
}

function bytesOf(value: string | Uint8Array): Uint8Array {
	if (typeof value !== 'string') return value;
	throw new RepotError({ kind: 'internal', code: 'NO_BINARY_FORM', message: 'a vector column got text' });
}
