import type { CopyStep } from './types.js';

/** A collection without records, which the target does not have: nothing is made for it. */
export const leavesNothing = ({ rows, collection }: CopyStep): boolean => rows === 0 && collection?.exists === false;

/** Nothing to copy and nothing to make. */
export const movesNothing = ({ rows, collection, state }: CopyStep): boolean => rows === 0 && (collection !== undefined || state.exists);
