import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * The pages of a SQLite database file, read without SQLite: for what is left of a damaged one. Format: https://www.sqlite.org/fileformat2.html.
 * Pages are numbered from 1; one that the file does not hold whole is not there.
 */
export class PageFile {
	/** Pages that the file holds. */
	readonly count: number;
	/** Bytes of a page without the reserved ones at its end. */
	readonly usable: number;
	/** Pages that the database should have; more than `count` when the file was cut short. */
	readonly claimed: number;
	/** Overflow pages that were read. */
	readonly overflow = new Set<number>();
	readonly #file: number;
	readonly #size: number;

	/** Throws NotAPageFile when the header (the first 100 bytes) is not that of a UTF-8 database without auto-vacuum. */
	constructor(path: string) {
		this.#file = openSync(path, 'r');
		try {
			const header = Buffer.alloc(100);
			const read = readSync(this.#file, header, 0, 100, 0);
			const size = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
			const isDatabase = read === 100 && header.toString('latin1', 0, 16) === 'SQLite format 3\0';
			// Offset 52: pages that map pointers exist. 56: 1 is UTF-8; 0 stands in a database without any table.
			const isPlain = header.readUInt32BE(52) === 0 && header.readUInt32BE(56) === 1;
			if (!isDatabase || !isPlain || size < 512 || (size & (size - 1)) !== 0) throw new NotAPageFile();
			this.#size = size;
			this.usable = size - (header[20] as number);
			if (this.usable < 480) throw new NotAPageFile();
			this.count = Math.floor(fstatSync(this.#file).size / size);
			// Only as good as the change counter beside it (section 1.3.7).
			this.claimed = header.readUInt32BE(24) === header.readUInt32BE(92) ? header.readUInt32BE(28) : this.count;
		} catch (thrown) {
			closeSync(this.#file);
			throw thrown;
		}
	}

	/** Null: there is no such page. */
	page(number: number): Buffer | null {
		if (!Number.isInteger(number) || number < 1 || number > this.count) return null;
		const page = Buffer.allocUnsafe(this.#size);
		return readSync(this.#file, page, 0, this.#size, (number - 1) * this.#size) === this.#size ? page : null;
	}

	/** Pages that are in the file and in use by nothing; null when their list cannot be read. */
	freePages(): ReadonlySet<number> | null {
		const free = new Set<number>();
		const header = this.page(1);
		if (header === null) return null;
		for (let trunk = header.readUInt32BE(32); trunk !== 0; ) {
			const page = this.page(trunk);
			const leaves = page?.readUInt32BE(4) ?? 0;
			if (page === null || free.has(trunk) || leaves > this.usable / 4 - 2) return null;
			free.add(trunk);
			for (let at = 0; at < leaves; at++) free.add(page.readUInt32BE(8 + at * 4));
			trunk = page.readUInt32BE(0);
		}
		return free.size === header.readUInt32BE(36) ? free : null;
	}

	/** The page of the byte that locks are taken on holds nothing. */
	get lockPage(): number {
		return Math.floor(0x40000000 / this.#size) + 1;
	}

	close(): void {
		closeSync(this.#file);
	}
}

/**
 * Whether the file ends inside a page. SQLite reads the rest of such a page as zeros and takes what it finds there for rows.
 */
export function endsInsidePage(path: string): boolean {
	const file = openSync(path, 'r');
	try {
		const header = Buffer.alloc(18);
		if (readSync(file, header, 0, 18, 0) < 18) return fstatSync(file).size > 0;
		const size = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
		return size > 0 && fstatSync(file).size % size !== 0;
	} finally {
		closeSync(file);
	}
}

export class NotAPageFile extends Error {
	override readonly name = 'NotAPageFile';
}
