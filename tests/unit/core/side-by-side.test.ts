import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sideBySide } from '../../../source/core/side-by-side.js';

interface Item {
	readonly place: number;
	readonly names: readonly string[];
	/** Turns of the event loop that the work takes. */
	readonly turns: number;
}

const items = fc
	.array(
		fc.record({
			names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 0, maxLength: 3 }),
			turns: fc.nat({ max: 6 }),
		}),
		{ maxLength: 12 },
	)
	.map((list) => list.map((item, place): Item => ({ ...item, place })));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function turns({ turns: count }: Item): Promise<void> {
	for (let done = 0; done < count; done++) await turn();
}

const shares = (a: Item, b: Item): boolean => a.names.some((name) => b.names.includes(name));

describe('work side by side', () => {
	it('does everything once, never two of one name at a time, those of one name in their order, and no more at once than allowed', async () => {
		await fc.assert(
			fc.asyncProperty(items, fc.integer({ min: 1, max: 4 }), async (list, width) => {
				const running = new Set<Item>();
				const began: Item[] = [];
				await sideBySide(
					list,
					width,
					({ names }) => names,
					async (item) => {
						for (const other of running) expect(shares(item, other)).toBe(false);
						running.add(item);
						began.push(item);
						expect(running.size).toBeLessThanOrEqual(width);
						await turns(item);
						running.delete(item);
					},
				);
				expect(running.size).toBe(0);
				expect(new Set(began)).toEqual(new Set(list));
				expect(began).toHaveLength(list.length);
				for (const [at, item] of began.entries()) {
					for (const later of began.slice(at + 1)) if (shares(item, later)) expect(item.place).toBeLessThan(later.place);
				}
			}),
		);
	});

	it('works at two things at once where it may', async () => {
		let release = (): void => {};
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		const done: string[] = [];
		await sideBySide(
			['a1', 'a2', 'b1'],
			2,
			(name) => [name.slice(0, 1)],
			async (name) => {
				if (name === 'a1') await held;
				if (name === 'b1') release();
				done.push(name);
			},
		);
		expect(done).toEqual(['b1', 'a1', 'a2']);
	});

	it('begins nothing after a failure, waits for what is under way and throws the first error', async () => {
		const done: string[] = [];
		const work = sideBySide(
			['slow', 'bad', 'never'],
			2,
			(name) => [name],
			async (name) => {
				if (name === 'bad') throw new Error('first');
				for (let count = 0; count < 5; count++) await turn();
				done.push(name);
				throw new Error('second');
			},
		);
		await expect(work).rejects.toThrow('first');
		expect(done).toEqual(['slow']);
	});

	it('takes a failure to begin for a failure', async () => {
		const work = sideBySide(
			['a'],
			1,
			() => [],
			() => {
				throw new Error('stopped');
			},
		);
		await expect(work).rejects.toThrow('stopped');
	});
});
