/** Values of a keyset cursor with their storage classes kept: keys of different classes sort apart in SQLite. */
type KeyValue = bigint | number | string | Uint8Array | null;

/** A cursor over several key columns, or over one that is not the rowid, as JSON. */
export function encodeKey(values: readonly unknown[]): string {
	return JSON.stringify(
		values.map((value) => {
			if (typeof value === 'bigint') return { i: String(value) };
			if (typeof value === 'number') return { r: String(value) };
			if (typeof value === 'string') return value;
			if (value instanceof Uint8Array) return { b: Buffer.from(value).toString('base64') };
			return null;
		}),
	);
}

export function decodeKey(cursor: string): KeyValue[] {
	return (JSON.parse(cursor) as (string | null | Partial<Record<'i' | 'r' | 'b', string>>)[]).map((value) => {
		if (value === null || typeof value === 'string') return value;
		if (value.i !== undefined) return BigInt(value.i);
		if (value.r !== undefined) return Number(value.r);
		return Buffer.from(value.b ?? '', 'base64');
	});
}
