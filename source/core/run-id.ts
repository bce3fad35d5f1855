import { randomInt } from 'node:crypto';

/** Crockford's base 32: no letter that reads like a digit. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A run's id, short enough to type: `r-` and five characters (33 million). */
export const newRunId = (): string => `r-${Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('')}`;
