/** A running Chroma server, as one text: `http://HOST:8000/?tenant=T&database=D`. It stands wherever a Chroma directory's path could. */
export interface ChromaAddress {
	/** Origin and path prefix, without a slash at the end: `https://chroma.example:8000`. */
	readonly base: string;
	/** Null: not named; the server's answer to "who am I" decides. */
	readonly tenant: string | null;
	readonly database: string | null;
}

/** True for what is read over HTTP, false for a directory. */
export const isChromaServer = (place: string): boolean => /^https?:\/\//i.test(place);

/** Null when the text is no URL that can be asked. User, password, fragment and unknown parameters are no part of the address. */
export function chromaAddress(place: string): ChromaAddress | null {
	if (!isChromaServer(place) || !URL.canParse(place)) return null;
	const url = new URL(place);
	// People copy the address of an endpoint.
	const path = url.pathname.replace(/\/(api(\/v[12](\/.*)?)?)?$/, '').replace(/\/+$/, '');
	return {
		base: `${url.origin}${path}`,
		tenant: url.searchParams.get('tenant') || null,
		database: url.searchParams.get('database') || null,
	};
}

/** The address as one text, equal for equal addresses; holds no secret. */
export function chromaPlace({ base, tenant, database }: ChromaAddress): string {
	const names = [
		...(tenant === null ? [] : [`tenant=${encodeURIComponent(tenant)}`]),
		...(database === null ? [] : [`database=${encodeURIComponent(database)}`]),
	];
	return names.length === 0 ? base : `${base}/?${names.join('&')}`;
}
