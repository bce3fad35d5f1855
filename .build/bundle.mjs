// Bundles the program into dist/: Ink alone costs 0.7 s to load unbundled, a quarter of that bundled.

import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeNotices } from './notices.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'dist');

await rm(out, { recursive: true, force: true });
const { metafile } = await build({
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
	// ES modules where a package has both: of a CommonJS one `import()` of a bundle gives the default export alone.
	mainFields: ['module', 'main'],
	target: 'node20.17',
	minifySyntax: true,
	// The licences themselves go into one file beside the bundle.
	legalComments: 'none',
	metafile: true,
	// React and its reconciler choose their production halves at build time, and the development halves stay out of the bundle.
	define: { 'process.env.NODE_ENV': '"production"' },
	// cli.ts sets the same at run time, for when it runs from source.
	logOverride: { 'assign-to-define': 'silent' },
	// Native code and WASM find their files beside their own package.
	external: [
		'better-sqlite3',
		'better-sqlite3-napi',
		'@electric-sql/pglite',
		'@electric-sql/pglite-pgvector',
		'react-devtools-core',
		'pg-native',
	],
	banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
	logLevel: 'warning',
});
// What `$schema` of a config file names.
await cp(join(root, 'docs/repot.schema.json'), join(out, 'repot.schema.json'));
const demo = join(root, 'source/demo/data');
if (existsSync(demo)) await cp(demo, join(out, 'demo'), { recursive: true });
await writeNotices(Object.keys(metafile.inputs), root, join(out, 'THIRD-PARTY-NOTICES.txt'));
