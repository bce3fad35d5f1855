/**
 * Numbers, sizes, times and rates as people read them, for screens and for headless text. Pure functions; no locale, so that two
 * computers print the same report.
 */

const missing = '-';

/** A whole number in groups of three: `600 000`. */
export function formatCount(value: number): string {
	if (!Number.isFinite(value)) return missing;
	return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

/** A count in at most three digits and a unit: `55`, `720 k`, `1.20 M`, `3.10 G`. */
export function formatCompact(value: number): string {
	if (!Number.isFinite(value)) return missing;
	if (value < 1000) return String(Math.round(value));
	const [scaled, unit] = value < 999_500 ? [value / 1e3, 'k'] : value < 999_500_000 ? [value / 1e6, 'M'] : [value / 1e9, 'G'];
	return `${threeDigits(scaled)} ${unit}`;
}

/** Bytes in binary units, as file managers and PostgreSQL mean them: `420 KiB`, `1.6 MiB`. */
export function formatBytes(value: number): string {
	if (!Number.isFinite(value)) return missing;
	if (value < 1024) return `${Math.round(value)} B`;
	const units = ['KiB', 'MiB', 'GiB', 'TiB'];
	let scaled = value / 1024;
	let unit = 0;
	while (scaled >= 999.5 && unit < units.length - 1) {
		scaled /= 1024;
		unit += 1;
	}
	return `${scaled < 9.95 ? trimZero(scaled.toFixed(1)) : scaled.toFixed(0)} ${units[unit]}`;
}

/** An estimate or a finished time in words: `<1 s`, `12 s`, `2 min 10 s`, `1 h 05 min`. */
export function formatDuration(milliseconds: number): string {
	if (!Number.isFinite(milliseconds)) return missing;
	const seconds = Math.round(milliseconds / 1000);
	if (milliseconds < 1000) return '<1 s';
	if (seconds < 60) return `${seconds} s`;
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${two(seconds % 60)} s`;
	return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** An estimate: `about 12 s`, `less than 1 s`. */
export function formatEstimate(milliseconds: number): string {
	return milliseconds < 1000 ? 'less than 1 s' : `about ${formatDuration(milliseconds)}`;
}

/** A latency: `91 ms`, `1.4 s`. */
export function formatLatency(milliseconds: number): string {
	if (!Number.isFinite(milliseconds)) return missing;
	if (milliseconds < 1) return '<1 ms';
	return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${trimZero((milliseconds / 1000).toFixed(1))} s`;
}

/** A running clock: `0:41`, `12:07`, `1:02:03`. */
export function formatClock(milliseconds: number): string {
	if (!Number.isFinite(milliseconds)) return missing;
	const seconds = Math.max(0, Math.floor(milliseconds / 1000));
	const hours = Math.floor(seconds / 3600);
	const minutes = Math.floor(seconds / 60) % 60;
	return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Records a second: `17.6 k/s`. */
export function formatRate(perSecond: number): string {
	return Number.isFinite(perSecond) ? `${formatCompact(perSecond)}/s` : missing;
}

/** Bytes a second: `9.1 MiB/s`. */
export function formatByteRate(perSecond: number): string {
	return Number.isFinite(perSecond) ? `${formatBytes(perSecond)}/s` : missing;
}

/** A fraction as a whole per cent, rounded down so that 100 % is only ever said when everything is done. */
export function formatPercent(fraction: number): string {
	return Number.isFinite(fraction) ? `${percentOf(fraction)} %` : missing;
}

/** 0..1 to a whole number 0..100, rounded down. */
function percentOf(fraction: number): number {
	// The small addition keeps 0.29 * 100 = 28.999... at 29.
	return Math.max(0, Math.min(100, Math.floor(fraction * 100 + 1e-9)));
}

/** How long ago an ISO 8601 time was: `just now`, `5 min ago`, `2 h ago`, `12 d ago`. */
export function formatAgo(iso: string, now: number): string {
	const elapsed = now - Date.parse(iso);
	if (!Number.isFinite(elapsed)) return missing;
	const minutes = Math.floor(elapsed / 60_000);
	if (minutes < 1) return 'just now';
	if (minutes < 60) return `${minutes} min ago`;
	if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ago`;
	return `${Math.floor(minutes / 1440)} d ago`;
}

/** Local time of day of an instant, with or without seconds: `14:58:31`. */
export function formatTimeOfDay(at: string | number, seconds = true): string {
	const date = new Date(at);
	if (Number.isNaN(date.getTime())) return missing;
	const hoursAndMinutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
	return seconds ? `${hoursAndMinutes}:${two(date.getSeconds())}` : hoursAndMinutes;
}

/** Local date and time of an ISO 8601 instant: `2025-03-07 14:58`. */
export function formatDateTime(iso: string): string {
	const date = new Date(iso);
	if (Number.isNaN(date.getTime())) return missing;
	return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${formatTimeOfDay(date.getTime(), false)}`;
}

/** `1 record`, `55 records`; the plural is given where it is not the singular with an s. */
export function formatQuantity(value: number, singular: string, plural = `${singular}s`): string {
	return `${formatCount(value)} ${value === 1 ? singular : plural}`;
}

/**
 * One line of a command that a POSIX shell reads back as the same arguments. Arguments that need no quotes are left bare.
 */
export function formatCommand(words: readonly string[]): string {
	return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

function threeDigits(value: number): string {
	return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

function trimZero(text: string): string {
	return text.replace(/\.0$/, '');
}

function two(value: number): string {
	return String(value).padStart(2, '0');
}
