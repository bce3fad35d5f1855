import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		root: new URL('..', import.meta.url).pathname,
		include: ['tests/**/*.test.ts', 'tests/**/*.test.tsx'],
		// Suites start real processes (workers, embedded PostgreSQL, pseudo-terminals) on machines with two cores.
		testTimeout: 60_000,
		hookTimeout: 60_000,
		maxWorkers: 2,
	},
});
