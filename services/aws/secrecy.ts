import { Secret } from '../../source/core/secret.js';

/** Shorter ones would mask ordinary words; no key or token of AWS is. */
const shortest = 8;
const longestWords = 400;

/** The secrets that were loaded, so that what a service says can be shown without them. */
export interface Secrecy {
	/** Remembers the secret and tells it to whoever redacts. */
	keep(value: string): Secret;
	/** What a service or a driver said: its first line, cut, without any secret that is known. */
	words(text: string): string;
}

const letter = '[A-Za-z0-9]';

/** The same, and in its words a code that somebody typed is masked however short it is; within longer numbers and words its letters are no code. */
export function hiding(secrecy: Secrecy, code: string): Secrecy {
	if (code === '') return secrecy;
	const whole = new RegExp(`(?<!${letter})${code.replace(/[^A-Za-z0-9]/g, '\\$&')}(?!${letter})`, 'g');
	return { ...secrecy, words: (text) => secrecy.words(text.replace(whole, '********')) };
}

export function createSecrecy(onSecret: ((secret: Secret) => void) | undefined): Secrecy {
	const known = new Set<string>();
	return {
		keep(value) {
			const secret = new Secret(value);
			if (!known.has(value)) {
				known.add(value);
				onSecret?.(secret);
			}
			return secret;
		},
		words(text) {
			// A refused signature is answered with the whole request, its session token included, from the second line on.
			const line = text.trim().split(/\r?\n/, 1)[0] ?? '';
			const values = [...known].filter((value) => value.length >= shortest).sort((a, b) => b.length - a.length);
			const clean = values.reduce((words, value) => words.replaceAll(value, '********'), line);
			return clean.length > longestWords ? `${clean.slice(0, longestWords)}...` : clean;
		},
	};
}
