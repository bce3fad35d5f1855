import type { ColumnMapping, CopyStep, Policies } from '../plan/types.js';
import type { CastName } from './cast-names.js';
import { type Cast, type CastValue, type NoteCode, Noted, type RefusalCode, Refused } from './cast-result.js';
import { prefixedIdCast, uuidIdCast } from './id-casts.js';
import { jsonTextCast } from './json-text.js';
import { metadataCast } from './metadata-cast.js';
import { bigintCast, doubleCast, numericCast } from './number-casts.js';
import { indexedBytes, limited, shortEnough } from './target-limits.js';
import { booleanCast, byteaCast, constantCast, documentCast, textCast, uuidCast } from './text-casts.js';
import { timestampCast } from './timestamp.js';
import { vectorCast } from './vector-cast.js';

type Maker = (column: ColumnMapping, step: Pick<CopyStep, 'source'>, policies: Policies) => Cast;

const stripsNul = (policies: Policies): boolean => policies.onNul === 'strip';

const makers: Record<CastName, Maker> = {
	constant: (column) => constantCast(column.constant ?? ''),
	text: (_column, _step, policies) => textCast(stripsNul(policies)),
	bigint: () => bigintCast,
	double: () => doubleCast,
	numeric: () => numericCast,
	boolean: () => booleanCast,
	bytea: () => byteaCast,
	'json-text': (column, _step, policies) => {
		const cast = jsonTextCast(stripsNul(policies));
		return nullsInstead(cast, column, policies.onInvalidJson, ['INVALID_JSON', 'LONE_SURROGATE'], 'INVALID_JSON_NULLED');
	},
	'iso-timestamp': (column, _step, policies) =>
		nullsInstead(timestampCast, column, policies.onBadTimestamp, ['BAD_TIMESTAMP'], 'BAD_TIMESTAMP_NULLED'),
	uuid: () => uuidCast,
	vector: (column, { source }, policies) => {
		const cast = source.kind === 'chroma' ? vectorCast(source.dimension, source.space) : vectorCast(null, 'l2');
		return nullsInstead(cast, column, policies.onMissingVector ?? 'quarantine', ['MISSING_VECTOR'], 'MISSING_VECTOR_NULLED');
	},
	'prefixed-id': (column) => prefixedIdCast(column.constant ?? ''),
	'uuid-id': (column) => uuidIdCast(column.constant ?? ''),
	document: (_column, _step, policies) => documentCast(stripsNul(policies)),
	metadata: (column, _step, policies) => metadataCast(column.constant ?? '{}', stripsNul(policies), column.keeps),
};

/** The operator's word `null`: a refused value becomes NULL and is counted. Where NULL is not allowed the record is refused all the same. */
function nullsInstead(
	cast: Cast,
	column: ColumnMapping,
	policy: 'quarantine' | 'fail' | 'null',
	codes: readonly RefusalCode[],
	note: NoteCode,
): Cast {
	if (policy !== 'null' || !column.nullable) return cast;
	return (value) => {
		const result = cast(value);
		return result instanceof Refused && codes.includes(result.code) ? new Noted(null, note) : result;
	};
}

/** Casts whose result is the value itself wherever they neither refuse nor note anything: they judge and change nothing. */
export const verbatimCasts: ReadonlySet<CastName> = new Set(['text', 'json-text']);

const asItIs: Cast = (value) => value as CastValue;

type CastStep = Pick<CopyStep, 'source' | 'columns' | 'policies' | 'key'>;

/** Casts of unbounded length whose result is, or grows with, what an index holds. */
const lengthy: ReadonlySet<CastName> = new Set(['text', 'document', 'bytea', 'json-text', 'prefixed-id']);

/** Bytes that each lengthy column of the key may have. */
function keyBytes(step: CastStep): number {
	const parts = step.columns.filter((column) => step.key.includes(column.name) && lengthy.has(column.cast)).length;
	return Math.floor(indexedBytes(step.key.length) / Math.max(1, parts));
}

/** A column's cast, within what its place in the target demands: a key is not altered and not too long, and no type is asked for more than it holds. */
function castOf(column: ColumnMapping, step: CastStep): Cast {
	const isKey = step.key.includes(column.name);
	// Two keys could become one without their NUL characters.
	const policies: Policies = isKey || column.identifies === true ? { ...step.policies, onNul: 'quarantine' } : step.policies;
	const cast = makers[column.cast](column, step, policies);
	const fitting = column.existingType === undefined || column.source === null ? cast : limited(cast, column.existingType);
	return isKey && lengthy.has(column.cast) ? shortEnough(fitting, keyBytes(step)) : fitting;
}

/**
 * The casts of a step, one a column and in its order. The policies `quarantine` and `fail` are the same here:
 * the value is refused, and the plan decides whether refusals block it.
 * `judged`: places of columns with a verbatim cast that is known to accept every value that will come, unnoted; these go through as they are.
 */
export function compileCasts(step: CastStep, judged: ReadonlySet<number> = new Set()): readonly Cast[] {
	return step.columns.map((column, place) => (judged.has(place) && verbatimCasts.has(column.cast) ? asItIs : castOf(column, step)));
}
