import { chromaAddress, chromaPlace, isChromaServer } from '../core/chroma-address.js';
import { Secret } from '../core/secret.js';
import { BadValue, type Parser, textOrNone } from './values.js';

/** The path of a directory; a URL is the other flag's. */
export const chromaDirectory: Parser<string | null> = (value) => {
	if (isChromaServer(value)) throw new BadValue('it is a URL; a running server is named with --chroma-url');
	return textOrNone(value);
};

/** `http(s)://HOST:PORT`, perhaps with user and password in it. Empty text stands for "none". */
export const chromaUrl: Parser<Secret | null> = (value) => {
	if (value === '') return null;
	if (!isChromaServer(value)) throw new BadValue('write http://HOST:PORT or https://HOST');
	if (chromaAddress(value) === null)
		throw new BadValue('it is not a URL; characters like @ : / # in a password must be percent-encoded (@ is %40)');
	return new Secret(value);
};

/** A server where the config file names a source: what stands there is shown, so that it may hold no password. */
export const openChromaUrl: Parser<string> = (value) => {
	const url = chromaUrl(value)?.reveal() ?? '';
	const { username, password } = new URL(url);
	if (username !== '' || password !== '')
		throw new BadValue('a user and a password are kept by REPOT_CHROMA_URL only, a token by REPOT_CHROMA_TOKEN');
	return placeOf(url);
};

export const secretOrNone: Parser<Secret | null> = (value) => {
	const given = textOrNone(value);
	if (given !== null && !/^[\x21-\x7e]+$/.test(given))
		throw new BadValue('it holds a space, a line break or a character that no token has');
	return given === null ? null : new Secret(given);
};

/** The address of a server without its secrets: what takes the place of a directory's path. */
export function placeOf(url: string): string {
	const address = chromaAddress(url);
	return address === null ? url : chromaPlace(address);
}
