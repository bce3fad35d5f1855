import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { configFileName } from '../config/config-file.js';
import { discoverDatasets, type FoundDataset } from '../config/discover.js';
import type { OptionKey } from '../config/options.js';
import { showPath } from '../config/paths.js';
import { guardByName } from '../config/settings.js';
import { targetUrl, withoutPassword } from '../config/target-url.js';
import { BadValue } from '../config/values.js';
import { writeFileWhole } from '../config/write-file.js';
import { exitCodes, RepotError } from '../core/errors.js';
import type { Guard } from '../core/operations.js';
import type { Secret } from '../core/secret.js';
import type { Command, CommandContext } from './context.js';
import { declined } from './prompts.js';

interface Answers {
	readonly environment: string;
	readonly guard: Guard;
	readonly target: Secret;
	readonly datasets: readonly FoundDataset[];
	readonly collection: string | null;
	readonly userId: string | null;
}

/** `repot init`: asks (or takes the flags), and writes repot.config.json. A password is never written. */
export const initCommand: Command = async (context) => {
	const { shell, settings } = context;
	const path = resolve(shell.cwd, settings.values.config.value ?? configFileName);
	const shown = showPath(path, shell.cwd);
	await refuseOverwrite(context, path, shown);
	const found = await discoverDatasets(shell.cwd);
	const answers = context.terminal.interactive && !settings.values.yes.value ? await ask(context, found) : fromFlags(context, found);
	const target = withoutPassword(answers.target);
	await writeFileWhole(path, `${JSON.stringify(contentOf(context, answers, target.url), null, '\t')}\n`);
	shell.output.say(`Wrote  ${shown}`);
	if (target.had) shell.output.say('The password was left out. Set REPOT_POSTGRES_URL to the whole URL before you run repot.');
	if (answers.datasets.length === 0)
		shell.output.say('No SQLite file and no Chroma directory was found here: add "datasets", or use --sqlite-db and --chroma-path.');
	shell.output.say(`Next   repot doctor --env ${answers.environment}, then repot plan --env ${answers.environment}`);
	return exitCodes.done;
};

async function refuseOverwrite(context: CommandContext, path: string, shown: string): Promise<void> {
	const there = await stat(path).then(
		() => true,
		() => false,
	);
	if (!there) return;
	if (context.settings.values.yes.value) return;
	if (context.terminal.interactive) {
		if (await context.shell.prompts.confirm(`${shown} exists. Write it anew?`)) return;
		throw declined();
	}
	throw new RepotError({
		kind: 'usage',
		code: 'CONFIG_EXISTS',
		message: 'There is a config file already; nothing was written',
		where: shown,
		next: ['Edit it', '--yes writes it anew', '--config FILE writes another one'],
	});
}

async function ask(context: CommandContext, found: readonly FoundDataset[]): Promise<Answers> {
	const { prompts } = context.shell;
	const { values } = context.settings;
	const environment = await prompts.input({
		message: 'Name of the environment',
		initial: values.env.value ?? 'local',
		check: (name) => /^\w[\w.-]*$/.test(name) || 'Use letters, digits, dot, dash and underscore',
	});
	const url = await prompts.input({
		message: 'Target: postgresql://USER@HOST:PORT/DATABASE, or pglite:DIR for the embedded PostgreSQL',
		initial: values.postgresUrl.value === null ? 'pglite:./repot-pg' : withoutPassword(values.postgresUrl.value).url,
		check: checkTarget,
	});
	const usual = guardByName(environment);
	const guard = await prompts.select<Guard>(
		'Guard',
		[
			{ value: 'open' as const, name: 'open: y confirms a run' },
			{ value: 'protected' as const, name: 'protected: the name of the environment has to be typed' },
		].sort((a) => (a.value === usual ? -1 : 1)),
	);
	const datasets = await askDatasets(context, found);
	const userId = await prompts.input({
		message: 'User id that every row is given (empty: ask at each run)',
		initial: values.userId.value ?? '',
	});
	return {
		environment,
		guard,
		target: targetUrl(url),
		datasets,
		collection: values.collection.value,
		userId: userId.trim() === '' ? null : userId,
	};
}

function checkTarget(value: string): true | string {
	try {
		targetUrl(value);
		return true;
	} catch (thrown) {
		if (thrown instanceof BadValue) return thrown.message;
		throw thrown;
	}
}

async function askDatasets(context: CommandContext, found: readonly FoundDataset[]): Promise<readonly FoundDataset[]> {
	const given = givenDataset(context);
	if (given !== null) return [given];
	if (found.length === 0) return [];
	const choices = [
		...(found.length > 1 ? [{ value: '*', name: 'all of them' }] : []),
		...found.map((one) => ({
			value: one.name,
			name: `${one.name}: ${[one.sqlitePath, one.chromaPath].filter((path) => path !== null).join(' + ')}`,
		})),
		{ value: '-', name: 'none' },
	];
	const chosen = await context.shell.prompts.select('Data found here', choices);
	return chosen === '*' ? found : found.filter((one) => one.name === chosen);
}

function givenDataset(context: CommandContext): FoundDataset | null {
	const { sqliteDb, chromaPath, dataset } = context.settings.values;
	if (sqliteDb.value === null && chromaPath.value === null) return null;
	return { name: dataset.value ?? 'data', sqlitePath: sqliteDb.value, chromaPath: chromaPath.value };
}

function fromFlags(context: CommandContext, found: readonly FoundDataset[]): Answers {
	const { values } = context.settings;
	if (values.postgresUrl.value === null) {
		throw new RepotError({
			kind: 'usage',
			code: 'MISSING_ANSWER',
			message: 'One answer is missing',
			why: context.terminal.interactive ? '--yes was given' : `nobody can be asked: ${context.terminal.reason ?? 'no terminal'}`,
			next: ['--postgres-url URL: postgresql://USER@HOST:PORT/DATABASE or pglite:DIR'],
		});
	}
	const environment = values.env.value ?? 'local';
	const given = givenDataset(context);
	return {
		environment,
		guard: guardByName(environment),
		target: values.postgresUrl.value,
		datasets: given === null ? found : [given],
		collection: values.collection.value,
		userId: values.userId.value,
	};
}

/** Settings that may be written down as they are. */
const written: readonly OptionKey[] = ['pgvectorCollection', 'stateDir'];

function contentOf(context: CommandContext, answers: Answers, target: string): Record<string, unknown> {
	const { environment, guard, datasets, collection, userId } = answers;
	const extra = written
		.filter((key) => context.settings.values[key].level === 'flag')
		.map((key) => [key, context.settings.values[key].value]);
	return {
		environments: { [environment]: { guard, target } },
		...(datasets.length === 0
			? {}
			: {
					datasets: Object.fromEntries(datasets.map((one) => [one.name, datasetContent(one, datasets.length === 1 ? collection : null)])),
				}),
		...(userId === null ? {} : { userId }),
		...Object.fromEntries(extra),
	};
}

const datasetContent = (one: FoundDataset, collection: string | null): Record<string, string> => ({
	...(one.sqlitePath === null ? {} : { sqlite: one.sqlitePath }),
	...(one.chromaPath === null ? {} : { chroma: one.chromaPath }),
	...(collection === null ? {} : { collection }),
});
