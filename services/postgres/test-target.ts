import type { Clock, TargetTest } from '../../source/core/ports.js';
import { currentSchema, serverFacts } from './describe.js';
import type { Driver, Session } from './driver.js';
import { targetRights } from './rights.js';
import { boolean, number, text, textOrNull } from './sql-text.js';

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

/** What stands in the way of a migration, each with the statement that mends it. */
async function findProblems(
	session: Session,
	major: number,
	user: string,
	schema: string,
): Promise<{ problems: string[]; canCreate: boolean }> {
	const rights = await targetRights(session);
	const problems: string[] = [];
	if (major < oldestServer) problems.push(`PostgreSQL ${major} is too old: ${oldestServer} to ${newestServer} are supported`);
	if (major > newestServer) problems.push(`PostgreSQL ${major} is newer than any that was tested (${oldestServer} to ${newestServer})`);
	if (!rights.tables) problems.push(`${user} may not create tables in schema ${schema}: ${rights.grants.tables}`);
	if (!rights.ledger) problems.push(`${user} may not create or use the ledger (schema repot): ${rights.grants.ledger}`);
	const standby = await session.query('SELECT pg_is_in_recovery() AS standby');
	if (boolean(standby.rows[0], 'standby')) problems.push('The server is a read-only standby: give the URL of the primary');
	return { problems: [...problems, ...(await vectorProblems(session))], canCreate: rights.tables && rights.ledger };
}

/** Connects, measures one round trip and looks for what a migration will need. Writes nothing. */
export async function testTarget(driver: Driver, clock: Clock, signal: AbortSignal | undefined): Promise<TargetTest> {
	return driver.transaction(
		async (session) => {
			const started = clock.now();
			await session.query('SELECT 1');
			const latencyMilliseconds = clock.now() - started;
			const { rows } = await session.query(
				"SELECT current_user AS user, current_database() AS database, current_setting('server_version_num')::int / 10000 AS major",
			);
			const user = text(rows[0], 'user');
			const database = text(rows[0], 'database');
			const schema = await currentSchema(session);
			const { problems, canCreate } = await findProblems(session, number(rows[0], 'major'), user, schema);
			return {
				facts: { ...(await serverFacts(driver, session)), fingerprint: '' },
				latencyMilliseconds,
				user,
				database,
				canCreate,
				problems,
			};
		},
		{ readOnly: true, signal },
	);
}
