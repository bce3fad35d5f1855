/** Median, smallest and largest of some measurements; all `NaN` when there are none. */
export interface Spread {
	readonly median: number;
	readonly min: number;
	readonly max: number;
	readonly runs: number;
}

export const spread = (values: readonly number[]): Spread => {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (index: number): number => sorted[index] ?? Number.NaN;
	const half = Math.floor(sorted.length / 2);
	const median = sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2;
	return { median, min: at(0), max: at(sorted.length - 1), runs: sorted.length };
};

/** Ratio of each pair of neighbouring runs, so that a slow minute of the machine weighs on both sides. */
export const ratios = (ours: readonly number[], theirs: readonly number[]): Spread =>
	spread(ours.flatMap((value, index) => (theirs[index] === undefined ? [] : [value / theirs[index]])));
