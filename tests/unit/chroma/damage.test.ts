import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openChroma } from '../../../services/chroma/open.js';
import { RepotError } from '../../../source/core/errors.js';
import { readAll } from './canonical.js';
import { temporaryFolder } from './support.js';

const fixture = join(import.meta.dirname, '../../fixtures/chroma/chroma-1.5.9');
const rounds = 80;

/** Lehmer's generator (MINSTD): the same damage in every run. */
function generator(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (state * 48271) % 2147483647;
		return state % below;
	};
}

function damageOneFile(directory: string, random: (below: number) => number): string {
	const files = readdirSync(directory, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.sort();
	const path = files[random(files.length)] as string;
	const bytes = readFileSync(path);
	if (bytes.length === 0) return path;
	if (random(3) === 0) writeFileSync(path, bytes.subarray(0, random(bytes.length)));
	else {
		for (let flips = 1 + random(40); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
		writeFileSync(path, bytes);
	}
	return path;
}

it(`${rounds} directories with flipped bytes and cut files: only typed errors, never a crash`, async () => {
	const random = generator(20260101);
	const outcomes = { read: 0, refused: 0 };
	const folder = temporaryFolder();
	for (let round = 0; round < rounds; round++) {
		const directory = join(folder, `directory-${round}`);
		cpSync(fixture, directory, { recursive: true });
		const damaged = damageOneFile(directory, random);
		try {
			const snapshot = await openChroma({ path: directory, into: join(folder, `copy-${round}`) });
			try {
				for (const { id } of snapshot.describe().collections) readAll(snapshot.reader(id));
			} finally {
				await snapshot.close();
			}
			outcomes.read += 1;
		} catch (thrown) {
			if (!(thrown instanceof RepotError)) throw new Error(`damage to ${damaged} in round ${round}: ${String(thrown)}`, { cause: thrown });
			expect(thrown.kind).toBe('source');
			outcomes.refused += 1;
		}
	}
	expect(outcomes.read).toBeGreaterThan(0);
	expect(outcomes.read + outcomes.refused).toBe(rounds);
});
