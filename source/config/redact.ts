import type { Secret } from '../core/secret.js';

const mask = '********';
/** A secret shorter than this is masked only where its place gives it away: replacing it everywhere would garble ordinary words. */
const shortest = 4;

/** Userinfo of a URL up to the last `@` before a space or quote, so that a password with an `@` is masked whole. */
const urlPassword = /([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"'<>]*):[^\s"'<>]*@/gi;
/** `password=...` in a connection string, a query or a message. */
const namedSecret = /\b(password|passwd|pgpassword|sslpassword|api[-_]?key|token)(["']?\s*[=:]\s*["']?)([^\s&,;"'\\]+)/gi;
const bearer = /\b(bearer\s+)[\w.~+/=-]+/gi;

/** Makes the function through which every line passes that leaves the program for a log: no password in a URL, no known secret. */
export function redactor(secrets: readonly Secret[]): (text: string) => string {
	const known = knownForms(secrets);
	return (text) => {
		let clean = text;
		for (const secret of known) clean = clean.replaceAll(secret, mask);
		return clean
			.replace(urlPassword, `$1:${mask}@`)
			.replace(namedSecret, (whole, name: string, joint: string, value: string) =>
				value.includes(mask) ? whole : `${name}${joint}${mask}`,
			)
			.replace(bearer, `$1${mask}`);
	};
}

/** The same for data, where nothing but a known secret may change. */
export function secretRemover(secrets: readonly Secret[]): (text: string) => string {
	const known = knownForms(secrets);
	return (text) => known.reduce((clean, secret) => clean.replaceAll(secret, mask), text);
}

/** Each secret as it is, percent-encoded and as JSON writes it; longest first, so that none is masked in part. */
function knownForms(secrets: readonly Secret[]): readonly string[] {
	const forms = secrets
		.map((secret) => secret.reveal())
		.filter((value) => value.length >= shortest)
		.flatMap((value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]);
	return [...new Set(forms)].sort((a, b) => b.length - a.length);
}
