// Bundles the program into dist/: Ink alone costs 0.7 s to load unbundled, a quarter of that bundled.

import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const out = new URL('../dist/', import.meta.url).pathname;
const root = new URL('..', import.meta.url).pathname;

await rm(out, { recursive: true, force: true });
await build({
	absWorkingDir: root,
	entryPoints: [
		{ in: 'source/cli.ts', out: 'cli' },
		{ in: 'services/feed/feed-worker.ts', out: 'feed-worker' },
		{ in: 'services/postgres/pglite-worker.ts', out: 'pglite-worker' },
	],
	outdir: out,
	bundle: true,
	splitting: true,
	format: 'esm',
	platform: 'node',
	target: 'node20.17',
	minifySyntax: true,
	legalComments: 'none',
	// Native code and WASM find their files beside their own package.
	external: ['better-sqlite3', '@electric-sql/pglite', '@electric-sql/pglite-pgvector', 'react-devtools-core', 'pg-native'],
	banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
	logLevel: 'warning',
});
const demo = new URL('../source/demo/data/', import.meta.url);
if (existsSync(demo)) await cp(demo, new URL('../dist/demo/', import.meta.url), { recursive: true });
