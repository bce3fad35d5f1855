import type { CopyStep } from '../../source/core/plan/types.js';
import { CopyBinaryEncoder } from '../postgres/copy-binary.js';
import { CopyTextEncoder } from '../postgres/copy-text.js';
import type { RowEncoder } from '../postgres/row-encoder.js';

/** The encoder for a step's COPY format. */
export const rowEncoder = (step: Pick<CopyStep, 'format' | 'columns'>): RowEncoder =>
	step.format === 'binary' ? new CopyBinaryEncoder(step.columns) : new CopyTextEncoder(step.columns);
