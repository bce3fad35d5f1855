const double = new Float64Array(1);
const doubleBits = new Uint32Array(double.buffer);
const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);
const lowWord = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;
const smallestNormal = 2 ** -126;

/**
 * The float32 nearest to the decimal that `parsed` was read from: what a server meant that printed a float32 by its shortest digits
 * (at most nine). Math.fround of the parsed double is that, unless the double lies exactly between two floats: then it was rounded once
 * already, and the decimal itself tells to which side. A decimal of up to 15 digits comes back out of its double, so String(parsed) is that decimal.
 * NaN when the number is beyond float32.
 */
export function nearestFloat32(parsed: number): number {
	const rounded = Math.fround(parsed);
	double[0] = parsed;
	// A float32 keeps 24 of a double's 53 bits: halfway means that of the other 29 the first alone is set. Subnormals keep fewer.
	const suspicious = ((doubleBits[lowWord] as number) & 0x1fffffff) === 0x10000000 || Math.abs(parsed) < smallestNormal;
	if (suspicious && rounded !== parsed) return settled(parsed, rounded);
	return Number.isFinite(rounded) ? rounded : Number.NaN;
}

function settled(parsed: number, rounded: number): number {
	const other = neighbour(rounded, parsed > rounded);
	if ((rounded + other) / 2 !== parsed) return rounded;
	const decimal = digitsOf(String(Math.abs(parsed)));
	// Exact: the specification of toPrecision asks for the true digits, and a float's half has far fewer than 100.
	const middle = digitsOf(Math.abs(parsed).toPrecision(100));
	if (decimal === middle) return rounded;
	const away = decimal > middle;
	const [near, far] = Math.abs(rounded) < Math.abs(other) ? [rounded, other] : [other, rounded];
	return away ? far : near;
}

/** Next float32 above or below. */
function neighbour(value: number, above: boolean): number {
	single[0] = value;
	if (value === 0) {
		singleBits[0] = above ? 1 : -0x7fffffff;
		return single[0];
	}
	// Bits of a float grow with its magnitude.
	singleBits[0] = (singleBits[0] as number) + (above === value > 0 ? 1 : -1);
	return single[0];
}

/** Significant digits of a decimal, without zeros at either end: of equal magnitude, compared as texts they are compared as fractions. */
const digitsOf = (decimal: string): string => decimal.replace(/e.*$/, '').replace('.', '').replace(/^0+/, '').replace(/0+$/, '');
