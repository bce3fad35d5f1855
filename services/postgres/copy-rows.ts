import type { CopyStep } from '../../source/core/plan/types.js';

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

const textEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Fields of one row; null: NULL. Binary fields are read as text, which only those of text types are. */
function fieldsOf(row: Uint8Array, format: 'text' | 'binary'): (string | null)[] {
	const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
	if (format === 'text') {
		const line = bytes.toString('utf8').replace(/\n$/, '');
		return line
			.split('\t')
			.map((field) => (field === '\\N' ? null : field.replace(/\\(.)/gs, (_, letter: string) => textEscapes[letter] ?? letter)));
	}
	const fields: (string | null)[] = [];
	for (let at = 2; at + 4 <= bytes.length; ) {
		const length = bytes.readInt32BE(at);
		at += 4;
		fields.push(length < 0 ? null : bytes.toString('utf8', at, at + length));
		at += Math.max(0, length);
	}
	return fields;
}

/** Values of the step's key in one row of its COPY data, as they were sent; null when the data do not show them as text. */
export function keyOfRow(row: Uint8Array, step: Pick<CopyStep, 'columns' | 'key' | 'format'>): string[] | null {
	const places = step.key.map((name) => step.columns.findIndex((column) => column.name === name));
	const shown = (place: number): boolean => /^(text|varchar|character varying)\b/i.test(step.columns[place]?.targetType ?? '');
	if (step.format === 'binary' && !places.every(shown)) return null;
	const fields = fieldsOf(row, step.format);
	const key = places.flatMap((place) => fields[place] ?? []);
	return key.length === step.key.length ? key : null;
}

/** Writes some rows, undoes that, and gives the refusal or null. */
export type Probe<Refusal> = (indexes: readonly number[]) => Promise<Refusal | null>;

/**
 * Indexes of the rows that are refused by themselves, each with its error, by halving. About 2 log2(n) probes for each refused row,
 * of ever fewer rows. `alone`: the error looks at one row only; what fails for another reason may only have lost its company in another
 * part, and passes: see `findRefusedTogether`.
 */
export async function findRefused<Refusal>(
	rows: readonly number[],
	probe: Probe<Refusal>,
	alone: (refusal: Refusal) => boolean = () => true,
): Promise<Map<number, Refusal>> {
	const refused = new Map<number, Refusal>();
	const search = async (indexes: readonly number[]): Promise<void> => {
		const refusal = await probe(indexes);
		if (refusal === null) return;
		const [only] = indexes;
		if (indexes.length === 1 && only !== undefined) {
			if (alone(refusal)) refused.set(only, refusal);
			return;
		}
		const middle = indexes.length >> 1;
		await search(indexes.slice(0, middle));
		await search(indexes.slice(middle));
	};
	if (rows.length > 0) await search(rows);
	return refused;
}

/**
 * Rows that do not pass after the rows before them, such as the later of two that clash with each other. The rows that passed so far
 * are written with every part that is probed, and a part that fails is halved. At most two probes a row, about 2 log2(n) for each refused
 * one. `known`: what all rows together were refused with. `again`: the refusal may be gone once later rows are there, as that of a row
 * which refers to one of them; such rows are tried once more after all others, until nothing changes.
 */
export async function findRefusedTogether<Refusal>(
	rows: readonly number[],
	known: Refusal,
	probe: Probe<Refusal>,
	again: (refusal: Refusal) => boolean = () => false,
): Promise<Map<number, Refusal>> {
	let refused = new Map<number, Refusal>();
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
	for (;;) {
		const candidates = [...refused].filter(([, refusal]) => again(refusal)).map(([row]) => row);
		if (candidates.length === 0) return refused;
		const before = refused;
		refused = new Map([...refused].filter(([row]) => !candidates.includes(row)));
		await search(candidates, null);
		if (refused.size === before.size) return refused;
	}
}
