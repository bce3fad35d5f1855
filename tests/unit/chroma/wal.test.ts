import { describe, expect, it } from 'vitest';
import { replayRecords, replayVectors, type WalRow } from '../../../services/chroma/wal.js';

const [add, update, upsert, remove] = [0, 1, 2, 3];
const row = (sequence: number, operation: number | undefined, id: string, hasVector = true): WalRow => ({
	sequence,
	operation: operation as number,
	id,
	hasVector,
	isReadable: true,
});

function vectors(rows: readonly WalRow[], options: Partial<Parameters<typeof replayVectors>[1]> = {}) {
	return replayVectors(rows, {
		appliedUpTo: 0,
		inIndex: () => false,
		indexDamaged: false,
		originalsMatter: true,
		writtenAt: () => null,
		isLogComplete: () => false,
		...options,
	});
}

describe('the vector half of the log', () => {
	it('ADD sets a new id once, UPDATE a living one, UPSERT any, DELETE forgets', () => {
		const rows = [
			row(1, add, 'a'),
			row(2, add, 'a'),
			row(3, update, 'a'),
			row(4, update, 'missing'),
			row(5, upsert, 'b'),
			row(6, remove, 'b'),
			row(7, add, 'b'),
		];
		expect([...vectors(rows).pending]).toEqual([
			['a', 3],
			['b', 7],
		]);
	});

	it('ADD of an id that the index holds is ignored, UPDATE of it is not, DELETE leaves a mark', () => {
		const inIndex = (id: string) => id !== 'new';
		const rows = [row(1, add, 'a'), row(2, update, 'b'), row(3, remove, 'c'), row(4, add, 'new')];
		expect([...vectors(rows, { inIndex }).pending]).toEqual([
			['b', 2],
			['c', 0],
			['new', 4],
		]);
	});

	it('rows without a vector change no vector', () => {
		expect([...vectors([row(1, upsert, 'a'), row(2, update, 'a', false), row(3, upsert, 'b', false)]).pending]).toEqual([['a', 1]]);
	});

	it('rows that the index has taken in are kept apart, as originals', () => {
		const replay = vectors([row(1, add, 'a'), row(2, update, 'a'), row(3, update, 'a')], { appliedUpTo: 2, inIndex: () => true });
		expect([[...replay.applied], [...replay.pending]]).toEqual([[['a', 2]], [['a', 3]]]);
	});

	it('an ADD to an id that a damaged index lost counts only if the record was written then', () => {
		const options = { indexDamaged: true, appliedUpTo: 0, writtenAt: (id: string) => (id === 'old' ? 3 : 9) };
		const replay = vectors([row(8, add, 'old'), row(9, add, 'new')], options);
		expect([...replay.pending]).toEqual([['new', 9]]);
		expect([...replay.ignored]).toEqual([['old', [8]]]);
	});
});

describe('an index that lacks what the log says', () => {
	it('a vector that an undamaged index forgot is the last one of the log; an ADD to it is taken as Chroma takes it', () => {
		const rows = [row(1, add, 'a'), row(2, remove, 'a'), row(3, add, 'a'), row(8, update, 'a'), row(4, add, 'b'), row(9, add, 'b')];
		const replay = vectors(rows, { appliedUpTo: 5, originalsMatter: false });
		expect([...replay.applied]).toEqual([
			['a', 3],
			['b', 4],
		]);
		expect([...replay.pending]).toEqual([
			['a', 8],
			['b', 9],
		]);
	});

	it('rows of ids that an exact index holds are not remembered', () => {
		const replay = vectors([row(1, add, 'a'), row(2, add, 'b')], { appliedUpTo: 5, originalsMatter: false, inIndex: (id) => id === 'a' });
		expect([...replay.applied]).toEqual([['b', 2]]);
	});

	it('the last ADDs without effect are kept: Chroma 0.4 takes some of them', () => {
		const replay = vectors(
			[1, 2, 3, 4, 5].map((sequence) => row(sequence, add, 'a')),
			{ appliedUpTo: 5 },
		);
		expect([...replay.ignored]).toEqual([['a', [5, 4, 3]]]);
	});
});

describe('an UPDATE of an id that need not have existed', () => {
	const lastWritten = (sequence: number) => ({ writtenAt: () => sequence });

	it('had no effect when an undamaged index lacks the id: a later UPDATE has none either, and the ADD after it counts', () => {
		const rows = [row(10, update, 'x'), row(11, update, 'x'), row(12, add, 'x')];
		const replay = vectors(rows, { appliedUpTo: 10, ...lastWritten(12) });
		expect([...replay.applied, ...replay.pending]).toEqual([['x', 12]]);
		expect([...replay.ignored]).toEqual([['x', [11, 10]]]);
	});

	it('had no effect when there is no record: it leaves nothing behind', () => {
		const replay = vectors([row(10, update, 'x'), row(11, update, 'x')], { appliedUpTo: 10 });
		expect([...replay.applied, ...replay.pending]).toEqual([]);
	});

	it('had its effect when the record was last written by it, also where the index forgot the vector', () => {
		const replay = vectors([row(10, update, 'x'), row(11, update, 'x')], { appliedUpTo: 10, ...lastWritten(10) });
		expect([...replay.applied, ...replay.pending]).toEqual([
			['x', 10],
			['x', 11],
		]);
	});

	const lost = { appliedUpTo: 10, indexDamaged: true };

	it('had no effect when a damaged index is all that lacks the id and the log was never purged', () => {
		const rows = [row(1, update, 'x'), row(2, add, 'x'), row(3, update, 'x', false)];
		const replay = vectors(rows, { ...lost, ...lastWritten(3), isLogComplete: () => true });
		expect([...replay.applied]).toEqual([['x', 2]]);
	});

	it.each([
		['the record was last written before it', 5, null],
		['the record was last written by it', 6, 6],
		['the record was last written by the ADD that follows, which so found no record', 7, 7],
		['the record was written once more after both: either may be its vector', 8, 0],
	])('over a damaged index and a purged log: %s', (_what, written, sequence) => {
		const rows = [row(6, update, 'x'), row(7, add, 'x'), row(8, update, 'x', false)];
		for (const appliedUpTo of [5, 6, 10]) {
			const replay = vectors(rows, { ...lost, appliedUpTo, ...lastWritten(written) });
			expect(replay.pending.get('x') ?? replay.applied.get('x') ?? null, `applied up to ${appliedUpTo}`).toBe(sequence);
		}
	});

	it('does not matter any more after a row that had its effect either way', () => {
		for (const operation of [update, upsert]) {
			const replay = vectors([row(6, update, 'x'), row(7, add, 'x'), row(8, operation, 'x')], { ...lost, ...lastWritten(9) });
			expect([...replay.applied]).toEqual([['x', 8]]);
		}
		const gone = vectors([row(6, update, 'x'), row(7, add, 'x'), row(8, remove, 'x'), row(9, add, 'x')], { ...lost, ...lastWritten(10) });
		expect([...gone.applied]).toEqual([['x', 9]]);
	});
});

describe('the record half of the log', () => {
	const stored = (id: string) => id.startsWith('stored');

	it('merges into stored records, ignores ADD of existing and UPDATE of missing ones', () => {
		const changes = replayRecords(
			[row(1, add, 'stored'), row(2, update, 'stored'), row(3, upsert, 'stored'), row(4, update, 'missing')],
			stored,
		);
		expect([...changes]).toEqual([['stored', { kind: 'merge', rows: [2, 3] }]]);
	});

	it('a record that is deleted and added again starts afresh, at the end', () => {
		const rows = [
			row(1, add, 'x'),
			row(2, remove, 'stored'),
			row(3, add, 'y'),
			row(4, remove, 'x'),
			row(5, add, 'x'),
			row(6, upsert, 'x'),
			row(7, remove, 'missing'),
		];
		expect([...replayRecords(rows, stored)]).toEqual([
			['stored', { kind: 'gone', rows: [] }],
			['y', { kind: 'new', rows: [3] }],
			['x', { kind: 'new', rows: [5, 6] }],
		]);
	});
});
