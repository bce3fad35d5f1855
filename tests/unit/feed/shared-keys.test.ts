import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSharedKeys } from '../../../services/feed/shared-keys.js';
import { Stopped, type StopSignal } from '../../../services/feed/stop-signal.js';
import { temporaryFolder } from '../sqlite/support.js';

const key = fc.oneof(fc.constantFrom('a', 'A', 'a ', 'ä', '', '10', '1e1', '😀'), fc.string({ unit: 'binary', maxLength: 3 }));

const going: StopSignal = { check: () => {}, signal: new AbortController().signal };

describe('keys that several steps share', () => {
	it('are those that more than one holds, compared byte by byte', () => {
		const folder = temporaryFolder();
		fc.assert(
			fc.property(fc.array(fc.array(key, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), fc.constantFrom(1, 90_000), (steps, rows) => {
				const found = countSharedKeys(
					folder,
					steps.map((keys, place) => ({ id: `s${place}`, rows, keys: () => keys })),
					going,
				);
				const holders = new Map<string, string[]>();
				for (const [place, keys] of steps.entries())
					for (const one of new Set(keys)) holders.set(one, [...(holders.get(one) ?? []), `s${place}`]);
				const shared = [...holders].filter(([, ids]) => ids.length > 1);
				expect(found.count).toBe(shared.length);
				const expected = shared.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).slice(0, 5);
				expect(found.sample.map((one) => [one.key, [...one.steps].sort()])).toEqual(expected);
			}),
		);
		expect(readdirSync(folder)).toEqual([]);
	});

	it('leave no file behind when the reading is stopped', () => {
		const folder = temporaryFolder();
		const stopped = function* (): Generator<string> {
			yield 'a';
			throw new Error('stopped');
		};
		expect(() => countSharedKeys(folder, [{ id: 's', rows: 1, keys: stopped }], going)).toThrow('stopped');
		expect(readdirSync(folder)).toEqual([]);
	});

	it('can be stopped while they are compared', () => {
		const folder = temporaryFolder();
		const keys = function* (): Generator<string> {
			for (let at = 0; at < 5_000; at++) yield `key-${at}`;
		};
		let read = 0;
		let checks = 0;
		const stopping: StopSignal = {
			...going,
			check() {
				checks++;
				if (read === 2 && checks > 3) throw new Stopped('stopped');
			},
		};
		const step = (id: string) => ({
			id,
			rows: 5_000,
			keys: function* () {
				yield* keys();
				read++;
			},
		});
		expect(() => countSharedKeys(folder, [step('a'), step('b')], stopping)).toThrow(Stopped);
		expect(readdirSync(folder)).toEqual([]);
	});
});
