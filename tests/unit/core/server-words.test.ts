import { expect, it } from 'vitest';
import type { SchemaStep } from '../../../source/core/plan/types.js';
import { serverWords } from '../../../source/core/server-words.js';
import { fakePlan } from '../../fakes/plan.js';

const extension: SchemaStep = {
	...{ id: 'extension:vector', kind: 'schema', phase: 'before', what: 'extension', object: 'vector', table: '' },
	...{ sql: 'CREATE EXTENSION IF NOT EXISTS vector', needed: true, seconds: 0 },
};

it('names the pgvector that is there, that the run makes, and that is not needed', () => {
	const bare = { ...fakePlan.target, pgvectorVersion: null };
	const { steps } = fakePlan;
	expect(serverWords(fakePlan)).toBe('PostgreSQL 17.5, pgvector 0.8.0');
	expect(serverWords({ target: bare, steps: [extension, ...steps] })).toBe('PostgreSQL 17.5; pgvector is created by this run');
	expect(serverWords({ target: bare, steps })).toBe('PostgreSQL 17.5; pgvector is not installed, and not needed');
	expect(serverWords({ target: { ...bare, embedded: true }, steps: [extension] })).toMatch(/^embedded PostgreSQL 17\.5; /);
});
