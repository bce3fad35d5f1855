import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Server } from '../../../services/postgres/connection-url.js';
import { passwordIn, passwordOfFile } from '../../../services/postgres/pass-file.js';

const server = (more: Partial<Server> = {}): Server => ({
	host: 'h',
	address: null,
	port: 5432,
	user: 'ana',
	named: true,
	password: null,
	keyPassword: null,
	database: 'd',
	parameters: new Map(),
	...more,
});

const folder = mkdtempSync(join(tmpdir(), 'repot-pass-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the password file of libpq', () => {
	it.each([
		['h:5432:d:ana:x', 'x'],
		['*:*:*:*:x', 'x'],
		['h:5432:d:bob:no\nh:*:*:ana:yes\n*:*:*:*:later', 'yes'],
		['#h:5432:d:ana:x', null],
		['h:5433:d:ana:x', null],
		['h:5432:d:ana', null],
		['h:5432:d:ana:a\\:b\\\\c', 'a:b\\c'],
		['h:5432:d:ana:x\r\n', 'x'],
	])('%j', (text, password) => {
		expect(passwordIn(text, server())).toBe(password);
	});

	it('takes a socket for localhost, and names with colons', () => {
		expect(passwordIn('localhost:5432:d:ana:x', server({ host: '/tmp' }))).toBe('x');
		expect(passwordIn('\\:\\:1:5432:d\\:e:ana:x', server({ host: '::1', database: 'd:e' }))).toBe('x');
	});

	it('is passed over when others may read it, and is the one that is named', async () => {
		const file = join(folder, 'named');
		writeFileSync(file, '*:*:*:*:x', { mode: 0o600 });
		writeFileSync(join(folder, '.pgpass'), '*:*:*:*:of home', { mode: 0o600 });
		expect(await passwordOfFile(server(), { HOME: folder, PGPASSFILE: file })).toBe('x');
		expect(await passwordOfFile(server({ parameters: new Map([['passfile', file]]) }), { HOME: folder })).toBe('x');
		expect(await passwordOfFile(server(), { HOME: folder })).toBe('of home');
		chmodSync(file, 0o644);
		expect(await passwordOfFile(server(), { HOME: folder, PGPASSFILE: file })).toBeNull();
		expect(await passwordOfFile(server(), { HOME: folder, PGPASSFILE: join(folder, 'absent') })).toBeNull();
	});
});
