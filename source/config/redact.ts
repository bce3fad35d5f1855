import type { Secret } from '../core/secret.js';

const mask = '********';
/** A secret shorter than this is masked only where its place gives it away: a token of three letters is an ordinary word too often. */
const shortest = 4;

/**
 * Words that messages are made of. A password that is one of them is masked where its place gives it away (in a URL, after `password=`),
 * not wherever the word stands.
 */
const vocabulary = new Set(
	`postgres postgresql pgvector pglite sqlite chroma voyage repot password user username role database schema table tables column index
	server host port localhost local public collection collections item items analysis analyses embedding embeddings vector vectors record
	records tenant source target admin root test demo prod production default secret true false null error failed connection name value
	data plan migrate verify rollback file folder`.split(/\s+/),
);

/** Userinfo of a URL up to the last `@` before a space or quote, so that a password with an `@` is masked whole. */
const urlPassword = /([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"'<>]*):([^\s"'<>]*)@/gi;
/** A secret parameter of a query. */
const queryParameter = /([?&](?:password|pass|sslpassword|token|api[-_]?key)=)([^\s&"'<>#]+)/gi;
/** `password=...` in a connection string, a query or a message. */
const namedSecret = /\b(password|passwd|pgpassword|sslpassword|api[-_]?key|token)(["']?\s*[=:]\s*["']?)([^\s&,;"'\\]+)/gi;
const bearer = /\b(bearer\s+)[\w.~+/=-]+/gi;

/** Fields of events, errors and summaries that may repeat what a driver, a server or a file system said. */
const freeFields = new Set(['message', 'why', 'next', 'reason', 'detail', 'details', 'msg', 'stack']);

/** A name or a figure; text from outside; what this program says of a plan, whatever lies below. */
type Field = 'name' | 'free' | 'own';

export interface Redaction {
	/** Text from outside: secrets by their place, and known ones as whole words. */
	text(text: string): string;
	/** Text of our own: secrets by their place only, so that no name in it can change. */
	line(text: string): string;
	/** A JSON value: free-text fields as `text`, in all others only known secrets within a URL. */
	value<T>(value: T): T;
	/** The same for one JSON document as text. */
	json(text: string): string;
	/** From now on these are known too: secrets that were found or typed after the start. */
	learn(secrets: readonly Secret[], names?: readonly string[]): void;
}

/** `names`: user, database, environment and the like, which are shown anyway and never masked for being a password as well. */
export function redaction(secrets: readonly Secret[], names: readonly string[] = []): Redaction {
	const values = new Set<string>();
	const shown = new Set(vocabulary);
	let forms: ReadonlySet<string> = new Set();
	let patterns: readonly RegExp[] = [];
	const learn = (more: readonly Secret[], moreNames: readonly string[] = []): void => {
		const before = values.size + shown.size;
		for (const secret of more) if (secret.reveal() !== '') values.add(secret.reveal());
		for (const name of moreNames) shown.add(name.toLowerCase());
		if (values.size + shown.size === before) return;
		forms = new Set([...values].flatMap(formsOf));
		const words = [...values].filter((value) => value.length >= shortest && !shown.has(value.toLowerCase())).flatMap(formsOf);
		// Longest first, so that none is masked in part.
		patterns = [...new Set(words)].sort((a, b) => b.length - a.length).map(wholeWord);
	};
	learn(secrets, names);
	const known = (text: string): boolean => forms.has(text) || forms.has(decoded(text));
	const line = (text: string): string => text.replace(urlPassword, `$1:${mask}@`).replace(queryParameter, `$1${mask}`);
	const text = (given: string): string =>
		line(patterns.reduce((clean, pattern) => clean.replace(pattern, mask), line(given)))
			.replace(namedSecret, (whole, name: string, joint: string, secret: string) =>
				secret.includes(mask) ? whole : `${name}${joint}${mask}`,
			)
			.replace(bearer, `$1${mask}`);
	const placed = (given: string): string =>
		given
			.replace(urlPassword, (whole, head: string, secret: string) => (known(secret) ? `${head}:${mask}@` : whole))
			.replace(queryParameter, (whole, head: string, secret: string) => (known(secret) ? `${head}${mask}` : whole));
	const walk = (value: unknown, field: Field): unknown => {
		if (typeof value === 'string') return field === 'free' ? text(value) : placed(value);
		if (Array.isArray(value)) return value.map((one) => walk(one, field));
		if (typeof value !== 'object' || value === null) return value;
		// What a plan says comes from the sources and this program, and must stay what its id was made of.
		const own = 'kind' in value && (value.kind === 'blocked' || value.kind === 'stale-plan');
		const fieldOf = (key: string): Field => (own || field === 'own' || key === 'hazards' ? 'own' : freeFields.has(key) ? 'free' : field);
		return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one, fieldOf(key))]));
	};
	return {
		text,
		line,
		value: <T>(value: T): T => walk(value, 'name') as T,
		json(given) {
			const before = parsed(given);
			if (before === undefined) return text(given);
			const after = JSON.stringify(walk(before, 'name'));
			// Numbers stay as they were written when there is nothing to mask.
			return after === JSON.stringify(before) ? given : after;
		},
		learn,
	};
}

/** A secret as it is, percent-encoded and as JSON writes it. */
const formsOf = (value: string): readonly string[] => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];

/** A part of a longer word is another word. */
function wholeWord(secret: string): RegExp {
	const escaped = secret.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	const before = /^[\p{L}\p{N}_]/u.test(secret) ? '(?<![\\p{L}\\p{N}_])' : '';
	const after = /[\p{L}\p{N}_]$/u.test(secret) ? '(?![\\p{L}\\p{N}_])' : '';
	return new RegExp(`${before}${escaped}${after}`, 'gu');
}

function decoded(value: string): string {
	try {
		return decodeURIComponent(value);
	} catch {
		return value;
	}
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}
