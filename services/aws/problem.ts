import { type ErrorDetails, RepotError } from '../../source/core/errors.js';

type Words = Omit<ErrorDetails, 'kind' | 'cause'>;

/**
 * Errors carry no cause: those of the SDK hold the request with its headers, among them the session token.
 */
export const awsProblem = (words: Words): RepotError => new RepotError({ kind: 'aws', ...words });

/** Something was named wrongly here, or not at all. */
export const usageProblem = (words: Words): RepotError => new RepotError({ kind: 'usage', ...words });

export const interrupted = (): RepotError =>
	new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'The work was stopped while AWS was asked' });
