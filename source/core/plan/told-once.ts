import type { Hazard } from './types.js';

/** Steps that are named. */
const shownSteps = 5;

/**
 * Hazards of several steps that say the same become one of the plan as a whole, in the place of the first; `count` says what it counts. It names
 * the steps where it has no other samples.
 */
export function toldOnce(hazards: readonly Hazard[], count: (same: readonly Hazard[]) => number): Hazard[] {
	const groups = new Map<string, Hazard[]>();
	for (const hazard of hazards) {
		const { code, severity, column, message, hint } = hazard;
		const key = JSON.stringify([code, severity, column, message, hint]);
		groups.set(key, [...(groups.get(key) ?? []), hazard]);
	}
	return [...groups.values()].flatMap((same) => {
		const [first] = same;
		if (first === undefined) return [];
		return same.length === 1
			? [first]
			: [{ ...first, step: null, count: count(same), sample: first.sample.length > 0 ? first.sample : stepsOf(same) }];
	});
}

const stepsOf = (same: readonly Hazard[]): string[] => same.flatMap(({ step }) => (step === null ? [] : [step])).slice(0, shownSteps);

/** For faults that each step counts by itself. */
export const summed = (same: readonly Hazard[]): number => same.reduce((sum, hazard) => sum + hazard.count, 0);

/** For a fault that all of them share. */
export const counted = (same: readonly Hazard[]): number => same[0]?.count ?? 0;
