import { type Cast, describeValue, excerpt, Noted, Refused, refuseKind } from './cast-result.js';

const form = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:([Zz])|([+-])(\d{2})(?::?(\d{2}))?)?)?$/;

/**
 * ISO 8601 text to a timestamp without time zone, in UTC: `YYYY-MM-DD HH:MM:SS[.ffffff]`. An offset is applied, a bare time is taken as
 * it stands, a date alone is its midnight. The calendar is checked. Digits beyond microseconds are cut and counted.
 */
export const timestampCast: Cast = (value) => {
	if (typeof value === 'string') return plainTimestamp(value) ?? anyTimestamp(value);
	if (value === null) return null;
	if (typeof value === 'bigint' || typeof value === 'number') {
		return new Refused('BAD_TIMESTAMP', `${describeValue(value)} is not ISO 8601${epochHint(Number(value))}`);
	}
	const refused = refuseKind(value, 'ISO 8601 text');
	return refused.code === 'TYPE_MISMATCH' ? new Refused('BAD_TIMESTAMP', refused.reason) : refused;
};

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48;
const two = (text: string, at: number): number => {
	const tens = digit(text, at);
	const ones = digit(text, at + 1);
	return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
};

const maxPlainLength = 26;
const [dash, colon, space, dot, letterT, letterZ, zero, nine] = [45, 58, 32, 46, 84, 90, 48, 57];

/** The form nearly every row has, without a regular expression: seconds given, up to six fraction digits, no offset but `Z`. Null: not that form. */
function plainTimestamp(text: string): string | null {
	const end = text.charCodeAt(text.length - 1) === letterZ ? text.length - 1 : text.length;
	if (end < 19 || end > maxPlainLength) return null;
	const separator = text.charCodeAt(10);
	if (text.charCodeAt(4) !== dash || text.charCodeAt(7) !== dash) return null;
	if ((separator !== letterT && separator !== space) || text.charCodeAt(13) !== colon || text.charCodeAt(16) !== colon) return null;
	const year = two(text, 0) * 100 + two(text, 2);
	// A comparison with NaN is false, so that anything but digits falls through to the general form.
	if (!(two(text, 11) <= 23 && two(text, 14) <= 59 && two(text, 17) <= 59)) return null;
	const month = two(text, 5);
	if (!(year >= 1 && month >= 1 && month <= 12 && two(text, 8) >= 1 && two(text, 8) <= daysInMonth(year, month))) return null;
	if (end > 19 && !isFraction(text, end)) return null;
	if (separator === space && end === text.length) return text;
	return `${text.slice(0, 10)} ${text.slice(11, end)}`;
}

function isFraction(text: string, end: number): boolean {
	if (end === 20 || text.charCodeAt(19) !== dot) return false;
	for (let at = 20; at < end; at++) {
		const code = text.charCodeAt(at);
		if (code < zero || code > nine) return false;
	}
	return true;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysInMonth(year: number, month: number): number {
	const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
	return month === 2 && leap ? 29 : (monthDays[month - 1] ?? 0);
}

function anyTimestamp(text: string): string | Refused | Noted {
	const match = form.exec(text);
	if (match === null) return new Refused('BAD_TIMESTAMP', `${describeText(text)} is not ISO 8601${epochHint(numberOf(text))}`);
	const [, yearText, monthText, dayText, hour = '00', minute = '00', second = '00', fraction = ''] = match;
	const [year, month, day] = [Number(yearText), Number(monthText), Number(dayText)];
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
		return new Refused('BAD_TIMESTAMP', `${excerpt(text)} is not a day of the calendar`);
	}
	const [offsetHour, offsetMinute] = [Number(match[10] ?? 0), Number(match[11] ?? 0)];
	if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59 || offsetHour > 23 || offsetMinute > 59) {
		return new Refused('BAD_TIMESTAMP', `${excerpt(text)} is not a time of day`);
	}
	const kept = fraction.slice(0, 6);
	const tail = kept === '' ? '' : `.${kept}`;
	const offset = (match[9] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute);
	const utc = offset === 0 ? `${yearText}-${monthText}-${dayText} ${hour}:${minute}:${second}` : shifted(match, offset);
	if (utc === null) return new Refused('BAD_TIMESTAMP', `${excerpt(text)} is before the year 1 in UTC`);
	const timestamp = `${utc}${tail}`;
	return /[1-9]/.test(fraction.slice(6)) ? new Noted(timestamp, 'TIMESTAMP_PRECISION') : timestamp;
}

/** Local time minus its offset, in minutes. The seconds and the fraction stay. Null when that is before the year 1. */
function shifted(match: RegExpExecArray, offset: number): string | null {
	const [, year, month, day, hour = '00', minute = '00', second = '00'] = match;
	const instant = new Date(0);
	// setUTCFullYear, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
	instant.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
	instant.setUTCHours(Number(hour), Number(minute) - offset, Number(second));
	if (instant.getUTCFullYear() < 1) return null;
	const pad = (part: number, digits: number): string => String(part).padStart(digits, '0');
	const date = `${pad(instant.getUTCFullYear(), 4)}-${pad(instant.getUTCMonth() + 1, 2)}-${pad(instant.getUTCDate(), 2)}`;
	return `${date} ${pad(instant.getUTCHours(), 2)}:${pad(instant.getUTCMinutes(), 2)}:${pad(instant.getUTCSeconds(), 2)}`;
}

const describeText = (text: string): string => (text === '' ? 'empty text' : excerpt(text));
const numberOf = (text: string): number => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN);

/** Numbers that fall between 2001 and 2100 in one of the usual units are called by it; nothing is converted on a guess. */
function epochHint(value: number): string {
	const units = [
		['seconds', 1e9, 4.2e9],
		['milliseconds', 1e12, 4.2e12],
		['microseconds', 1e15, 4.2e15],
		['nanoseconds', 1e18, 4.2e18],
	] as const;
	const unit = units.find(([, from, to]) => value >= from && value < to);
	return unit === undefined ? '' : `; it looks like an epoch in ${unit[0]}`;
}
