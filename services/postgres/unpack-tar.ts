import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const block = 512;

/**
 * Writes the files and folders of an uncompressed tar archive (ustar, POSIX.1-1988: blocks of 512 bytes, a header with name at 0, size in
 * octal at 124, type at 156 and name prefix at 345 before each file) below `directory`. @throws Error when it holds anything else.
 */
export function unpackTar(archive: Uint8Array, directory: string): void {
	const decoder = new TextDecoder();
	const field = (start: number, length: number): string =>
		(decoder.decode(archive.subarray(start, start + length)).split('\0')[0] ?? '').trim();
	for (let at = 0; at + block <= archive.length && archive[at] !== 0; ) {
		const prefix = field(at + 345, 155);
		const parts = `${prefix}/${field(at, 100)}`.split('/').filter((part) => part !== '' && part !== '.');
		const size = Number.parseInt(field(at + 124, 12) || '0', 8);
		const type = field(at + 156, 1);
		if (parts.includes('..') || !Number.isSafeInteger(size) || at + block + size > archive.length)
			throw new Error('the archive is damaged');
		const path = join(directory, ...parts);
		if (type === '5') mkdirSync(path, { recursive: true, mode: 0o700 });
		else if (type === '0' || type === '') {
			mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
			writeFileSync(path, archive.subarray(at + block, at + block + size), { mode: 0o600 });
		} else throw new Error(`the archive holds an entry of type ${type}`);
		at += block + Math.ceil(size / block) * block;
	}
}
