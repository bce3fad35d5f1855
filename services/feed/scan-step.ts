import type { ColumnMapping, CopyStep } from '../../source/core/plan/types.js';
import type { ScanResult } from '../../source/core/ports.js';
import type { FeedClient } from './feed-client.js';
import type { Judgement } from './feed-protocol.js';
import { addTallies, findingsOf, notesOf } from './findings.js';
import type { PartScan, ScanPart } from './scan-part.js';

/** One thread of the feed and the part it reads. */
interface Share {
	readonly client: FeedClient;
	readonly part: ScanPart;
}

/**
 * The dry run of one step by one thread or by several at once, each over a part of it; the threads then know what all of them found.
 * A thread that fails stops the others.
 */
export async function scanStep(
	step: CopyStep,
	shares: readonly Share[],
	signal: AbortSignal | undefined,
	onProgress: (fraction: number) => void,
): Promise<{ readonly result: ScanResult; readonly judgement: Judgement }> {
	const failed = new AbortController();
	const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
	const progress = new SharedProgress(
		shares.map(({ part }) => part.records),
		onProgress,
	);
	const parts = await Promise.all(
		shares.map(async ({ client, part }, place) => {
			try {
				return await client.call('scanPart', { step, part }, { signal: either, onProgress: (fraction) => progress.tell(place, fraction) });
			} catch (thrown) {
				// Of several reasons the first is the one that is told.
				if (!failed.signal.aborted) failed.abort(thrown);
				throw failed.signal.reason;
			}
		}),
	);
	return { result: addParts(step.columns, parts), judgement: judge(step, parts) };
}

function addParts(columns: readonly ColumnMapping[], parts: readonly PartScan[]): ScanResult {
	const sum = (of: (part: PartScan) => number): number => parts.reduce((total, part) => total + of(part), 0);
	const tally = addTallies(parts.map((part) => part.tally));
	const rows = sum((part) => part.rows);
	return {
		rows,
		rejected: sum((part) => part.rejected),
		bytes: rows === 0 ? 0 : sum((part) => part.bytes) + (parts[0]?.framing ?? 0),
		findings: findingsOf(columns, tally),
		notes: notesOf(columns, tally, rows),
		jsonTypes: addJsonTypes(parts),
		milliseconds: sum((part) => part.milliseconds),
	};
}

function addJsonTypes(parts: readonly PartScan[]): Record<string, Record<string, number>> {
	const sums: Record<string, Record<string, number>> = {};
	for (const { jsonTypes } of parts) {
		for (const [column, counts] of Object.entries(jsonTypes)) {
			const all = sums[column] ?? {};
			sums[column] = all;
			for (const [type, count] of Object.entries(counts)) all[type] = (all[type] ?? 0) + count;
		}
	}
	return sums;
}

const judge = (step: CopyStep, parts: readonly PartScan[]): Judgement => ({
	step,
	refused: parts.flatMap((part) => part.refused),
	unchanged: [...step.columns.keys()].filter((place) => parts.every((part) => part.unchanged.includes(place))),
});

/** The fraction of a whole whose parts tell their own. */
class SharedProgress {
	readonly #lengths: readonly number[];
	readonly #fractions: number[];
	readonly #tell: (fraction: number) => void;

	constructor(lengths: readonly number[], tell: (fraction: number) => void) {
		this.#lengths = lengths;
		this.#fractions = lengths.map(() => 0);
		this.#tell = tell;
	}

	tell(place: number, fraction: number): void {
		this.#fractions[place] = fraction;
		const all = this.#lengths.reduce((sum, length) => sum + length, 0);
		const done = this.#lengths.reduce((sum, length, at) => sum + length * (this.#fractions[at] ?? 0), 0);
		this.#tell(all === 0 ? this.#fractions.reduce((sum, part) => sum + part, 0) / this.#lengths.length : done / all);
	}
}
