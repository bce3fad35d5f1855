/** What a test of the target says, in rows and in words: one verdict for the wizard and for doctor. */

import { formatBytes } from '../format.js';
import type { TargetProblem, TargetTest } from '../ports.js';
import { shortVersion } from '../server-words.js';

/** What was found of the server, most important first: `PG 17.5`, `TLS 1.3`. */
export function serverWords({ facts, tls }: TargetTest): string {
	const version = `PG ${shortVersion(facts.serverVersion)}`;
	if (tls === undefined || facts.embedded) return version;
	return tls === null ? `${version}, not encrypted` : `${version}, ${tls.version.replace(/^TLSv/, 'TLS ')}`;
}

/** Figures that the server gives, for whoever asks for all of them. */
export function serverFigures({ connections, freeBytes, role }: TargetTest): readonly string[] {
	return [
		...(role === undefined ? [] : [role]),
		...(connections === undefined ? [] : [`${connections.used} of ${connections.max} connections used`]),
		...(freeBytes == null ? [] : [`${formatBytes(freeBytes)} free on its disk`]),
	];
}

/** Several problems in one line; their statements end with a semicolon of their own. */
export const inOneLine = (problems: readonly TargetProblem[]): string => problems.map(({ words }) => words.replace(/;$/, '')).join('; ');

/** Missing rights to make tables are no matter where tables exist that are to be used as they are: the plan judges those. */
export const standsInTheWay = ({ about }: TargetProblem, skipsSchema: boolean): boolean => about !== 'rights' || !skipsSchema;
