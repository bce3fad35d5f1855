import { describe, expect, it } from 'vitest';
import { maskUrl, parseConnection } from '../../../services/postgres/connection-url.js';
import { RepotError } from '../../../source/core/errors.js';
import { Secret } from '../../../source/core/secret.js';

const parse = (url: string) => parseConnection(new Secret(url), '/base');

describe('connection URL', () => {
	it('masks the password and every parameter', () => {
		expect(maskUrl('postgresql://ana:s3cret@db.example:6543/app?sslmode=require&sslpassword=x')).toBe(
			'postgresql://ana@db.example:6543/app',
		);
		expect(maskUrl('pglite:./repot-demo/pg')).toBe('pglite:./repot-demo/pg');
		expect(maskUrl('postgresql://ana:s3#cret@db/app')).toBe('postgresql://(malformed)');
		expect(maskUrl('s3cret')).toBe('postgresql://(malformed)');
	});

	it('names the same database the same, without secrets', () => {
		expect(parse('postgres://ana:s3cret@db.example/app')).toMatchObject({
			kind: 'server',
			identity: 'db.example:5432/app',
			label: 'postgresql://ana@db.example:5432/app',
		});
		expect(parse('pglite:data/pg')).toEqual({
			kind: 'embedded',
			directory: '/base/data/pg',
			identity: '/base/data/pg',
			label: 'pglite:data/pg',
		});
		expect(parse('pglite:/data/pg')).toMatchObject({ directory: '/data/pg' });
	});

	it('gives the driver the checked form of the sslmodes that the library would warn about', () => {
		const urlOf = (url: string): string => {
			const connection = parse(url);
			return connection.kind === 'server' ? connection.url : '';
		};
		expect(urlOf('postgresql://h/d?sslmode=require')).toBe('postgresql://h/d?sslmode=verify-full');
		expect(urlOf('postgresql://h/d?sslmode=no-verify')).toBe('postgresql://h/d?sslmode=no-verify');
		expect(urlOf('postgresql://h/d?uselibpqcompat=true&sslmode=require')).toBe('postgresql://h/d?uselibpqcompat=true&sslmode=require');
	});

	it.each([
		['postgresql://h:70000/d', 'port'],
		['postgresql://ana:s3:99999@h:0/d', 'port'],
		['postgresql://h/d?sslmode=maybe', '"maybe"'],
		['postgresql://h/d?schema=public', '"schema"'],
	])('says what is wrong with %j', (url, what) => {
		expect(() => parse(url)).toThrow(expect.objectContaining({ code: 'MALFORMED_URL', why: expect.stringContaining(what) }));
		expect(() => parse('postgresql://ana:s3:99999@h:1/d?channel_binding=require')).not.toThrow();
	});

	it.each([
		'',
		'mysql://h/d',
		'pglite:',
		'postgresql://ana:s3cret@h:port/d',
		'postgresql://ana:s3#cret@h/d',
		'postgresql://ana:s3cret%@h/d',
		'ana:s3cret@h',
	])('refuses %j without quoting it', (url) => {
		let thrown: unknown;
		try {
			parse(url);
		} catch (error) {
			thrown = error;
		}
		expect(thrown).toBeInstanceOf(RepotError);
		expect(thrown).toMatchObject({ kind: 'usage', code: 'MALFORMED_URL' });
		expect(JSON.stringify(thrown)).not.toMatch(/s3/);
	});
});
