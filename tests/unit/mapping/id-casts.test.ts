import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordCaster } from '../../../source/core/mapping/cast-record.js';
import { Noted, Refused } from '../../../source/core/mapping/cast-result.js';
import { keyRule, nameBasedUuid, prefixedIdCast, uuidIdCast } from '../../../source/core/mapping/id-casts.js';
import { metadataCast } from '../../../source/core/mapping/metadata-cast.js';
import { collectionUuid } from '../../../source/core/plan/names.js';
import { column, vectorStep } from './steps.js';

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'));
const namespace = '0b8f0f0e-1234-5abc-8def-001122334455';

describe('ids that no other collection has', () => {
	it('are UUIDs of version 5: https://www.rfc-editor.org/rfc/rfc9562#appendix-A.4', () => {
		const dns = Buffer.from('6ba7b8109dad11d180b400c04fd430c8', 'hex');
		expect(nameBasedUuid(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
		expect(uuidIdCast('6ba7b810-9dad-11d1-80b4-00c04fd430c8')('www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
	});

	it('hang on collection and id alone, and differ when either does', () => {
		fc.assert(
			fc.property(text, text, (one, other) => {
				for (const make of [uuidIdCast(namespace), prefixedIdCast('docs/')]) {
					expect(make(one)).toBe(make(one));
					expect(make(one) === make(other)).toBe(one === other);
				}
				expect(uuidIdCast(namespace)(one)).not.toBe(uuidIdCast('6ba7b810-9dad-11d1-80b4-00c04fd430c8')(one));
				expect(prefixedIdCast('docs/')(one)).toBe(`docs/${one}`);
				const hash = createHash('sha1')
					.update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
					.update(one)
					.digest('hex');
				expect(String(uuidIdCast(namespace)(one)).replaceAll('-', '').slice(0, 12)).toBe(hash.slice(0, 12));
			}),
		);
	});

	it('are refused and noted where the id itself is: a NUL, bytes, a number', () => {
		for (const make of [uuidIdCast(namespace), prefixedIdCast('docs/')]) {
			expect(make('a\0b')).toMatchObject({ code: 'NUL_CHARACTER' });
			expect(make(Buffer.from('x'))).toBeInstanceOf(Refused);
			expect(make(null)).toBeNull();
			expect(make(5n)).toEqual(new Noted(make('5') as string, 'TYPE_MIX'));
		}
	});

	it('come from one rule, for records and for keys that are read alone', () => {
		fc.assert(
			fc.property(text, fc.constantFrom('prefixed-id', 'uuid-id', 'text'), (id, cast) => {
				const own = { cast, constant: cast === 'uuid-id' ? namespace : 'docs/' } as const;
				const step = vectorStep(1);
				const columns = step.columns.map((one) => (one.name === 'id' ? { ...one, ...own } : one));
				const caster = new RecordCaster({ ...step, columns });
				const record = caster.fields.map((field) => ({ id, embedding: Float32Array.of(1), document: '', metadata: null })[field]);
				expect(caster.run(record)).toBe(true);
				expect(caster.targetKey()).toEqual([keyRule(own)(id)]);
				// People and the quarantine are told the source's own.
				expect(caster.sourceKey(record, 'r1')).toBe(id);
			}),
		);
	});

	it('are in the namespace of a collection whose own UUID hangs on its name alone', () => {
		// Python: uuid.uuid5(uuid.NAMESPACE_URL, 'urn:repot:langchain_pg_collection:docs')
		expect(collectionUuid('docs')).toBe('7b232aa3-66e0-5555-b5f4-5467b84a0c76');
	});

	it('give no key for an id that they refuse', () => {
		for (const cast of ['prefixed-id', 'uuid-id'] as const)
			expect(() => keyRule({ cast, constant: namespace })('a\0b')).toThrow(/refused: NUL character at position 2/);
		expect(keyRule({ cast: 'text' })('a\0b')).toBe('a\0b');
	});

	it('a key that an index would not take is refused with its prefix counted', () => {
		const step = vectorStep(1);
		const columns = step.columns.map((one) => (one.name === 'id' ? { ...one, cast: 'prefixed-id' as const, constant: 'docs/' } : one));
		const caster = new RecordCaster({ ...step, columns });
		const accepts = (length: number) =>
			caster.run(
				caster.fields.map((field) => ({ id: 'x'.repeat(length), embedding: Float32Array.of(1), document: '', metadata: null })[field]),
			);
		expect(accepts(2_667)).toBe(true);
		expect(accepts(2_668)).toBe(false);
	});
});

describe('the id that is kept', () => {
	const value = fc.oneof(text, fc.bigInt(), fc.boolean());

	it('stands in the metadata under its key, last, and nothing else is changed', () => {
		fc.assert(
			fc.property(fc.dictionary(text, value), text, (metadata, id) => {
				const { chroma_id: _, user_id: __, ...free } = metadata;
				const map = new Map(Object.entries(free));
				const plain = String(metadataCast('{"user_id":"ana"}', false)(map));
				const kept = String(metadataCast('{"user_id":"ana"}', false, { field: 'id', key: 'chroma_id' })(map, id));
				expect(kept).toBe(`${plain.slice(0, -1)},"chroma_id":${JSON.stringify(id)}}`);
			}),
		);
	});

	it('is counted where the metadata has the key with another value, and not where it has the same', () => {
		const cast = metadataCast('{"user_id":"ana"}', false, { field: 'id', key: 'chroma_id' });
		expect(cast(new Map([['chroma_id', 'mine']]), 'a')).toEqual(
			new Noted('{"chroma_chroma_id":"mine","user_id":"ana","chroma_id":"a"}', 'METADATA_ID_KEY_TAKEN'),
		);
		expect(cast(new Map([['chroma_id', 'a']]), 'a')).toBe('{"user_id":"ana","chroma_id":"a"}');
		expect(cast(null, 'a')).toBe('{"user_id":"ana","chroma_id":"a"}');
	});

	it('stays where rows of the target have it: a record whose metadata has the key with another value is refused', () => {
		const cast = metadataCast('{}', false, { field: 'id', key: 'chroma_id_2', held: true });
		expect(cast(new Map([['chroma_id_2', 'mine']]), 'a')).toMatchObject({
			code: 'KEPT_ID_KEY_TAKEN',
			reason: expect.stringContaining('chroma_id_2'),
		});
		expect(cast(new Map([['chroma_id_2', 'a']]), 'a')).toBe('{"chroma_id_2":"a"}');
		expect(cast(new Map([['chroma_id', 'mine']]), 'a')).toBe('{"chroma_id":"mine","chroma_id_2":"a"}');
	});

	it('is read from its own field of the record', () => {
		const step = vectorStep(1);
		const columns = step.columns.map((one) => (one.name === 'cmetadata' ? { ...one, keeps: { field: 'id', key: 'chroma_id' } } : one));
		const caster = new RecordCaster({ ...step, columns: columns.filter(({ name }) => name === 'cmetadata'), key: [] });
		expect(caster.fields).toEqual(['metadata', 'id']);
		expect(caster.run([null, 'own'])).toBe(true);
		expect(caster.values).toEqual(['{"user_id":"ana","chroma_id":"own"}']);
	});
});

describe('a record without a vector', () => {
	it('is NULL where policy and column allow it, and refused otherwise', () => {
		const embedding = (nullable: boolean) => column('embedding', 'vector', { targetType: 'vector(2)', nullable });
		const base = vectorStep(2);
		const caster = (nullable: boolean, onMissingVector?: 'null') =>
			new RecordCaster({
				...base,
				columns: [embedding(nullable)],
				key: [],
				policies: { ...base.policies, ...(onMissingVector === undefined ? {} : { onMissingVector }) },
			});
		for (const missing of [null, new Float32Array()]) {
			const nulling = caster(true, 'null');
			expect(nulling.run([missing])).toBe(true);
			expect(nulling.values).toEqual([null]);
			expect(nulling.notes).toEqual([{ column: 0, code: 'MISSING_VECTOR_NULLED' }]);
			for (const strict of [caster(false, 'null'), caster(true)]) {
				expect(strict.run([missing])).toBe(false);
				expect(strict.refusal).toMatchObject({ code: 'MISSING_VECTOR' });
			}
		}
		expect(caster(true, 'null').run([Float32Array.of(1, 2, 3)])).toBe(false);
	});
});
