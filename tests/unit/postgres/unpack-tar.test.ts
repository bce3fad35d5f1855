import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unpackTar } from '../../../services/postgres/unpack-tar.js';

/** An archive by the book: header blocks of 512 bytes, contents padded to whole blocks, two empty blocks at the end. */
function tar(entries: readonly { name: string; prefix?: string; type: string; content?: string }[]): Uint8Array {
	const blocks = entries.flatMap(({ name, prefix = '', type, content = '' }) => {
		const header = Buffer.alloc(512);
		header.write(name, 0);
		header.write(Buffer.byteLength(content).toString(8).padStart(11, '0'), 124);
		header.write(type, 156);
		header.write('ustar', 257);
		header.write(prefix, 345);
		const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
		body.write(content);
		return [header, body];
	});
	return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe('unpackTar', () => {
	let folder: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'repot-tar-'));
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	it('writes folders and files, empty ones and ones longer than a block', () => {
		const long = 'x'.repeat(1300);
		unpackTar(
			tar([
				{ name: '/empty', type: '5' },
				{ name: '/base', type: '5' },
				{ name: '/base/1', type: '0' },
				{ name: 'two', prefix: '/base/deep', type: '0', content: long },
				{ name: '/PG_VERSION', type: '0', content: '18\n' },
			]),
			folder,
		);
		expect(readdirSync(folder).sort()).toEqual(['PG_VERSION', 'base', 'empty']);
		expect(readFileSync(join(folder, 'base/1'), 'utf8')).toBe('');
		expect(readFileSync(join(folder, 'base/deep/two'), 'utf8')).toBe(long);
		expect(readFileSync(join(folder, 'PG_VERSION'), 'utf8')).toBe('18\n');
	});

	it('refuses what would leave the folder, links, and a torn archive', () => {
		expect(() => unpackTar(tar([{ name: '../out', type: '0' }]), folder)).toThrow('damaged');
		expect(() => unpackTar(tar([{ name: '/link', type: '2' }]), folder)).toThrow('type 2');
		const torn = tar([{ name: '/a', type: '0', content: 'x'.repeat(2000) }]).subarray(0, 1200);
		expect(() => unpackTar(torn, folder)).toThrow('damaged');
		expect(readdirSync(folder)).toEqual([]);
	});
});
