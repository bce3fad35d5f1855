import type { Clock, TargetProblem, TargetTest } from '../../source/core/ports.js';
import { currentSchema, serverFacts } from './describe.js';
import type { Driver, Session, Wire } from './driver.js';
import type { Place } from './login-words.js';
import { poolerBefore } from './pooler.js';
import { targetRights } from './rights.js';
import { isLoopback, serverState } from './server-state.js';
import { number, text, textOrNull } from './sql-text.js';

const oldestServer = 13;
const newestServer = 18;
const oldestVector = [0, 5] as const;

function isOlder(version: string, than: readonly number[]): boolean {
	const parts = version.split('.').map(Number);
	for (const [index, wanted] of than.entries()) {
		const part = parts[index] ?? 0;
		if (part !== wanted) return part < wanted;
	}
	return false;
}

async function vectorProblems(session: Session): Promise<string[]> {
	const { rows } = await session.query(
		`SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed, (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
			(SELECT bool_or(NOT superuser OR trusted) FROM pg_available_extension_versions WHERE name = 'vector') AND has_database_privilege(current_database(), 'CREATE')
			OR current_setting('is_superuser') = 'on' AS may`,
	);
	const installed = textOrNull(rows[0], 'installed');
	const available = textOrNull(rows[0], 'available');
	if (installed !== null) {
		return isOlder(installed, oldestVector)
			? [`pgvector ${installed} has no HNSW index; 0.5 is needed: ALTER EXTENSION vector UPDATE;`]
			: [];
	}
	if (available === null)
		return [
			'pgvector is not installed on the server: install its package (Debian: postgresql-NN-pgvector), then run: CREATE EXTENSION vector;',
		];
	return textOrNull(rows[0], 'may') === 't'
		? []
		: ['The extension vector is missing and this user may not create it; have an administrator run: CREATE EXTENSION vector;'];
}

const ofServer = (words: string): TargetProblem => ({ about: 'server', words });
const ofVector = (words: string): TargetProblem => ({ about: 'pgvector', words });

interface Server {
	readonly major: number;
	readonly user: string;
	readonly schema: string;
}

/** Rights that a migration needs, each with the statement that gives it, and the versions it was tested with. */
async function rightProblems(
	session: Session,
	{ major, user, schema }: Server,
): Promise<{ problems: TargetProblem[]; canCreate: boolean }> {
	const rights = await targetRights(session);
	const problems: TargetProblem[] = [];
	if (major < oldestServer) problems.push(ofServer(`PostgreSQL ${major} is too old: ${oldestServer} to ${newestServer} are supported`));
	if (!rights.tables)
		problems.push({ about: 'rights', words: `${user} may not create tables in schema ${schema}: ${rights.grants.tables}` });
	if (!rights.ledger)
		problems.push({ about: 'rights', words: `${user} may not create or use the ledger (schema repot): ${rights.grants.ledger}` });
	return { problems, canCreate: rights.tables && rights.ledger };
}

const poolerWords = {
	none: { problems: [], looks: [] },
	some: {
		problems: [],
		looks: [
			'A pooler stands before the server: session pooling works, transaction pooling would let go of the lock and the settings of the run',
		],
	},
	'by-transaction': {
		problems: [
			'The pooler before the server gives its connections away between transactions, which loses the lock and the settings of a run: connect to the server itself, or by session pooling',
		],
		looks: [],
	},
};

/** Who chose to go without is not told; through a tunnel the way leads to this computer. */
const wireLooks = (wire: Wire | null): readonly string[] =>
	wire !== null && wire.tls === null && !wire.chosen && wire.address !== null && !isLoopback(wire.address)
		? ['the connection is not encrypted: passwords and data cross the network as they are; --ssl-mode require refuses that']
		: [];

/** Connects, measures one round trip and looks for what a migration will need. Writes nothing. */
export async function testTarget(driver: Driver, clock: Clock, { host }: Place, signal: AbortSignal | undefined): Promise<TargetTest> {
	const found = await driver.transaction((session) => lookAround(driver, session, clock, host), { readOnly: true, signal });
	if (driver.embedded) return found;
	const pooler = poolerWords[await poolerBefore(driver)];
	return { ...found, problems: [...found.problems, ...pooler.problems.map(ofServer)], looks: [...(found.looks ?? []), ...pooler.looks] };
}

async function lookAround(driver: Driver, session: Session, clock: Clock, host: string | undefined): Promise<TargetTest> {
	const started = clock.now();
	await session.query('SELECT 1');
	const latencyMilliseconds = clock.now() - started;
	const { rows } = await session.query(
		"SELECT current_user AS user, current_database() AS database, current_setting('server_version_num')::int / 10000 AS major",
	);
	const [user, database, major] = [text(rows[0], 'user'), text(rows[0], 'database'), number(rows[0], 'major')];
	const { problems, canCreate } = await rightProblems(session, { major, user, schema: await currentSchema(session) });
	const state = await serverState(driver, session, host);
	const wire = driver.wire?.() ?? null;
	return {
		facts: { ...(await serverFacts(driver, session)), fingerprint: '' },
		latencyMilliseconds,
		user,
		database,
		canCreate,
		problems: [...problems, ...state.problems.map(ofServer), ...(await vectorProblems(session)).map(ofVector)],
		looks: [
			...(major > newestServer ? [`PostgreSQL ${major} is newer than any that was tested (${oldestServer} to ${newestServer})`] : []),
			...wireLooks(wire),
			...state.looks,
		],
		...(driver.embedded ? {} : { tls: wire?.tls ?? null }),
		...state.facts,
	};
}
