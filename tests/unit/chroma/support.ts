import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ChromaSnapshot, openChroma } from '../../../services/chroma/open.js';
import { Database } from '../../../services/sqlite/engine.js';

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'repot-chroma-'));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** Opens a directory through a private copy; both are gone when the test is over. */
export async function openForTest(path: string): Promise<ChromaSnapshot> {
	const snapshot = await openChroma({ path, into: temporaryFolder() });
	let open = true;
	onTestFinished(async () => {
		if (open) await snapshot.close();
		open = false;
	});
	return snapshot;
}

/** Every name, size, time to the nanosecond, mode and byte below a directory. */
export function directoryState(path: string): readonly string[] {
	return readdirSync(path, { recursive: true, withFileTypes: true })
		.map((entry) => {
			const full = join(entry.parentPath, entry.name);
			const facts = statSync(full, { bigint: true });
			const digest = entry.isFile() ? createHash('sha256').update(readFileSync(full)).digest('hex') : 'folder';
			return `${full.slice(path.length)} ${facts.size} ${facts.mtimeNs} ${facts.mode} ${digest}`;
		})
		.sort();
}

/** Vectors that the log of a copy still holds, by topic and id: the last one given. */
export function loggedVectors(path: string, collectionId: string): Map<string, Buffer> {
	const database = new Database(join(path, 'chroma.sqlite3'), { readonly: true, fileMustExist: true });
	try {
		const rows = database
			.prepare('SELECT id, vector FROM embeddings_queue WHERE topic LIKE ? AND vector IS NOT NULL ORDER BY seq_id')
			.raw()
			.all(`%/${collectionId}`) as [string, Buffer][];
		return new Map(rows);
	} finally {
		database.close();
	}
}

/**
 * What Chroma answers for a cosine vector that it indexed: hnswlib divides by the norm (four float32 lanes, added pairwise: its SSE code) plus 1e-30 and Chroma multiplies by
 * the norm again, each step rounded to float32. Found by comparison with the recorded answers, which it meets bit for bit.
 */
export function cosineAnswer(given: Float32Array): Float32Array {
	const f = Math.fround;
	const lanes = new Float32Array(4);
	for (let index = 0; index < given.length; index++) {
		const component = given[index] as number;
		lanes[index % 4] = f((lanes[index % 4] as number) + f(component * component));
	}
	const squares = f(f((lanes[0] as number) + (lanes[2] as number)) + f((lanes[1] as number) + (lanes[3] as number)));
	const norm = f(Math.sqrt(squares));
	const inverse = f(1 / f(norm + f(1e-30)));
	return given.map((component) => f(f(component * inverse) * norm));
}
