import { indexSeconds } from './index-memory.js';
import type { CopyStep, SchemaStep } from './types.js';

/** Bytes a second that a target takes in by COPY when nothing else holds it up: measured on a small server, and on the embedded one. */
const copyRate = { server: 80e6, embedded: 15e6 } as const;

/** Seconds of one copy step: the slower of reading (measured by the scan of this very data) and writing. */
export function copySeconds(bytes: number, scanMilliseconds: number, embedded: boolean): number {
	return Math.max(scanMilliseconds / 1000, bytes / copyRate[embedded ? 'embedded' : 'server']);
}

/** Seconds of one statement after the copy, from the rows it has to read. */
export function schemaSeconds(step: Omit<SchemaStep, 'seconds' | 'needed'>, rows: number, dimension: number): number {
	switch (step.what) {
		case 'primary-key':
		case 'index':
			return rows * 1e-6;
		case 'foreign-key':
			return rows * 0.5e-6;
		case 'vector-index':
			return step.vectorIndex === undefined
				? 0
				: indexSeconds(rows, dimension, step.vectorIndex.method, step.vectorIndex.memoryBytes, step.vectorIndex.workers);
		default:
			return 0;
	}
}

export const totalSeconds = (steps: readonly (CopyStep | SchemaStep)[]): number => steps.reduce((sum, step) => sum + step.seconds, 0);
