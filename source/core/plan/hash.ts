import { createHash } from 'node:crypto';
import type { Plan } from './types.js';

/** JSON with sorted keys and without undefined: equal content gives equal text. */
export function canonicalJson(value: unknown): string {
	return JSON.stringify(value, (_key, inner: unknown) => {
		if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
		return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
	});
}

export const shortHash = (value: unknown): string => createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);

/**
 * The plan's identity: its content without what differs from one reading of the same data to the next (times, estimates), and without how
 * places are spelled: the same plan made from another folder is the same plan.
 */
export function planId(plan: Omit<Plan, 'id'>): string {
	const { createdAt: _createdAt, resumes: _resumes, doneBy: _doneBy, totals, steps, sources, target, ...content } = plan;
	const { label: _label, ...place } = target;
	return shortHash({
		...content,
		target: place,
		sources: { sqlite: sources.sqlite?.fingerprint, chroma: sources.chroma?.fingerprint },
		totals: { records: totals.records, rejected: totals.rejected, bytes: totals.bytes },
		steps: steps.map(({ seconds: _seconds, ...step }) => step),
	});
}
