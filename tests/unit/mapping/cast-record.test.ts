import { describe, expect, it } from 'vitest';
import { castNames } from '../../../source/core/mapping/cast-names.js';
import { RecordCaster } from '../../../source/core/mapping/cast-record.js';
import { InvalidUtf8 } from '../../../source/core/mapping/cast-result.js';
import { compileCasts } from '../../../source/core/mapping/casts.js';
import { column, quarantine, tableStep, vectorStep } from './steps.js';

const step = tableStep('notes', [
	column('id', 'bigint', { nullable: false }),
	column('body', 'json-text'),
	column('made', 'iso-timestamp', { nullable: false }),
]);

describe('casting a record', () => {
	it('has a cast for every name a plan may hold', () => {
		const every = tableStep(
			't',
			castNames.map((name) => column(name, name, { constant: '{}' })),
		);
		expect(compileCasts(every)).toHaveLength(castNames.length + 1);
	});

	it('gives the values in the order of the columns, constants in their place', () => {
		const caster = new RecordCaster(step);
		expect(caster.fields).toEqual(['id', 'body', 'made']);
		expect(caster.run([1n, null, '2025-01-01'])).toBe(true);
		expect(caster.values).toEqual(['1', null, '2025-01-01 00:00:00', 'ana']);
		expect(caster.targetKey()).toEqual(['1']);
	});

	it('refuses by the first column and finds the others on demand', () => {
		const caster = new RecordCaster(step);
		const record = ['x', '{', null];
		expect(caster.run(record)).toBe(false);
		expect(caster.refusal).toMatchObject({ column: 0, code: 'TYPE_MISMATCH' });
		expect(caster.nextRefusal(record)).toMatchObject({ column: 1, code: 'INVALID_JSON' });
		expect(caster.nextRefusal(record)).toMatchObject({ column: 2, code: 'NULL_IN_NOT_NULL' });
		expect(caster.nextRefusal(record)).toBeNull();
	});

	it('forgets the notes of the record before', () => {
		const caster = new RecordCaster(step);
		caster.run(['7', null, '2025-01-01']);
		expect(caster.notes).toEqual([{ column: 0, code: 'TYPE_MIX' }]);
		caster.run([7n, null, '2025-01-01']);
		expect(caster.notes).toEqual([]);
	});

	it('tells a refused record whole, so that a retry can start from it', () => {
		const wide = tableStep('t', [
			column('id', 'text'),
			column('n', 'bigint'),
			column('r', 'double'),
			column('b', 'bytea'),
			column('j', 'json-text'),
		]);
		const caster = new RecordCaster(wide);
		const record = ['k', 9007199254740993n, 1, Buffer.of(0, 255), 'no JSON'];
		expect(caster.run(record)).toBe(false);
		const refusal = caster.refusal;
		if (refusal === null) throw new Error('not refused');
		expect(caster.reject(record, '12', refusal)).toEqual({
			key: 'k',
			column: 'j',
			code: 'INVALID_JSON',
			reason: refusal.reason,
			raw: 'no JSON',
			rawKind: 'text',
			record: '{"id":"k","n":9007199254740993,"r":1.0,"b":{"base64":"AP8="},"j":"no JSON"}',
		});
	});

	it('keeps the bytes of text that is not UTF-8', () => {
		const caster = new RecordCaster(tableStep('t', [column('id', 'bigint'), column('name', 'text')]));
		const record = [1n, new InvalidUtf8(Uint8Array.of(0xc3, 0x28))];
		expect(caster.run(record)).toBe(false);
		const reject = caster.reject(record, '1', caster.refusal ?? { column: null, code: '', reason: '' });
		expect(reject).toMatchObject({ code: 'INVALID_UTF8', raw: 'wyg=', rawKind: 'base64', record: '{"id":1,"name":{"utf8":"wyg="}}' });
	});

	it('keeps a refused vector and its metadata', () => {
		const caster = new RecordCaster(vectorStep(2));
		const record = ['a', Float32Array.of(1), 'text', new Map<string, unknown>([['n', 1n]])];
		expect(caster.fields).toEqual(['id', 'embedding', 'document', 'metadata']);
		expect(caster.run(record)).toBe(false);
		const reject = caster.reject(record, '1', caster.refusal ?? { column: null, code: '', reason: '' });
		expect(reject).toMatchObject({ key: 'a', column: 'embedding', code: 'DIMENSION_MISMATCH', raw: 'AACAPw==', rawKind: 'base64' });
		expect(JSON.parse(reject.record)).toEqual({ id: 'a', embedding: { float32: 'AACAPw==' }, document: 'text', metadata: { n: 1 } });
	});

	it('spells keys of several columns as a JSON array, and uses the cursor where there is no key', () => {
		const pair = tableStep('t', [column('a', 'bigint'), column('b', 'text')], { key: ['a', 'b'] });
		expect(new RecordCaster(pair).sourceKey([1n, 'x'], '9')).toBe('["1","x"]');
		const none = tableStep('t', [column('a', 'bigint')], { key: ['user_id'] });
		expect(new RecordCaster(none).sourceKey([1n], '9')).toBe('9');
	});
});

describe('judged columns', () => {
	const text = tableStep('t', [column('id', 'text'), column('j', 'json-text'), column('n', 'bigint')]);

	it('are those whose verbatim cast neither refused nor noted anything', () => {
		const caster = new RecordCaster(text);
		caster.run(['k', '{}', 1n]);
		caster.run([null, null, null]);
		expect(caster.unchanged()).toEqual([0, 1]);
		expect(caster.run(['k', '{', 1n])).toBe(false);
		expect(caster.unchanged()).toEqual([0]);
		caster.run([7n, '{}', 1n]);
		expect(caster.unchanged()).toEqual([]);
	});

	it('count what stands behind the first refusal only once it was asked for', () => {
		const caster = new RecordCaster(text);
		const record = ['\0', '{', 1n];
		caster.run(record);
		expect(caster.unchanged()).toEqual([1]);
		caster.nextRefusal(record);
		expect(caster.unchanged()).toEqual([]);
	});

	it('let every value through as it is, and the others are judged', () => {
		const caster = new RecordCaster(text, new Set([1, 2]));
		expect(caster.run(['k', '{', 1n])).toBe(true);
		expect(caster.values).toEqual(['k', '{', '1', 'ana']);
		expect(caster.run(['\0', '{}', 1n])).toBe(false);
	});

	it('still refuse NULL where none is allowed', () => {
		const caster = new RecordCaster(tableStep('t', [column('id', 'text', { nullable: false })]), new Set([0]));
		expect(caster.run([null])).toBe(false);
		expect(caster.refusal?.code).toBe('NULL_IN_NOT_NULL');
	});
});

describe('policies', () => {
	const asked = { ...quarantine, onInvalidJson: 'null', onBadTimestamp: 'null', onNul: 'strip' } as const;

	it('write NULL where the operator said so and the column allows it', () => {
		const caster = new RecordCaster(
			tableStep('t', [column('id', 'text'), column('j', 'json-text'), column('at', 'iso-timestamp')], { policies: asked }),
		);
		expect(caster.run(['k', '{', 'yesterday'])).toBe(true);
		expect(caster.values).toEqual(['k', null, null, 'ana']);
		expect(caster.notes.map(({ code }) => code)).toEqual(['INVALID_JSON_NULLED', 'BAD_TIMESTAMP_NULLED']);
	});

	it('refuse all the same where NULL is not allowed', () => {
		const caster = new RecordCaster(
			tableStep('t', [column('id', 'text'), column('j', 'json-text', { nullable: false })], { policies: asked }),
		);
		expect(caster.run(['k', '{'])).toBe(false);
		expect(caster.refusal?.code).toBe('INVALID_JSON');
	});

	it('do not reach further than their word: bytes in a JSON column stay refused', () => {
		const caster = new RecordCaster(tableStep('t', [column('id', 'text'), column('j', 'json-text')], { policies: asked }));
		expect(caster.run(['k', Buffer.of(1)])).toBe(false);
		expect(caster.refusal?.code).toBe('TYPE_MISMATCH');
	});

	it('strip NUL from text and JSON', () => {
		const columns = [column('id', 'text'), column('note', 'text'), column('j', 'json-text')];
		const caster = new RecordCaster(tableStep('t', columns, { policies: asked }));
		expect(caster.run(['k', 'n\0', '"\\u0000"'])).toBe(true);
		expect(caster.values).toEqual(['k', 'n', '""', 'ana']);
	});

	it('treat fail as quarantine: the plan decides', () => {
		const fail = { ...quarantine, onInvalidJson: 'fail', onNul: 'fail' } as const;
		const caster = new RecordCaster(tableStep('t', [column('id', 'text'), column('j', 'json-text')], { policies: fail }));
		expect(caster.run(['k', '{'])).toBe(false);
		expect(caster.run(['\0', '{}'])).toBe(false);
	});
});
