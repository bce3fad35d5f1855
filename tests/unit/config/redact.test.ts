import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactor, secretRemover } from '../../../source/config/redact.js';
import { maskUrl, targetIdentity, withoutPassword } from '../../../source/config/target-url.js';
import { Secret } from '../../../source/core/secret.js';

const secretText = fc.string({ minLength: 8, maxLength: 24 }).filter((text) => /[a-z]/i.test(text) && !text.includes('********'));

describe('redactor', () => {
	const redact = redactor([]);

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
				const clean = redactor([new Secret(secret)]);
				const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
				for (const form of forms) expect(clean(`${before} ${form} ${after}`).includes(form)).toBe(false);
			}),
		);
	});
});

describe('secretRemover', () => {
	it('changes nothing but known secrets', () => {
		const clean = secretRemover([new Secret('hush1234')]);
		expect(clean('https://u:other@h password=x hush1234')).toBe('https://u:other@h password=x ********');
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
