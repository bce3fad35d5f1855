import { floatsOf } from '../../services/chroma/values.js';
import { hexOf } from '../unit/chroma/canonical.js';
import { cosineAnswer } from '../unit/chroma/support.js';

/**
 * Whether `answered` is what a cosine index makes of `given`: by the arithmetic of `cosineAnswer`, or within 2e-7 of the largest component, because the
 * order of hnswlib's sums follows the instruction set it was built for.
 */
export function sameCosine(given: string, answered: string): boolean {
	const [vector, other] = [vectorOf(given), vectorOf(answered)];
	if (vector.length !== other.length) return false;
	const computed = cosineAnswer(vector);
	if (hexOf(computed) === answered) return true;
	const scale = vector.reduce((largest, component) => Math.max(largest, Math.abs(component)), 0);
	// NaN and infinities have no norm to divide by.
	if (!Number.isFinite(scale)) return other.some((component) => !Number.isFinite(component));
	return vector.every((component, at) => Math.abs(component - (other[at] as number)) <= 2e-7 * scale);
}

function vectorOf(hex: string): Float32Array {
	const vector = floatsOf(Buffer.from(hex, 'hex'));
	if (vector === null) throw new Error(`not whole floats: ${hex}`);
	return vector;
}
