/** Cuts COPY data into its rows, to find the ones that a server refuses. Formats: PostgreSQL manual, "COPY", File Formats. */

/** Signature (11 bytes), flags (4), length of the header extension (4). */
const binaryHeaderBytes = 19;

function textRows(data: Uint8Array): Uint8Array[] {
	const rows: Uint8Array[] = [];
	let start = 0;
	// Line feeds inside values are escaped in text format, so every 0x0a ends a row.
	for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10, start)) {
		rows.push(data.subarray(start, end + 1));
		start = end + 1;
	}
	if (start < data.length) rows.push(data.subarray(start));
	return rows;
}

function binaryRows(data: Uint8Array): Uint8Array[] {
	const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
	const rows: Uint8Array[] = [];
	let at = binaryHeaderBytes + view.getInt32(binaryHeaderBytes - 4);
	while (at + 2 <= data.length) {
		const fields = view.getInt16(at);
		if (fields === -1) break;
		const start = at;
		at += 2;
		for (let field = 0; field < fields; field++) at += 4 + Math.max(0, view.getInt32(at));
		rows.push(data.subarray(start, at));
	}
	return rows;
}

export const splitRows = (data: Uint8Array, format: 'text' | 'binary'): Uint8Array[] =>
	format === 'text' ? textRows(data) : binaryRows(data);

/** COPY data of some of the rows of `original`, whose header is kept. */
export function joinRows(rows: readonly Uint8Array[], format: 'text' | 'binary', original: Uint8Array): Uint8Array {
	if (format === 'text') return Buffer.concat(rows);
	const view = new DataView(original.buffer, original.byteOffset, original.byteLength);
	const header = original.subarray(0, binaryHeaderBytes + view.getInt32(binaryHeaderBytes - 4));
	return Buffer.concat([header, ...rows, Uint8Array.of(0xff, 0xff)]);
}

/** Writes some rows, undoes that, and gives the refusal or null. */
export type Probe<Refusal> = (indexes: readonly number[]) => Promise<Refusal | null>;

/**
 * Indexes of the rows that are refused by themselves, each with its error, by halving. About 2 log2(n) probes for each refused row,
 * of ever fewer rows. Rows that only clash with each other pass, once they are in different halves: see `findRefusedTogether`.
 */
export async function findRefused<Refusal>(rows: number, probe: Probe<Refusal>): Promise<Map<number, Refusal>> {
	const refused = new Map<number, Refusal>();
	const search = async (indexes: readonly number[]): Promise<void> => {
		const refusal = await probe(indexes);
		if (refusal === null) return;
		const [only] = indexes;
		if (indexes.length === 1 && only !== undefined) {
			refused.set(only, refusal);
			return;
		}
		const middle = indexes.length >> 1;
		await search(indexes.slice(0, middle));
		await search(indexes.slice(middle));
	};
	const all = Array.from({ length: rows }, (_, index) => index);
	if (rows > 0) await search(all);
	return refused;
}

/**
 * Of rows that pass one by one, those that do not pass after the rows before them: the later of two that clash with each other. The
 * rows that passed so far are written with every part that is probed, and a part that fails is halved. At most two probes a row,
 * about 2 log2(n) for each refused one. `known`: what all rows together were refused with.
 */
export async function findRefusedTogether<Refusal>(
	rows: readonly number[],
	known: Refusal,
	probe: Probe<Refusal>,
): Promise<Map<number, Refusal>> {
	const refused = new Map<number, Refusal>();
	const passed: number[] = [];
	/** `failure`: the part is thought to fail after the rows that passed so far. */
	const search = async (part: readonly number[], failure: Refusal | null): Promise<void> => {
		const [only] = part;
		// A single row is always tried: what others held a moment ago may have been let go.
		const refusal = part.length > 1 && failure !== null ? failure : await probe([...passed, ...part]);
		if (refusal === null) {
			passed.push(...part);
		} else if (part.length === 1 && only !== undefined) {
			refused.set(only, refusal);
		} else {
			const middle = part.length >> 1;
			const before = refused.size;
			await search(part.slice(0, middle), null);
			// When all of the first half passed, the second is what failed.
			await search(part.slice(middle), refused.size === before ? refusal : null);
		}
	};
	if (rows.length > 0) await search(rows, known);
	return refused;
}
