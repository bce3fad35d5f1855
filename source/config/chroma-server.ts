import { chromaAddress, chromaPlace } from '../core/chroma-address.js';
import { RepotError } from '../core/errors.js';
import { placeOf } from './chroma-values.js';
import type { Settings } from './settings.js';

/**
 * The address that is asked: with the tenant and the database of the settings where it names none itself. Throws a RepotError (usage) when a flag and the address
 * name different ones.
 */
export function fullAddress(settings: Settings, place: string): string {
	const address = chromaAddress(place);
	// One with a password in it is refused where it is read.
	if (address === null || userOf(place) !== '') return place;
	const { chromaTenant, chromaDatabase } = settings.values;
	const named = (own: string | null, { value, level }: Settings['values']['chromaTenant'], flag: string): string | null => {
		if (own !== null && level === 'flag' && value !== null && value !== own) throw twoNames(flag, value, own, placeOf(place));
		return own ?? value;
	};
	const tenant = named(address.tenant, chromaTenant, '--chroma-tenant');
	const database = named(address.database, chromaDatabase, '--chroma-database');
	return chromaPlace({ ...address, tenant, database });
}

/** What a server is asked with: the token, and user and password of --chroma-url for that server alone. */
export function chromaAccess(settings: Settings, place: string): { readonly token: string | null; readonly authorization: string | null } {
	const { chromaToken, chromaUrl: given } = settings.values;
	const url = given.value?.reveal() ?? null;
	const same = url !== null && chromaAddress(url)?.base === chromaAddress(place)?.base;
	const user = same ? userOf(url) : '';
	return {
		token: chromaToken.value?.reveal() ?? null,
		authorization: user === '' ? null : `Basic ${Buffer.from(user).toString('base64')}`,
	};
}

/** `user:password` as it is sent; empty when the URL holds neither. */
function userOf(url: string): string {
	const { username, password } = new URL(url);
	return username === '' && password === '' ? '' : `${decoded(username)}:${decoded(password)}`;
}

function decoded(value: string): string {
	try {
		return decodeURIComponent(value);
	} catch {
		return value;
	}
}

const twoNames = (flag: string, value: string, own: string, where: string): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'CHROMA_TWO_NAMES',
		message: `${flag} ${value} and the address of the Chroma server name different ones`,
		where,
		why: `the address says ${own}`,
		next: [`Leave ${flag} out, or the name in the address`],
	});
