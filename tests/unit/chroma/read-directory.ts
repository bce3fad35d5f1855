/**
 * Reads each directory named on the command line, every collection whole, and prints one JSON line for it: `records` and how many of them have `vectors`, or `refused` with the code of the RepotError. The last line
 * is `{"peak": bytes}`, the largest resident size of this process. Anything else that is thrown ends it with exit code 1.
 * Run by a test with a small heap, to see what a directory that lies about its sizes costs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCopy } from '../../../services/chroma/chroma-copy.js';
import { openChroma } from '../../../services/chroma/open.js';
import { RepotError } from '../../../source/core/errors.js';
import { anyStep } from './canonical.js';

const into = mkdtempSync(join(tmpdir(), 'repot-liars-'));

async function readDirectory(argument: string): Promise<{ readonly records: number; readonly vectors: number }> {
	// `in-place:DIR` spares the copying of sparse files, which are as large as they say once they are copied.
	const inPlace = argument.startsWith('in-place:') ? argument.slice('in-place:'.length) : null;
	const opened = inPlace === null ? await openChroma({ path: argument, into }) : openCopy(join(inPlace, 'chroma.sqlite3'), inPlace, 0);
	let [records, vectors] = [0, 0];
	try {
		for (const { id } of opened.describe().collections) {
			for (const { values } of opened.reader(id).read(anyStep, ['id', 'embedding', 'document', 'metadata'], null)) {
				records += 1;
				if (values[1] !== null) vectors += 1;
			}
		}
	} finally {
		await opened.close();
	}
	return { records, vectors };
}

const print = (line: unknown): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

for (const argument of process.argv.slice(2)) {
	try {
		print(await readDirectory(argument));
	} catch (thrown) {
		if (!(thrown instanceof RepotError)) throw new Error(`reading ${argument}`, { cause: thrown });
		print({ refused: thrown.code });
	}
}
rmSync(into, { recursive: true, force: true });
// maxRSS is in KiB (getrusage(2), as libuv gives it).
print({ peak: process.resourceUsage().maxRSS * 1024 });
