import type { CastRecord, ObjectToMake, Source } from '../ports.js';
import { collectionTable } from './langchain-tables.js';
import type { CopyStep } from './types.js';

/** Makes the text forms of source and target alike, for types whose equal values have equal texts then. */
const formOf = (type: string): ((text: string) => string) | null => {
	if (/^(text|character varying|bigint|uuid)$/.test(type)) return (text) => text;
	if (type === 'numeric') return (text) => (/^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text);
	if (type === 'double precision') return (text) => String(Number(text));
	return null;
};

type Values = readonly string[];

interface Answer {
	/** Values under which the run brings no parent. */
	readonly left: readonly Values[];
	/** False where it cannot be told for certain. */
	readonly sure: boolean;
}

/**
 * Which of the values that a foreign key of the target holds have no parent even after the run: its step's records are read once more, until
 * all are found. Not for certain where types have several texts for a value, or where the plan sets parents aside.
 */
export async function notBrought(
	{ parent }: ObjectToMake,
	values: readonly Values[],
	steps: readonly CopyStep[],
	source: Pick<Source, 'records'>,
	signal: AbortSignal | undefined,
): Promise<Answer> {
	if (parent?.table === collectionTable) {
		const brought = steps.flatMap(({ collection }) => (collection === undefined ? [] : [collection.uuid]));
		return { left: values.filter(([uuid = '']) => !brought.includes(uuid)), sure: true };
	}
	const step = steps.find(({ table }) => table === parent?.table);
	if (step === undefined || parent === undefined) return { left: values, sure: true };
	const places = parent.columns.map((name) => step.columns.findIndex((column) => column.name === name));
	const forms = places.map((place) => formOf(step.columns[place]?.targetType ?? ''));
	if (forms.includes(null)) return { left: values, sure: false };
	const nameOf = (texts: readonly (string | Uint8Array | null | undefined)[]): string =>
		JSON.stringify(texts.map((text, at) => (typeof text === 'string' ? forms[at]?.(text) : null)));
	const left = new Map(values.map((texts) => [nameOf(texts), texts]));
	const take = (record: CastRecord): boolean => left.delete(nameOf(places.map((place) => record.values[place])));
	for await (const records of source.records(step, null, signal)) {
		for (const record of records) take(record);
		if (left.size === 0) break;
	}
	return { left: [...left.values()], sure: left.size > 0 || (step.state.clashing ?? 0) === 0 };
}
