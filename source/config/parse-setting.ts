import { RepotError } from '../core/errors.js';
import type { Origin } from '../core/operations.js';
import { BadValue, type Parser } from './values.js';

/** The text of a setting to its value; a refusal becomes a usage error. `key`: of the config file, by its path. */
export function parseSetting<T>(parse: Parser<T>, text: string, from: Origin, key: string | null, called = 'repot'): T {
	try {
		return parse(text);
	} catch (thrown) {
		if (!(thrown instanceof BadValue)) throw thrown;
		throw new RepotError({
			kind: 'usage',
			code: 'BAD_VALUE',
			message: `The value of ${key === null ? from.replace(/^(flag|env) /, '') : `"${key}"`} cannot be used`,
			where: from,
			why: thrown.message,
			next: [key === null ? `${called} --help lists the flags and what they take` : `Mend "${key}"; docs/configuration.md lists every key`],
		});
	}
}
