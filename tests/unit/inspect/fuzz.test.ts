import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openChroma } from '../../../services/chroma/open.js';
import { RepotError } from '../../../source/core/errors.js';
import { readAll } from '../chroma/canonical.js';
import { temporaryFolder } from '../chroma/support.js';
import { demo, lookAtChroma } from './support.js';

const rounds = 40;

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

/** What a reader gives, or null where it gives up. */
async function readVectors(path: string, into: string): Promise<ReadonlyMap<string, number> | null> {
	const snapshot = await openChroma({ path, into }).catch(() => null);
	if (snapshot === null) return null;
	try {
		const { collections } = snapshot.describe();
		return new Map(collections.map(({ id }) => [id, readAll(snapshot.reader(id)).filter(({ embedding }) => embedding === null).length]));
	} catch {
		return null;
	} finally {
		await snapshot.close();
	}
}

it(`${rounds} directories with flipped bytes and cut files: told, or refused with a typed error; what is told is what a reader finds`, async () => {
	const random = generator(20260202);
	let [told, compared] = [0, 0];
	const folder = temporaryFolder();
	for (let round = 0; round < rounds; round++) {
		const directory = join(folder, `directory-${round}`);
		cpSync(join(demo, 'chroma_demo'), directory, { recursive: true });
		const damaged = damageOneFile(directory, random);
		const inspection = await lookAtChroma(directory).catch((thrown: unknown) => thrown);
		if (inspection instanceof RepotError) {
			expect(inspection.kind).toBe('source');
			continue;
		}
		if (inspection instanceof Error)
			throw new Error(`damage to ${damaged} in round ${round}: ${inspection.message}`, { cause: inspection });
		told += 1;
		const lost = await readVectors(directory, join(folder, `copy-${round}`));
		if (lost === null) continue;
		compared += 1;
		const { collections } = inspection as Awaited<ReturnType<typeof lookAtChroma>>;
		expect(new Map(collections.map(({ id, missingVectors }) => [id, missingVectors.count])), damaged).toEqual(lost);
	}
	expect(told).toBeGreaterThan(rounds / 2);
	expect(compared).toBeGreaterThan(rounds / 4);
});
