import { isSchemaStep, type Plan } from './plan/types.js';

/** `17.11 (Debian 17.11-1.pgdg13+1)` without what its packager added. */
export const shortVersion = (version: string): string => version.replace(/\s*\(.*$/, '');

/** The server that a plan writes to, and its pgvector: there already, made by the run, or not needed. */
export function serverWords({ target, steps }: Pick<Plan, 'target' | 'steps'>): string {
	const server = `${target.embedded ? 'embedded ' : ''}PostgreSQL ${shortVersion(target.serverVersion)}`;
	if (target.pgvectorVersion !== null) return `${server}, pgvector ${target.pgvectorVersion}`;
	const isMade = steps.filter(isSchemaStep).some(({ what, object, needed }) => what === 'extension' && object === 'vector' && needed);
	return isMade ? `${server}; pgvector is created by this run` : `${server}; pgvector is not installed, and not needed`;
}
