/** float32: the largest number, the smallest, and what a square must reach so as not to be rounded to zero. */
const largest = 3.4028234663852886e38;
const smallest = 1.401298464324817e-45;
const smallestSquare = 1.5e-45;

/**
 * Whether a cosine index answers `indexed` when it is given `logged`. It stores the vector divided by its norm and the norm beside it, and answers their
 * product, all in float32 (hnswlib python_bindings, `normalize_vector`: times 1 / (norm + 1e-30)). A component comes back within 1e-6 of itself; only
 * NaN comes back where the sum of the squares overflows or a component is no finite number, only zeros where every square underflows.
 */
export function isOriginalOf(indexed: Float32Array, logged: Float32Array): boolean {
	if (logged.length !== indexed.length) return false;
	const squares = logged.reduce((sum, component) => sum + component * component, 0);
	// The order in which the index adds up decides close to the largest number.
	if (!indexed.every(Number.isFinite)) return !(squares < largest * (1 - 1e-6));
	if (!Number.isFinite(squares)) return false;
	if (indexed.every((component) => component === 0)) return logged.every((component) => component * component < smallestSquare);
	// What a component loses where its quotient is among the smallest numbers comes back times the norm.
	const least = Math.max(1e-37, 2 * smallest * Math.sqrt(squares));
	return logged.every((component, at) => Math.abs(component - (indexed[at] as number)) <= Math.abs(component) * 1e-6 + least);
}

/**
 * Whether elements of a cosine index were written for another space, whose vectors are not normalised and whose `length.bin` holds noise. `elements`: the
 * sum of the squares of a stored vector, and its stored length. The norm of a tiny vector is lost to underflow, so it is not normalised in a
 * sound index either: it counts only where no other element shows that the lengths are true.
 */
export function notNormalised(elements: readonly { readonly squares: number; readonly length: number }[]): boolean {
	const isTiny = (length: number): boolean => length >= 0 && length < 1e-18;
	const isOne = (squares: number): boolean => squares <= 1.01 && squares >= 0.99;
	const odd = elements.filter(({ squares }) => squares > 1.01 || (squares < 0.99 && squares > 1e-20));
	if (odd.length === 0) return false;
	return odd.some(({ length }) => !isTiny(length)) || !elements.some(({ squares, length }) => isOne(squares) && !isTiny(length));
}
