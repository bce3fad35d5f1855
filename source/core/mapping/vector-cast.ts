import type { DistanceSpace } from '../plan/types.js';
import { type Cast, Noted, Refused, refuseKind } from './cast-result.js';

/** A float32 vector to its little-endian bytes, bit for bit. `dimension` null: any. */
export const vectorCast =
	(dimension: number | null, space: DistanceSpace): Cast =>
	(value) => {
		if (value === null) return new Refused('MISSING_VECTOR', 'the record has no vector');
		if (!(value instanceof Float32Array)) return refuseKind(value, 'a vector');
		if (value.length === 0) return new Refused('MISSING_VECTOR', 'the vector has no dimensions');
		if (dimension !== null && value.length !== dimension) {
			return new Refused('DIMENSION_MISMATCH', `${value.length} dimensions; the collection has ${dimension}`);
		}
		// A sum of finite float32 magnitudes stays finite in float64, so one addition a component finds NaN, infinity and all-zero at once.
		let sum = 0;
		for (let index = 0; index < value.length; index++) sum += Math.abs(value[index] as number);
		if (!Number.isFinite(sum)) return new Refused('VECTOR_NOT_FINITE', notFinite(value));
		const bytes = littleEndian(value);
		// A zero vector has no direction: its cosine distance is NaN and no index holds it.
		return sum === 0 && space === 'cosine' ? new Noted(bytes, 'ZERO_VECTOR') : bytes;
	};

function notFinite(vector: Float32Array): string {
	const at = vector.findIndex((component) => !Number.isFinite(component));
	return `component ${at + 1} of ${vector.length} is ${vector[at]}`;
}

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** float32 little-endian bytes of a vector: a view where the machine stores floats that way, a copy elsewhere. */
export function littleEndian(vector: Float32Array): Uint8Array {
	if (hostIsLittleEndian) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
	const bytes = new Uint8Array(vector.byteLength);
	const view = new DataView(bytes.buffer);
	vector.forEach((component, index) => {
		view.setFloat32(index * 4, component, true);
	});
	return bytes;
}
