import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redaction } from '../../../source/config/redact.js';
import { maskUrl, targetIdentity, withoutPassword } from '../../../source/config/target-url.js';
import { Secret } from '../../../source/core/secret.js';

const secretText = fc.string({ minLength: 8, maxLength: 24 }).filter((text) => /[a-z]/i.test(text) && !text.includes('********'));

describe('text from outside', () => {
	const redact = redaction([]).text;

	it('masks passwords in URLs, also one with an @ in it', () => {
		expect(redact('connect postgresql://app:hush@1234@db.example:5432/app failed')).toBe(
			'connect postgresql://app:********@db.example:5432/app failed',
		);
		expect(redact('pglite:./pg and https://example.org/a:b')).toBe('pglite:./pg and https://example.org/a:b');
	});

	it('masks named secrets and bearer tokens, and keeps JSON whole', () => {
		expect(redact('password=hush1234 host=h')).toBe('password=******** host=h');
		expect(JSON.parse(redact(JSON.stringify({ password: 'hush1234', header: 'Bearer abc.def' })))).toEqual({
			password: '********',
			header: 'Bearer ********',
		});
	});

	it('no known secret stays, as it is, percent-encoded or in JSON', () => {
		fc.assert(
			fc.property(secretText, fc.string(), fc.string(), (secret, before, after) => {
				const clean = redaction([new Secret(secret)]).text;
				const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
				for (const form of forms) expect(clean(`${before} ${form} ${after}`).includes(form)).toBe(false);
			}),
		);
	});
});

describe('a common or short password', () => {
	it('is masked where its place gives it away and nowhere else', () => {
		const clean = redaction([new Secret('postgres'), new Secret('items'), new Secret('ana2')], ['ana2']);
		const said = 'postgresql://postgres:postgres@h/postgres failed for user "postgres": relation "items" of ana2';
		const masked = 'postgresql://postgres:********@h/postgres failed for user "postgres": relation "items" of ana2';
		expect(clean.text(said)).toBe(masked);
		expect(clean.line(said)).toBe(masked);
		expect(clean.json(JSON.stringify({ table: 'items', message: said }))).toBe(JSON.stringify({ table: 'items', message: masked }));
		expect(clean.text('password=items')).toBe('password=********');
	});

	it('is no part of a longer word', () => {
		expect(redaction([new Secret('orders')]).text('reorders orders-old "orders"')).toBe('reorders ********-old "********"');
	});
});

describe('JSON', () => {
	const clean = redaction([new Secret('orders77')]);

	it('is masked in free text and never in names', () => {
		const event = { type: 'retry-scheduled', step: 'orders77', reason: 'FATAL: orders77', hazards: [{ message: 'orders77' }] };
		expect(clean.value(event)).toEqual({ ...event, reason: 'FATAL: ********' });
		expect(clean.value({ error: { kind: 'target', message: 'm', next: ['orders77'] } })).toEqual({
			error: { kind: 'target', message: 'm', next: ['********'] },
		});
	});

	it('keeps every other byte, and masks known secrets of a URL anywhere', () => {
		expect(clean.json('{"rows": 1e3,  "key": "https://u:other@h"}')).toBe('{"rows": 1e3,  "key": "https://u:other@h"}');
		expect(clean.json('{"label":"postgresql://u:orders77@h?password=orders77"}')).toBe(
			'{"label":"postgresql://u:********@h?password=********"}',
		);
	});
});

describe('target URLs', () => {
	it('show no secret', () => {
		const url = new Secret('postgresql://app:hush1234@h:1/db?sslmode=require&password=hush5678');
		expect(maskUrl(url)).toBe('postgresql://app:********@h:1/db?sslmode=require&password=********');
		expect(withoutPassword(url)).toEqual({ url: 'postgresql://app@h:1/db?sslmode=require', had: true });
	});

	it('are the same database in two spellings', () => {
		const same = (a: string, b: string) => targetIdentity(new Secret(a), '/w') === targetIdentity(new Secret(b), '/w');
		expect(same('postgres://a:x@H.example/db', 'postgresql://b@h.example:5432/db?sslmode=require')).toBe(true);
		expect(same('pglite:./pg', 'pglite:/w/pg')).toBe(true);
		expect(same('postgres://h/db', 'postgres://h/other')).toBe(false);
	});
});
