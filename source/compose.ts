import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { createCloud } from '../services/aws/cloud.js';
import { createFeed } from '../services/feed/feed.js';
import { inspectSource } from '../services/feed/inspect-source.js';
import { createPostgresTarget } from '../services/postgres/target.js';
import { freeSpace } from '../services/state/free-space.js';
import { createRunHistory } from '../services/state/run-history.js';
import { createVoyageEmbedder } from '../services/voyage/embedder.js';
import { chromaAccess, fullAddress } from './config/chroma-server.js';
import { discoverDatasets } from './config/discover.js';
import { planFileText } from './config/plan-file.js';
import type { Redaction } from './config/redact.js';
import type { Settings } from './config/settings.js';
import { namesOf, secretsOf } from './config/target-url.js';
import { writeFileWhole } from './config/write-file.js';
import { isChromaServer } from './core/chroma-address.js';
import type { Operations } from './core/operations.js';
import type { Clock } from './core/ports.js';
import { Secret } from './core/secret.js';
import { version } from './version.js';
import { createOperations, type SourcePaths } from './workflow.js';

interface ComposeIo {
	readonly clock: Clock;
	readonly redact: Redaction;
	readonly env: Readonly<Record<string, string | undefined>>;
}

/** Settings to working adapters: the only place that knows which service stands behind which port. */
export function compose(settings: Settings, { clock, redact, env }: ComposeIo): Operations {
	const cloud = createCloud({ env, clock, onSecret: (secret) => redact.learn([secret]) });
	return createOperations(settings, {
		openSource: (paths) => createFeed({ ...sourcesOf(settings, paths), workDir: resolve(settings.stateDir, 'snapshots') }),
		inspectSource: (paths, signal) =>
			inspectSource({ ...sourcesOf(settings, { ...paths, describeOnly: true }), workDir: resolve(settings.stateDir, 'snapshots') }, signal),
		openTarget: ({ target: url, tokensOf, tls }) =>
			createPostgresTarget({
				url,
				baseDir: settings.cwd,
				clock,
				env,
				...(tls === undefined ? {} : { tls }),
				...(tokensOf === undefined ? {} : { token: (server) => cloud.databaseToken(tokensOf, server) }),
			}),
		cloud,
		onSecret: (url) =>
			redact.learn(
				secretsOf(url).map((one) => new Secret(one)),
				namesOf(url),
			),
		findDatasets: () => discoverDatasets(settings.cwd),
		async writePlan(path, plan) {
			await writeFileWhole(resolve(settings.cwd, path), planFileText(plan), { flag: '--out' });
			return path;
		},
		freeSpace,
		history: createRunHistory({
			stateDir: settings.stateDir,
			cwd: settings.cwd,
			redact: redact.json,
		}),
		embedder: createVoyageEmbedder(settings.voyage),
		clock,
		operator: operator(),
		version,
	});
}

function sourcesOf(settings: Settings, { sqlitePath, chromaPath, collections = [], describeOnly = false }: SourcePaths) {
	if (chromaPath === null || !isChromaServer(chromaPath)) return { sqlitePath, chromaPath };
	const chromaServer = { access: chromaAccess(settings, chromaPath), collections, describeOnly };
	return { sqlitePath, chromaPath: fullAddress(settings, chromaPath), chromaServer };
}

/** `ana@laptop`, for the ledger. */
function operator(): string {
	try {
		return `${userInfo().username}@${hostname()}`;
	} catch {
		// A container may run under a user id without a name.
		return `${process.getuid?.() ?? 'unknown'}@${hostname()}`;
	}
}
