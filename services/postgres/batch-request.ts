import type { CopyStep } from '../../source/core/plan/types.js';
import type { SourceBatch } from '../../source/core/ports.js';
import { quoteName } from './sql-text.js';

export type ConflictPolicy = 'fail' | 'skip' | 'update';

export interface BatchRequest {
	readonly run: string;
	readonly step: CopyStep;
	readonly sequence: number;
	readonly batch: SourceBatch;
	readonly policy: ConflictPolicy;
	readonly tenant: string;
	readonly signal: AbortSignal | undefined;
}

export const copyStatement = (target: string, step: CopyStep): string =>
	`COPY ${target} (${step.columns.map((column) => quoteName(column.name)).join(', ')}) FROM STDIN${step.format === 'binary' ? ' (FORMAT binary)' : ''}`;
