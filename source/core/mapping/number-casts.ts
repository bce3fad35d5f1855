import { type Cast, Noted, type Refused, realText, refuseKind } from './cast-result.js';
import { fitsNumeric } from './numeric-limits.js';

const integerText = /^\s*[+-]?\d+\s*$/;
const decimalText = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** INTEGER exactly. A REAL or a text that spells an integer is taken when nothing is lost, and counted. */
export const bigintCast: Cast = (value) => {
	if (typeof value === 'bigint') return String(value);
	if (value === null) return null;
	if (typeof value === 'number') {
		return Number.isSafeInteger(value) ? new Noted(value.toFixed(0), 'TYPE_MIX') : refuseKind(value, 'an integer');
	}
	if (typeof value === 'string' && value.length <= 400 && integerText.test(value)) {
		const integer = BigInt(value.trim().replace(/^\+/, ''));
		if (integer >= smallest && integer <= largest) return new Noted(String(integer), 'TYPE_MIX');
	}
	return refuseKind(value, 'a 64-bit integer');
};

/** REAL bit for bit (the shortest text that reads back to it). An INTEGER is taken when a float64 holds it exactly. */
export const doubleCast: Cast = (value) => {
	if (typeof value === 'number') return realText(value);
	if (value === null) return null;
	if (typeof value === 'bigint') {
		return BigInt(Number(value)) === value ? String(value) : refuseKind(value, 'a number that double precision holds exactly');
	}
	if (typeof value === 'string' && decimalText.test(value)) return doubleOfText(value);
	return refuseKind(value, 'a number');
};

function doubleOfText(value: string): Noted | Refused {
	const text = value.trim();
	const number = Number(text);
	const underflows = number === 0 && /[1-9]/.test(text.replace(/[eE].*$/, ''));
	return Number.isFinite(number) && !underflows
		? new Noted(text, 'TYPE_MIX')
		: refuseKind(value, 'a number in the range of double precision');
}

/** INTEGER, REAL or decimal text to numeric, digit by digit. Infinity is refused: numeric holds it only since PostgreSQL 14. */
export const numericCast: Cast = (value) => {
	if (typeof value === 'bigint') return String(value);
	if (typeof value === 'number') return Number.isFinite(value) ? realText(value) : refuseKind(value, 'a finite number');
	if (value === null) return null;
	if (typeof value === 'string' && decimalText.test(value)) {
		const text = value.trim();
		return fitsNumeric(text) ? new Noted(text, 'TYPE_MIX') : refuseKind(value, 'a number in the range of numeric');
	}
	return refuseKind(value, 'a number');
};
