import { describeValue, InvalidUtf8, LostValue, realText } from './cast-result.js';
import { littleEndian } from './vector-cast.js';

/**
 * A source record as one JSON object, exactly enough to start a retry from: integers with all their digits, bytes as `{"base64": ...}`,
 * text that is not UTF-8 as `{"utf8": base64}`, what the source has lost as `{"lost": reason, "left": the rest or null}`, vectors as `{"float32": base64 of little-endian bytes}`, numbers without a JSON form as text.
 */
export function recordJson(fields: readonly string[], values: readonly unknown[]): string {
	return `{${fields.map((field, index) => `${JSON.stringify(field)}:${valueJson(values[index])}`).join(',')}}`;
}

function valueJson(value: unknown): string {
	if (value === null || value === undefined) return 'null';
	if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
	if (typeof value === 'bigint') return String(value);
	if (typeof value === 'number') return Number.isFinite(value) ? realText(value) : JSON.stringify(String(value));
	if (value instanceof InvalidUtf8) return `{"utf8":"${base64(value.bytes)}"}`;
	if (value instanceof LostValue) return `{"lost":${JSON.stringify(value.reason)},"left":${valueJson(value.left)}}`;
	if (value instanceof Float32Array) return `{"float32":"${base64(littleEndian(value))}"}`;
	if (value instanceof Uint8Array) return `{"base64":"${base64(value)}"}`;
	if (value instanceof Map)
		return `{${[...value].map(([key, member]) => `${JSON.stringify(String(key))}:${valueJson(member)}`).join(',')}}`;
	if (Array.isArray(value)) return `[${value.map(valueJson).join(',')}]`;
	return JSON.stringify(describeValue(value));
}

/** The offending value by itself, as a Reject carries it. */
export function rawOf(value: unknown): { readonly raw: string | null; readonly rawKind: 'text' | 'base64' | 'null' } {
	if (value === null || value === undefined) return { raw: null, rawKind: 'null' };
	if (typeof value === 'string') return { raw: value, rawKind: 'text' };
	if (value instanceof InvalidUtf8) return { raw: base64(value.bytes), rawKind: 'base64' };
	if (value instanceof Float32Array) return { raw: base64(littleEndian(value)), rawKind: 'base64' };
	if (value instanceof Uint8Array) return { raw: base64(value), rawKind: 'base64' };
	return { raw: typeof value === 'number' ? realText(value) : valueJson(value), rawKind: 'text' };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
