import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCopy } from '../../../services/chroma/chroma-copy.js';
import { openChroma } from '../../../services/chroma/open.js';
import { RepotError } from '../../../source/core/errors.js';
import { LostValue } from '../../../source/core/mapping/cast-result.js';
import type { DirectoryAnswers } from '../../chroma/answers.js';
import { sameCosine } from '../../chroma/cosine.js';
import { thorough } from '../../thorough.js';
import { hexOf, type ReadRecord, readAll } from './canonical.js';
import { changes, generator, losses } from './damage.js';
import { recordings, unpackRecording } from './recorded.js';
import { temporaryFolder } from './support.js';

const rounds = thorough ? 300 : 120;
/** A slow machine does fewer. */
const fewestRounds = 120;
const milliseconds = 10_000;
/** More records than this can only come from a loop without end. */
const mostRecords = 20_000;

type Outcome = readonly { readonly id: string; readonly space: string; readonly records: readonly ReadRecord[] }[] | RepotError;

/** `into`: the folder for the copy; null reads in place, which is much quicker and all that most rounds need. */
async function readDamaged(directory: string, into: string | null): Promise<Outcome> {
	try {
		const snapshot =
			into === null ? openCopy(join(directory, 'chroma.sqlite3'), directory, 0) : await openChroma({ path: directory, into });
		try {
			return snapshot.describe().collections.map(({ id, space, records }) => {
				const found = readBounded(() => snapshot.reader(id));
				expect(records).toBeLessThan(mostRecords);
				return { id, space, records: found };
			});
		} finally {
			await snapshot.close();
		}
	} catch (thrown) {
		if (thrown instanceof RepotError) return thrown;
		throw thrown;
	}
}

/** A collection that cannot be read is refused by itself; the others go on. */
function readBounded(open: () => Parameters<typeof readAll>[0]): readonly ReadRecord[] {
	try {
		const reader = open();
		const bounded: typeof reader = {
			...reader,
			read: (step, fields, from) => bound(reader.read(step, fields, from)),
		};
		return readAll(bounded);
	} catch (thrown) {
		if (thrown instanceof RepotError) return [];
		throw thrown;
	}
}

function* bound<Item>(items: Iterable<Item>): Generator<Item> {
	let steps = 0;
	for (const item of items) {
		if (++steps > mostRecords) throw new Error(`more than ${mostRecords} records`);
		yield item;
	}
}

/** Set aside with a reason, in place of a value that is not whole. */
const isLost = (value: unknown): boolean => value instanceof LostValue;

function checkShape({ id, embedding, document, metadata }: ReadRecord): void {
	expect(typeof id).toBe('string');
	expect(embedding === null || embedding instanceof Float32Array).toBe(true);
	expect(document === null || typeof document === 'string' || isLost(document)).toBe(true);
	expect(metadata === null || metadata instanceof Map || isLost(metadata)).toBe(true);
}

/**
 * Each vector that is left is the one that Chroma answered; where it could not answer, one that was given. So, too, where its writer was killed:
 * the index may then hold writes that the log never got.
 */
function checkVectors(outcome: Outcome, answers: DirectoryAnswers): void {
	if (outcome instanceof RepotError) return;
	for (const { id, space, records } of outcome) {
		const answer = answers.collections.find((candidate) => candidate.id === id);
		const given = answer?.given ?? {};
		const answered = new Map(
			(answer?.error === null && answers.killed === null ? answer.records : []).map((line) => {
				const record = JSON.parse(line) as { readonly id: string; readonly embedding: string };
				return [record.id, record.embedding];
			}),
		);
		for (const record of records) {
			if (record.embedding === null) continue;
			const ours = hexOf(record.embedding);
			const theirs = answered.get(record.id);
			const right =
				theirs === undefined
					? isOneOf(ours, given[record.id] ?? [], space)
					: ours === theirs || (space === 'cosine' && sameCosine(ours, theirs) && (given[record.id] ?? []).includes(ours));
			expect(right, `${record.id}: ${ours} instead of ${theirs ?? 'one that was given'}`).toBe(true);
		}
	}
}

const isOneOf = (ours: string, given: readonly string[], space: string): boolean =>
	given.includes(ours) || (space === 'cosine' && given.some((vector) => sameCosine(vector, ours)));

describe('damaged directories: only typed errors, notes and lost vectors', () => {
	it(`up to ${rounds} rounds of flipped bytes, cut, lost, swapped and replaced files and changed values`, {
		timeout: 120_000,
	}, async () => {
		const folder = temporaryFolder();
		const whole = recordings.map((name) => unpackRecording(name, join(folder, name)));
		const random = generator(Number(process.env.REPOT_TEST_FUZZ_SEED ?? 20260101));
		const kinds = [
			...Object.entries(losses).map(([name, damage]) => ({ name, damage, loss: true })),
			...Object.entries(changes).map(([name, damage]) => ({ name, damage, loss: false })),
		];
		const end = performance.now() + milliseconds;
		let read = 0;
		let refused = 0;
		for (let round = 0; round < rounds && (round < fewestRounds || performance.now() < end); round++) {
			const { directory: original, answers } = whole[random(whole.length)] as (typeof whole)[number];
			const { name, damage, loss } = kinds[round % kinds.length] as (typeof kinds)[number];
			const directory = join(folder, 'damaged');
			cpSync(original, directory, { recursive: true });
			for (let times = 1 + random(2); times > 0; times--) damage(directory, random);
			try {
				const outcome = await readDamaged(directory, round % 5 === 0 || name === 'a file is a folder' ? join(folder, 'copies') : null);
				if (outcome instanceof RepotError) {
					expect(outcome.kind).toBe('source');
					refused += 1;
				} else {
					for (const { records } of outcome) records.forEach(checkShape);
					read += 1;
				}
				if (loss) {
					expect(outcome).not.toBeInstanceOf(RepotError);
					checkVectors(outcome, answers);
				}
			} catch (thrown) {
				throw new Error(`round ${round}, ${name}, in ${original.slice(folder.length)}: ${String(thrown)}`, { cause: thrown });
			}
			rmSync(directory, { recursive: true, force: true });
		}
		expect(read).toBeGreaterThan(kinds.length);
		expect(refused).toBeGreaterThan(0);
	});
});
