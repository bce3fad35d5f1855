import { headlessChoices } from '../config/choices.js';
import { environmentNamed, missingEnvironment } from '../config/environments.js';
import { credentialFacts } from '../core/credentials/row-words.js';
import type { CredentialRow } from '../core/credentials/rows.js';
import { inOneLine, serverFigures, serverWords } from '../core/credentials/tested-target.js';
import { asRepotError, RepotError } from '../core/errors.js';
import { formatBytes, formatCommand, formatCount, formatLatency, formatQuantity } from '../core/format.js';
import type { Damage } from '../core/inspection.js';
import type { DatasetDescription, Operations } from '../core/operations.js';
import type { SqliteDescription, TargetTest } from '../core/ports.js';
import { shortVersion } from '../core/server-words.js';
import type { CommandContext } from './context.js';
import { type Finding, finding } from './doctor-local.js';

const outside = 'outside' as const;

/** A failure as one finding: what and why in the line, what to do under it. */
function failure(name: string, thrown: unknown): Finding {
	const error = asRepotError(thrown);
	const detail = [error.message, error.where, error.why].filter((part) => part !== undefined).join(': ');
	return finding(name, 'X', detail, error.next, error.kind === 'usage' ? 'usage' : outside);
}

export async function checkSources(context: CommandContext, operations: Operations, signal: AbortSignal): Promise<readonly Finding[]> {
	try {
		const { sqlitePath, chromaPath, collections } = headlessChoices(context.settings);
		if (sqlitePath === null && chromaPath === null) return [finding('Sources', 'LOOK', 'none chosen', await suggestions(operations))];
		const found = await operations.describeDataset({ sqlitePath, chromaPath, collections }, signal);
		return [
			...(found.sqlite === null ? [] : [sqliteFinding(found.sqlite)]),
			...(found.chroma === null
				? []
				: [
						chromaFinding(
							found.chroma,
							found.collections.map(({ name }) => name),
							collections.length > 0,
						),
					]),
			...found.errors.map((error) => failure('Source', error)),
		];
	} catch (thrown) {
		return [failure('Sources', thrown)];
	}
}

async function suggestions(operations: Operations): Promise<readonly string[]> {
	const found = await operations.datasets('').catch(() => []);
	const paths = found.map((one) => [one.sqlitePath, one.chromaPath].filter((path) => path !== null).join(' + '));
	return ['--sqlite-db FILE, --chroma-path DIR (or --chroma-url URL) or both', ...paths.slice(0, 3).map((path) => `found: ${path}`)];
}

function sqliteFinding(sqlite: SqliteDescription): Finding {
	const tables = sqlite.tables.filter((table) => !table.derived);
	const rows = tables.reduce((sum, table) => sum + table.rows, 0);
	const detail = `${sqlite.path}: ${formatQuantity(tables.length, 'table')}, ${formatQuantity(rows, 'row')}, ${formatBytes(sqlite.bytes)}`;
	if (sqlite.integrity === 'ok') return finding('SQLite', 'ok', `${detail}, integrity ok`);
	return finding(
		'SQLite',
		'X',
		`${detail}; integrity: ${sqlite.integrity}`,
		['Restore the file from a backup, or save what can be read: sqlite3 FILE .recover'],
		outside,
	);
}

/** Damage that costs something, the most serious first; what `repot inspect` only notes is left to it. */
function damageWords(
	damage: readonly Damage[],
	chosen: readonly string[],
): { readonly state: 'X' | 'LOOK'; readonly words: string } | null {
	// What is wrong with a collection that is not migrated is for `repot inspect` to tell.
	const concerns = ({ about }: Damage): boolean => about === null || chosen.length === 0 || chosen.includes(about);
	const serious = damage.filter((one) => one.severity !== 'info' && concerns(one));
	const [worst] = serious;
	if (worst === undefined) return null;
	const message = worst.about === null ? worst.message : `"${worst.about}": ${worst.message}`;
	const more = serious.length > 1 ? `, and ${serious.length - 1} more` : '';
	return { state: worst.severity === 'block' ? 'X' : 'LOOK', words: `${message}${more}` };
}

/** `named`: the settings name collections; why none of them can be taken is told as an error of its own. */
function chromaFinding(chroma: NonNullable<DatasetDescription['chroma']>, chosen: readonly string[], named: boolean): Finding {
	const names = chroma.collections
		.map((one) => `${one.name} (${formatCount(one.records)} x ${one.dimension ?? '-'}, ${one.space})`)
		.join(', ');
	const size = chroma.from === 'server' ? chroma.version : formatBytes(chroma.bytes);
	const detail = `${chroma.path}: ${names === '' ? 'no collection' : names}, ${size}`;
	const settled = named || chosen.length > 0;
	const next = settled ? [] : ['Choose: --collection NAME, which may repeat, or --collection all'];
	const damage = damageWords(chroma.damage, chosen);
	if (damage === null) return finding('Chroma', settled ? 'ok' : 'LOOK', detail, next);
	return finding(
		'Chroma',
		damage.state,
		`${detail}; ${damage.words}`,
		[...next, `See it all: ${formatCommand(['repot', 'inspect', chroma.path])}`],
		outside,
	);
}

/** AWS where it is needed, the target and the user id: what the wizard's credentials screen shows, a line each. */
export async function checkCredentials(context: CommandContext, operations: Operations, signal: AbortSignal): Promise<readonly Finding[]> {
	const { settings } = context;
	try {
		const choices = headlessChoices(settings);
		if (choices.environment === '') return [finding('Target', 'LOOK', 'several environments; none chosen', [missingEnvironment(settings)])];
		const { overridden } = environmentNamed(settings, choices.environment);
		const found = await operations.credentials(choices, {}, () => {}, signal);
		return found.rows.flatMap((row) => rowFindings(row, overridden, context.shell.clock.now()));
	} catch (thrown) {
		return [failure('Target', thrown)];
	}
}

const doctorNames: Readonly<Record<CredentialRow['name'], string>> = {
	aws: 'AWS',
	postgres: 'Target',
	pgvector: 'pgvector',
	user: 'User id',
};

function rowFindings(row: CredentialRow, overridden: string | null, now: number): readonly Finding[] {
	const { name, state, from, shown, test, error, notes = [] } = row;
	const title = doctorNames[name];
	if (state === 'waiting') return [finding(title, 'LOOK', `${from ?? 'it'} was not looked up: the AWS identity comes first`)];
	const origin = overridden === null || name !== 'postgres' ? (from ?? '') : `${from ?? ''}, which takes the place of ${overridden}`;
	if (test !== undefined) return [targetFinding(row, test, `from ${origin}`, overridden !== null), rightsFinding(test)];
	if (error !== undefined) {
		const failed = failure(title, new RepotError(error));
		return [shown === null || name !== 'postgres' ? failed : { ...failed, detail: `${failed.detail}; from ${origin}` }];
	}
	if (name === 'pgvector' && shown === 'not installed yet')
		return [finding(title, 'LOOK', 'not in this database yet; the run will create the extension')];
	const detail = name === 'pgvector' ? (shown ?? '') : [shown ?? '', ...credentialFacts(row, now)].join(', ');
	return [finding(title, state === 'look' ? 'LOOK' : 'ok', [detail, ...notes].join('; '))];
}

/** What stands in the way makes the line an X; rights have a line of their own. */
function targetFinding({ shown }: CredentialRow, test: TargetTest, from: string, overrides: boolean): Finding {
	const { facts, problems, looks = [] } = test;
	const ofServer = problems.filter(({ about }) => about === 'server');
	const encryption = serverWords(test).split(', ').slice(1);
	const server = [
		`${shown ?? ''}: PostgreSQL ${shortVersion(facts.serverVersion)}`,
		formatLatency(test.latencyMilliseconds),
		`user ${test.user}`,
		...encryption,
		...serverFigures(test),
		from,
	].join(', ');
	if (ofServer.length > 0) return finding('Target', 'X', `${server}; ${inOneLine(ofServer)}`, [], outside);
	if (looks.length > 0) return finding('Target', 'LOOK', `${server}; ${looks.join('; ')}`);
	return overrides ? finding('Target', 'LOOK', server, ['Unset it to use the config']) : finding('Target', 'ok', server);
}

function rightsFinding(test: TargetTest): Finding {
	const problems = test.problems.filter(({ about }) => about === 'rights');
	if (problems.length > 0) return finding('Privileges', 'X', inOneLine(problems), [], outside);
	if (test.canCreate) return finding('Privileges', 'ok', `may create in ${test.database}`);
	return finding('Privileges', 'LOOK', `user ${test.user} may not create in ${test.database}`, [
		'Grant CREATE, or use --skip-schema-creation on tables that exist',
	]);
}
