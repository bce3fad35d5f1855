import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseConnection } from '../../../services/postgres/connection-url.js';
import { targetIdentity, targetUrl } from '../../../source/config/target-url.js';
import { RepotError } from '../../../source/core/errors.js';
import { Secret } from '../../../source/core/secret.js';

const parse = (url: string) => parseConnection(new Secret(url), '/base');

describe('connection URL', () => {
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

	it.each([
		[
			'postgresql+psycopg://ana@h/d?options=-csearch_path%3Dapp&sslmode=require',
			{ host: 'h', options: '-csearch_path=app', sslmode: 'require' },
		],
		['postgresql+asyncpg://ana@h:6543/d?ssl=require&prepared_statement_cache_size=0', { host: 'h', port: 6543, ssl: 'require' }],
		['postgresql+psycopg2://ana:p%40ss@/d?host=/var/run/postgresql', { host: '/var/run/postgresql', password: 'p@ss' }],
		['postgresql+psycopg2://ana@/d?host=h2:6543', { host: 'h2', port: 6543 }],
		['postgresql+pg8000://ana@h/d?timeout=3', { host: 'h' }],
		['postgresql://ana:p%2Bss@/d', { host: 'localhost', password: 'p+ss' }],
		['postgresql://ana@:6543/d', { host: 'localhost', port: 6543 }],
		['postgresql:///d?host=/tmp&user=ana', { host: '/tmp' }],
		['postgresql://ana@%2Ftmp:6543/d', { host: '/tmp', port: 6543 }],
		['postgresql://ana@[::1]:6543/d', { host: '::1', port: 6543 }],
		['postgresql://bob@other/x?user=ana&host=h&dbname=d&port=6543', { host: 'h', port: 6543 }],
		['postgresql://ana@db.example/d?hostaddr=127.0.0.1', { host: 'db.example', address: '127.0.0.1' }],
	])('reads %j', (url, expected) => {
		const connection = parse(url);
		if (connection.kind !== 'server') throw new Error('no server');
		const { parameters, password, ...server } = connection.server;
		const found = { ...Object.fromEntries(parameters), ...server, password: password?.reveal() };
		expect(found).toMatchObject({ user: 'ana', database: 'd', port: 5432, ...expected });
	});

	it('keeps what is secret out of every form that could be shown', () => {
		const connection = parse('postgresql://ana@h/d?password=s3cret&sslpassword=s3cret2');
		expect(inspect(connection, { depth: 9 }) + JSON.stringify(connection)).not.toContain('s3cret');
		expect(connection.kind === 'server' && connection.server.password?.reveal()).toBe('s3cret');
	});

	it('fills what is left out from the variables of libpq', () => {
		const read = (url: string, env: Record<string, string>) => parseConnection(new Secret(url), '/base', env);
		const env = { PGHOST: 'h', PGPORT: '6543', PGUSER: 'ana', PGDATABASE: 'd', USER: 'root' };
		expect(read('postgresql://', env)).toMatchObject({ label: 'postgresql://ana@h:6543/d', user: 'ana', identity: 'h:6543/d' });
		expect(read('postgresql://bob@x:1/y', env)).toMatchObject({ label: 'postgresql://bob@x:1/y' });
		expect(read('postgresql://', { USER: 'root' })).toMatchObject({
			label: 'postgresql://localhost:5432/root',
			user: '',
			server: { user: 'root' },
		});
		expect(read('postgresql:///d', { PGHOST: '/tmp', PGHOSTADDR: '' })).toMatchObject({ label: 'postgresql://%2Ftmp:5432/d' });
		expect(() => read('postgresql:///d', { PGSERVICE: 'mine' })).toThrow(expect.objectContaining({ kind: 'usage', code: 'BAD_VARIABLE' }));
		expect(() => read('postgresql://h/d', { PGSERVICE: 'mine' })).not.toThrow();
		expect(() => read('postgresql:///d', { PGHOST: 'a,b' })).toThrow(expect.objectContaining({ code: 'BAD_VARIABLE' }));
		expect(() => read('postgresql://h/d', { PGPORT: 'x' })).toThrow(expect.objectContaining({ code: 'BAD_VARIABLE' }));
	});

	it.each([
		'postgresql://a,b/d',
		'postgresql://ana@a:1,b:2/d',
		'postgresql+psycopg2://ana@/d?host=a:1&host=b:2',
		'postgresql:///d?host=a,b',
	])('refuses several hosts: %j', (url) => {
		expect(() => parse(url)).toThrow(expect.objectContaining({ code: 'MALFORMED_URL', why: 'It names several hosts' }));
		expect(() => targetUrl(url)).toThrow('it names several hosts');
	});

	it('is the same by way of the settings, also twice', () => {
		for (const url of [
			'postgresql+psycopg2://ana:p%40ss@/d?host=/var/run/postgresql',
			'postgresql+asyncpg://ana@/d?ssl=require',
			'postgresql://ana@h',
		]) {
			const once = targetUrl(url);
			expect(targetUrl(once.reveal()).reveal()).toBe(once.reveal());
			expect(parse(once.reveal())).toEqual(parse(url));
			expect(targetIdentity(once, '/')).toBe(targetIdentity(new Secret(parse(url).label), '/'));
		}
	});

	it.each([
		['postgresql://h:70000/d', 'port'],
		['postgresql://ana:s3:99999@h:0/d', 'port'],
		['postgresql://h/d?service=mine', '"service"'],
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
