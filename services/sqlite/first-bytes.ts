import { open } from 'node:fs/promises';

/** The header of a SQLite file; less where the file has less (https://www.sqlite.org/fileformat2.html#the_database_header). */
export async function firstBytes(path: string): Promise<Buffer> {
	const file = await open(path, 'r');
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(100), 0, 100, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}
