import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fullAddress } from '../config/chroma-server.js';
import { placeOf } from '../config/chroma-values.js';
import { configFileName, namePattern, nameWords, readConfigFile } from '../config/config-file.js';
import { guardByName } from '../config/configured.js';
import { discoverDatasets, type FoundDataset } from '../config/discover.js';
import type { OptionKey } from '../config/options.js';
import { showPath } from '../config/paths.js';
import { withoutPassword } from '../config/target-url.js';
import { writeFileWhole } from '../config/write-file.js';
import { exitCodes, RepotError } from '../core/errors.js';
import { formatCommand } from '../core/format.js';
import type { Guard } from '../core/operations.js';
import type { Command, CommandContext } from './context.js';
import { type Answers, mergedContent, strongerGuard } from './init-content.js';
import { askTarget, targetFromFlags } from './init-target.js';
import { declined } from './prompts.js';
import { schemaPlace } from './schema-place.js';

/** `repot init`: asks (or takes the flags), and writes repot.config.json. A password is never written. */
export const initCommand: Command = async (context) => {
	const { shell, settings } = context;
	const path = resolve(shell.cwd, settings.values.config.value ?? configFileName);
	const shown = showPath(path, shell.cwd);
	const existing = await existingContent(context, path, shown);
	const found = await foundDatasets(context);
	const answers = context.terminal.interactive && !settings.values.yes.value ? await ask(context, found) : fromFlags(context, found);
	const merged = mergedContent(existing ?? {}, keptUser(context, answers, existing), shell.cwd, dirname(path));
	// What a file that exists says of other things stays as it is.
	const content = existing === null ? { $schema: await schemaPlace(dirname(path)), ...merged } : merged;
	await writeFileWhole(path, `${JSON.stringify(content, null, '\t')}\n`);
	shell.output.say(
		existing === null ? `Wrote  ${shown}` : `Wrote  ${shown}: environment ${answers.environment}; the rest of it is as it was`,
	);
	sayGuard(context, answers, existing);
	if (answers.target !== null && withoutPassword(answers.target).had)
		shell.output.say('The password was left out. Set REPOT_POSTGRES_URL to the whole URL before you run repot.');
	if (merged.datasets === undefined)
		shell.output.say('No SQLite file and no Chroma directory was found here: add "datasets", or use --sqlite-db and --chroma-path.');
	const { value, level } = settings.values.config;
	const flags = formatCommand(['--env', answers.environment, ...(level === 'flag' && value !== null ? ['--config', value] : [])]);
	shell.output.say(`Next   repot doctor ${flags}, then repot plan ${flags}`);
	return exitCodes.done;
};

type Existing = Readonly<Record<string, unknown>> | null;

/** What the file says; null when there is none. Throws when it cannot be read as a config, or nobody agreed to change it. */
async function existingContent(context: CommandContext, path: string, shown: string): Promise<Existing> {
	const there = await stat(path).then(
		() => true,
		() => false,
	);
	if (!there) return null;
	// A file with a mistake is not touched: what it means is not known.
	await readConfigFile(path, context.shell.cwd);
	const content = JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<string, unknown>>;
	if (context.settings.values.yes.value) return content;
	if (context.terminal.interactive) {
		if (await context.shell.prompts.confirm(`${shown} exists. Add to it? What it says of other environments stays`)) return content;
		throw declined();
	}
	throw new RepotError({
		kind: 'usage',
		code: 'CONFIG_EXISTS',
		message: 'There is a config file already; nothing was written',
		where: shown,
		next: ['--yes adds the environment to it and keeps everything else', 'Or edit it', '--config FILE writes another one'],
	});
}

/** A user id of the file gives way to a flag or an answer only. */
function keptUser(context: CommandContext, answers: Answers, existing: Existing): Answers {
	const isAmbient = answers.userId === context.settings.values.userId.value && context.settings.values.userId.level === 'variable';
	return existing?.userId !== undefined && isAmbient ? { ...answers, userId: null } : answers;
}

function sayGuard(context: CommandContext, answers: Answers, existing: Existing): void {
	const environments = (existing?.environments ?? {}) as Record<string, { readonly guard?: Guard }>;
	const before = Object.hasOwn(environments, answers.environment) ? environments[answers.environment] : undefined;
	if (strongerGuard(answers.environment, before, answers.guard) === answers.guard) return;
	context.shell.output.say(`${answers.environment} stays protected; only an edit of the file can open it.`);
}

const checkName = (name: string): true | string => namePattern.test(name) || nameWords;

async function ask(context: CommandContext, found: readonly FoundDataset[]): Promise<Answers> {
	const { prompts } = context.shell;
	const { values } = context.settings;
	const environment = await prompts.input({
		message: 'Name of the environment',
		initial: values.env.value ?? 'local',
		check: checkName,
	});
	const { target, own } = await askTarget(context, environment);
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
		target,
		own,
		datasets,
		chosen: true,
		datasetName: values.dataset.value,
		collections: values.collection.value,
		pgvectorCollections: values.pgvectorCollection.level === 'flag' ? values.pgvectorCollection.value : [],
		userId: userId.trim() === '' ? null : userId,
		extra: extraOf(context),
	};
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

/** Those of the convention by their names, then what else lies here. */
async function foundDatasets({ shell, settings }: CommandContext): Promise<readonly FoundDataset[]> {
	const usual = settings.datasets.filter((one) => one.isConventional && one.isPresent);
	const used = new Set(usual.flatMap((one) => [one.sqlitePath, one.chromaPath]));
	const isFresh = ({ sqlitePath, chromaPath }: FoundDataset): boolean =>
		![sqlitePath, chromaPath].some((path) => path !== null && used.has(path));
	const found = (await discoverDatasets(shell.cwd)).filter(isFresh);
	return [...usual.map(({ name, sqlitePath, chromaPath }) => ({ name, sqlitePath, chromaPath })), ...found];
}

function givenDataset(context: CommandContext): FoundDataset | null {
	const { sqliteDb, chromaPath, chromaUrl, dataset } = context.settings.values;
	const server = chromaUrl.value === null ? null : fullAddress(context.settings, placeOf(chromaUrl.value.reveal()));
	const chroma = chromaPath.value ?? server;
	if (sqliteDb.value === null && chroma === null) return null;
	return { name: dataset.value ?? 'data', sqlitePath: sqliteDb.value, chromaPath: chroma };
}

function fromFlags(context: CommandContext, found: readonly FoundDataset[]): Answers {
	const { values } = context.settings;
	const { target, own } = targetFromFlags(context);
	const environment = values.env.value ?? 'local';
	const named = checkName(environment);
	if (named !== true)
		throw new RepotError({
			kind: 'usage',
			code: 'BAD_VALUE',
			message: 'The environment cannot be called so',
			where: values.env.from,
			why: named,
		});
	const given = givenDataset(context);
	return {
		environment,
		guard: guardByName(environment),
		target,
		own,
		datasets: given === null ? found : [given],
		chosen: given !== null,
		datasetName: values.dataset.value,
		collections: values.collection.value,
		pgvectorCollections: values.pgvectorCollection.level === 'flag' ? values.pgvectorCollection.value : [],
		userId: values.userId.value,
		extra: extraOf(context),
	};
}

/** Settings that may be written down as they are. */
const written: readonly OptionKey[] = ['stateDir', 'testUser'];

function extraOf(context: CommandContext): Answers['extra'] {
	const given = written.filter((key) => context.settings.values[key].level === 'flag');
	return Object.fromEntries(given.map((key) => [key, String(context.settings.values[key].value)]));
}
