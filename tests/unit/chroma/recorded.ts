import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from '../../../services/postgres/unpack-tar.js';
import { answersIn, type DirectoryAnswers } from '../../chroma/answers.js';

const folder = join(import.meta.dirname, '../../fixtures/chroma/recorded');

/** Names of the recorded directories, `VERSION-SEED`; made by tests/chroma/make-recorded.py. */
export const recordings: readonly string[] = readdirSync(folder)
	.filter((name) => name.endsWith('.tar.gz'))
	.map((name) => name.slice(0, -'.tar.gz'.length))
	.sort();

/** Unpacks one into an empty folder; `directory` is the Chroma directory. */
export function unpackRecording(name: string, into: string): { readonly directory: string; readonly answers: DirectoryAnswers } {
	unpackTar(gunzipSync(readFileSync(join(folder, `${name}.tar.gz`))), into);
	return { directory: join(into, 'data'), answers: answersIn(into) };
}
