import { isSchemaStep, type Plan } from './plan/types.js';

/** The server that a plan writes to, and its pgvector: there already, made by the run, or not needed. */
export function serverWords({ target, steps }: Pick<Plan, 'target' | 'steps'>): string {
	const server = `${target.embedded ? 'embedded ' : ''}PostgreSQL ${target.serverVersion}`;
	if (target.pgvectorVersion !== null) return `${server}, pgvector ${target.pgvectorVersion}`;
	const isMade = steps.filter(isSchemaStep).some(({ what, object, needed }) => what === 'extension' && object === 'vector' && needed);
	return isMade ? `${server}; pgvector is created by this run` : `${server}; pgvector is not installed, and not needed`;
}
