/**
 * PostgreSQL's numeric, and with it every number in jsonb, holds up to 131,072 digits before the decimal point and 16,383 after it
 * (https://www.postgresql.org/docs/current/datatype-numeric.html).
 */
const digitsBefore = 131_072;
const digitsAfter = 16_383;

/**
 * Whether numeric(precision, scale) holds a decimal number exactly. It would round away digits after `scale` without a word (a negative
 * scale: digits before the point) and refuse more than `precision - scale` digits before the point. Zeros at either end count for nothing.
 */
export function fitsPrecision(number: string, precision: number, scale: number): boolean {
	const match = /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(number);
	if (match === null) return false;
	const [, whole = '', fraction = '', power = '0'] = match;
	const digits = `${whole}${fraction}`;
	const leading = /^0*/.exec(digits)?.[0].length ?? 0;
	if (leading === digits.length) return true;
	const trailing = digits.length - digits.replace(/0+$/, '').length;
	const exponent = Number(power);
	return fraction.length - exponent - trailing <= scale && whole.length + exponent - leading <= precision - scale;
}

/** Whether a decimal number in JSON's or SQL's spelling fits into numeric, which would otherwise refuse the whole row. */
export function fitsNumeric(number: string): boolean {
	const match = /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(number);
	if (match === null) return false;
	const [, whole = '', fraction = '', power = '0'] = match;
	const exponent = Number(power);
	// Half of the largest int32: what PostgreSQL's parser takes as an exponent at all, even of zero.
	if (Math.abs(exponent) > 1_073_741_823) return false;
	// The scale is the number of digits written, zeros included: 0e-16384 is refused as well.
	if (fraction.length - exponent > digitsAfter) return false;
	const significant = `${whole}${fraction}`.replace(/^0+/, '').length;
	return significant === 0 || significant - fraction.length + exponent <= digitsBefore;
}
