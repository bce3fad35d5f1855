import { createRequire } from 'node:module';
import type BetterSqlite from 'better-sqlite3';

/**
 * better-sqlite3, in the build that this Node can run. Version 12 is the last for Node 20; compiled against the headers of Node 24.17 or later
 * it aborts when V8 collects one of its objects ("Assertion failed: (env) != nullptr"). Version 13 is built on Node-API, which ends that,
 * carries its binaries in the package, and needs Node 22.
 */
const [major = 0] = process.versions.node.split('.').map(Number);
const load = createRequire(import.meta.url);

export const Database = load(major >= 22 ? 'better-sqlite3-napi' : 'better-sqlite3') as typeof BetterSqlite;
