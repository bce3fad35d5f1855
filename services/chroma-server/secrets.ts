/** What a server is asked with; never shown. */
export interface ServerSecrets {
	readonly token: string | null;
	/** `Basic ...`: user and password that the URL held. */
	readonly authorization: string | null;
}

const mask = '********';
/** A user or a password shorter than this is masked only where it stands as a word of its own: its letters stand in other words too often. */
const shortest = 6;

/** Takes the secrets out of what a server said, as they were sent and as answers spell them: in a URL, in JSON, and decoded. */
export function maskFor({ token, authorization }: ServerSecrets): (text: string) => string {
	const encoded = authorization?.replace(/^Basic /, '') ?? '';
	const pair = Buffer.from(encoded, 'base64').toString('utf8');
	const colon = pair.indexOf(':');
	const [user, password] = colon < 0 ? ['', ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
	const everywhere = [token ?? '', encoded, pair, ...[user, password].filter(({ length }) => length >= shortest)];
	const asWords = [user, password].filter(({ length }) => length < shortest);
	const forms = (secrets: readonly string[]): string[] => [...new Set(secrets.filter((one) => one !== '').flatMap(formsOf))];
	const patterns = [
		...forms(everywhere).map((form) => ({ form, pattern: new RegExp(escaped(form), 'g') })),
		...forms(asWords).map((form) => ({ form, pattern: new RegExp(`(?<!\\w)${escaped(form)}(?!\\w)`, 'g') })),
	].sort((a, b) => b.form.length - a.form.length);
	// Longest first, so that none is masked in part.
	return (text) => patterns.reduce((clean, { pattern }) => clean.replace(pattern, mask), text);
}

const formsOf = (secret: string): readonly string[] => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
