import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redaction } from '../../../source/config/redact.js';
import { isSameTarget, maskUrl, namesOf, secretsOf, targetUrl, withoutPassword, wroteTo } from '../../../source/config/target-url.js';
import { Secret } from '../../../source/core/secret.js';
import { makeFolder } from './folder.js';

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

	it.each([
		['postgresql://postgres:hunter22secret@:37369/db?host=127.0.0.1', 'postgresql://postgres@127.0.0.1:37369/db'],
		['postgresql+psycopg2://postgres:hunter22secret@/db?host=/tmp', 'postgresql://postgres@%2Ftmp/db'],
		['postgresql://postgres:hunter22secret@/db', 'postgresql:///db?user=postgres'],
		['postgresql://postgres:hunter22/secret@h/db', 'postgresql://********'],
		['postgresql://postgres:22/hunter22secret@h/db', 'postgresql://********'],
		['postgresql://postgres:22#hunter22secret@h/db', 'postgresql://********'],
		['postgresql://postgres:22?hunter22secret@h/db', 'postgresql://********'],
		['postgresql://postgres:p@ss/hunter22secret@h/db', 'postgresql://********'],
		['postgresql://postgres:hunter22secret@h:port/db', 'postgresql://********'],
		['postgresql://postgres:hunter22secret@a,b/db?password=hunter22secret', 'postgresql://********'],
	])('in the form %j show no secret, and it is known to the redaction', (text, shown) => {
		const url = new Secret(text);
		expect(withoutPassword(url)).toEqual({ url: shown, had: true });
		const own = `${JSON.stringify([maskUrl(url), withoutPassword(url), namesOf(url)])}`;
		expect(own).not.toMatch(/hunter22|secret/);
		const [password = ''] = /hunter22\/?secret/.exec(text) ?? [];
		expect(redaction(secretsOf(url).map((one) => new Secret(one))).text(`for ${text}: ${secretsOf(url)[0]}`)).not.toContain(password);
	});

	it('are taken where it is told where the password ends', () => {
		expect(targetUrl('postgresql://u:pw@:5432/db?host=x').reveal()).toBe('postgresql://u:pw@x:5432/db');
		for (const text of ['postgresql://u:12/34@h/db', 'postgresql://u:12#34@h/db', 'postgresql://u:12?34@h/db', 'postgresql://u:1%@h/db'])
			expect(() => targetUrl(text)).toThrow('percent-encoded');
	});

	const localhost = 'postgresql://postgres@127.0.0.1:37369/rv5_prod';
	it.each([
		['postgresql://LOCALHOST.:37369/rv5_prod', {}],
		['postgresql://[::1]:37369/rv5_prod', {}],
		['postgresql://[::ffff:127.0.0.1]:37369/rv5_prod', {}],
		['postgresql://127.1:37369/rv5_prod', {}],
		['postgresql://:37369/rv5_prod', {}],
		['postgresql:///rv5_prod?port=37369', {}],
		['postgresql:///rv5_prod?host=/tmp&port=37369', {}],
		['postgresql://anything:37369/rv5_prod?hostaddr=127.0.0.1', {}],
		['postgresql://postgres:pw@:37369/rv5_prod?host=127.0.0.1', {}],
		['postgresql://other/x?host=localhost&port=37369&dbname=rv5_prod', {}],
		['postgresql://postgres@127.0.0.1/rv5_prod', { PGPORT: '37369' }],
		['postgresql://127.0.0.1', { PGPORT: '37369', PGDATABASE: 'rv5_prod', PGUSER: 'postgres' }],
		['postgresql://127.0.0.1', { PGPORT: '37369', PGUSER: 'rv5_prod' }],
		['postgresql://', { PGHOST: 'localhost', PGPORT: '37369', USER: 'rv5_prod' }],
		['postgresql://elsewhere/rv5_prod', { PGHOST: 'elsewhere', PGHOSTADDR: '127.0.0.1', PGPORT: '37369' }],
	])('%j with %j is the database of this computer', (text, env) => {
		expect(isSameTarget(new Secret(text), new Secret(localhost), '/w', env)).toBe(true);
		expect(wroteTo({ target: localhost }, new Secret(text), '/w', env)).toBe(true);
	});

	it('are another database by host, port or name, and no two sockets are one', () => {
		for (const text of [
			'postgresql://h:37369/rv5_prod',
			'postgresql://localhost/rv5_prod',
			'postgresql://localhost:37369/RV5_prod',
			'mysql://x',
		])
			expect(isSameTarget(new Secret(text), new Secret(localhost), '/w')).toBe(false);
		expect(isSameTarget(new Secret('postgresql:///d?host=/a'), new Secret('postgresql:///d?host=/b/'), '/w')).toBe(false);
		expect(isSameTarget(new Secret('postgresql:///d?host=/a'), new Secret('postgresql:///d?host=/a/'), '/w')).toBe(true);
	});

	it('name a folder by whatever link leads to it', async () => {
		const cwd = await makeFolder();
		await mkdir(join(cwd, 'pg'));
		await symlink('pg', join(cwd, 'link'));
		expect(isSameTarget(new Secret('pglite:./link'), new Secret('pglite://pg'), cwd)).toBe(true);
		expect(isSameTarget(new Secret('pglite:./pg2'), new Secret('pglite:./pg'), cwd)).toBe(false);
	});

	it('are the same database in two spellings', () => {
		const same = (a: string, b: string) => isSameTarget(new Secret(a), new Secret(b), '/w');
		expect(same('postgres://a:x@H.example/db', 'postgresql://b@h.example:5432/db?sslmode=require')).toBe(true);
		expect(same('pglite:./pg', 'pglite:/w/pg')).toBe(true);
		expect(same('postgres://h/db', 'postgres://h/other')).toBe(false);
	});
});
