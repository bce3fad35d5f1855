import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestFloat32 } from '../../../services/chroma-server/float32.js';

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);
const bitsOf = (value: number): number => {
	floats[0] = value;
	return bits[0] as number;
};
const fromBits = (pattern: number): number => {
	bits[0] = pattern;
	return floats[0] as number;
};

/** The nearest float32 to a decimal by exact arithmetic: the judge. */
function exactly(decimal: string): number {
	const guess = bitsOf(Math.fround(Number(decimal)));
	const candidates = [-1, 0, 1].map((step) => fromBits(guess + step)).filter(Number.isFinite);
	const [digits, scale] = fractionOf(decimal);
	const distance = (value: number): bigint => {
		const [other, otherScale] = fractionOf(value.toPrecision(100));
		const common = Math.max(scale, otherScale);
		const difference = digits * 10n ** BigInt(common - scale) - other * 10n ** BigInt(common - otherScale);
		const magnitude = difference < 0n ? -difference : difference;
		return magnitude * 10n ** BigInt(400 - common);
	};
	const sorted = candidates
		.map((value) => ({ value, far: distance(value) }))
		.sort((a, b) => (a.far < b.far ? -1 : a.far > b.far ? 1 : (bitsOf(a.value) & 1) - (bitsOf(b.value) & 1)));
	return sorted[0]?.value ?? Number.NaN;
}

/** `digits / 10 ** scale`. */
function fractionOf(decimal: string): [bigint, number] {
	const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(decimal) ?? [];
	const scale = fraction.length - Number(exponent);
	const digits = BigInt(sign + whole + fraction);
	return scale < 0 ? [digits * 10n ** BigInt(-scale), 0] : [digits, scale];
}

/** Shortest digits that lead back to the float, as a server prints it. */
function printed(value: number): string {
	for (let digits = 1; digits < 9; digits++) {
		const text = value.toPrecision(digits);
		if (bitsOf(exactly(text)) === bitsOf(value)) return text;
	}
	return value.toPrecision(9);
}

const pattern = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('a float32 out of JSON', () => {
	it('has the bits that the server printed, whatever float it was', () => {
		fc.assert(
			fc.property(pattern, (integer) => {
				const value = fromBits(integer);
				if (!Number.isFinite(value) || value === 0) return;
				expect(bitsOf(nearestFloat32(Number(printed(value))))).toBe(bitsOf(value));
			}),
			{ numRuns: 2000 },
		);
		for (const value of [0, -0, 1e-45, -1e-45, 3.4028234663852886e38, 1.1754943508222875e-38, 0.1]) {
			expect(bitsOf(nearestFloat32(value))).toBe(bitsOf(value));
		}
	});

	it('is the nearest to the decimal, not to the double that lies between two floats', () => {
		// 2^-30 * 16777217 lies between two floats; decimals beside it round to it as doubles.
		const middle = 16777217 * 2 ** -30;
		const nearby = [middle, fromDouble(middle, 1), fromDouble(middle, -1)];
		for (const double of nearby) expect(nearestFloat32(double)).toBe(exactly(String(double)));
		fc.assert(
			fc.property(pattern, (integer) => {
				const [low, high] = [fromBits(integer), fromBits(integer + 1)];
				if (!Number.isFinite(low) || !Number.isFinite(high)) return;
				const between = (low + high) / 2;
				const decimal = String(between);
				expect(bitsOf(nearestFloat32(Number(decimal)))).toBe(bitsOf(exactly(decimal)));
			}),
			{ numRuns: 1000 },
		);
	});

	it('is none where the number is beyond float32', () => {
		expect(nearestFloat32(1e39)).toBeNaN();
		expect(nearestFloat32(-1e300)).toBeNaN();
	});
});

/** The double so many steps away. */
function fromDouble(value: number, steps: number): number {
	const view = new DataView(new ArrayBuffer(8));
	view.setFloat64(0, value);
	view.setBigInt64(0, view.getBigInt64(0) + BigInt(steps));
	return view.getFloat64(0);
}
