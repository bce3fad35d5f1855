import { isChromaServer } from '../core/chroma-address.js';
import { type HeadlessChoice, type HeadlessVerb, headlessArguments } from '../core/headless-command.js';
import type { WizardChoices } from '../core/operations.js';
import { Secret } from '../core/secret.js';
import { pgvectorNaming, targetOf } from './choices.js';
import { placeOf } from './chroma-values.js';
import { namingTexts } from './collection-flags.js';
import { environmentAccess } from './environment-access.js';
import { guardOf } from './environments.js';
import { flagOf, type OptionKey, type OptionValues, options, optionsOf } from './options.js';
import { pathFrom } from './paths.js';
import type { Setting, Settings } from './settings.js';
import { type SourceChoice, sourceChoice } from './sources.js';
import { targetIdentity, withoutPassword } from './target-url.js';

/** Said by their own part of the command, or not part of what is done. */
const apart: ReadonlySet<OptionKey> = new Set([
	...(['config', 'env', 'dataset', 'sqliteDb', 'chromaPath', 'chromaUrl', 'chromaToken', 'collection', 'postgresUrl', 'userId'] as const),
	...(['plan', 'out', 'dryRun', 'yes', 'confirm', 'json', 'logLevel', 'logFile'] as const),
	...(['awsProfile', 'userPoolId'] as const),
	// A code dies in half a minute, and a user is made once.
	...(['mfaCode', 'createUser'] as const),
	...(['noInput', 'plain', 'ascii', 'screenReader', 'noColor'] as const),
]);

/**
 * The argument list that makes the same request headless, in the same folder and environment; what the config and the variables there say
 * anyway is left out, but for the environment's name: where it goes is never left to a default. A password is left out: the URL names the
 * target, and libpq's own variables or REPOT_POSTGRES_URL give the password; so is what a Chroma server is asked with, which REPOT_CHROMA_TOKEN
 * or REPOT_CHROMA_URL give. Choices not made yet are left out.
 */
export function headlessCommandOf(settings: Settings, verb: HeadlessVerb, choices: WizardChoices): readonly string[] {
	const ambient = settings.ambient ?? settings;
	const target = printedTarget(settings, ambient, choices);
	const { config, userId } = settings.values;
	return headlessArguments(verb, {
		...(config.level === 'flag' && config.value !== null ? { config: config.value } : {}),
		environment: choices.environment,
		...printedSource(ambient, choices),
		...(target === null ? {} : { target }),
		...awsPart(settings, ambient, choices),
		...tenantPart(ambient, choices.tenant ?? userId.value),
		settings: [...printedSettings(settings, ambient, verb, choices), ...consent(settings, verb, choices.environment)],
	});
}

/** Whoever runs it elsewhere has to be who it was shown for; nothing is printed that is found there anyway. */
function awsPart(settings: Settings, ambient: Settings, { environment, awsProfile, userPool }: WizardChoices): Partial<HeadlessChoice> {
	if (environment === '') return {};
	const [asked, there] = [environmentAccess(settings, environment), environmentAccess(ambient, environment)];
	const profile = awsProfile ?? asked.profile.value;
	const pool = userPool ?? asked.userPoolId.value;
	return {
		...(profile === null || profile === there.profile.value ? {} : { awsProfile: profile }),
		...(pool === null || pool === there.userPoolId.value ? {} : { userPool: pool }),
	};
}

function tenantPart(ambient: Settings, tenant: string | null): Partial<HeadlessChoice> {
	return tenant === null || tenant === ambient.values.userId.value ? {} : { tenant };
}

const sourceFlags = ['dataset', 'sqliteDb', 'chromaPath', 'chromaUrl', 'collection'] as const;
/** Texts as flags take them; an empty one unsets what config or variables give. */
type SourceWords = { readonly [K in Exclude<(typeof sourceFlags)[number], 'collection'>]?: string } & {
	readonly collection?: readonly string[];
};

/** The fewest flags that lead to these sources; among as few, those that unset the least, then a dataset's name before paths. */
function printedSource(ambient: Settings, choices: WizardChoices): Partial<HeadlessChoice> {
	if (choices.sqlitePath === null && choices.chromaPath === null) return {};
	const words = candidates(ambient, choices).find((candidate) => leadsTo(ambient, candidate, choices)) ?? ownWords(choices);
	const { dataset, sqliteDb, chromaPath, chromaUrl, collection } = words;
	return { dataset, sqlitePath: sqliteDb, chromaPath, chromaUrl, collections: collection };
}

function ownWords({ sqlitePath, chromaPath, collections }: WizardChoices): SourceWords {
	const chroma = chromaPath !== null && isChromaServer(chromaPath) ? { chromaUrl: placeOf(chromaPath) } : { chromaPath: chromaPath ?? '' };
	return { sqliteDb: sqlitePath ?? '', ...chroma, collection: collections.length === 0 ? [''] : collections };
}

function candidates(ambient: Settings, choices: WizardChoices): readonly SourceWords[] {
	const own = ownWords(choices);
	const ofDatasets = ambient.datasets.flatMap(({ name }) =>
		subsets({ dataset: name, ...own }).filter((words) => words.dataset !== undefined),
	);
	const cost = (words: SourceWords): number =>
		Object.values(words).reduce((sum: number, value) => sum + (value === '' || value[0] === '' ? 1.1 : 1), 0);
	return [...ofDatasets, ...subsets(own)].sort((a, b) => cost(a) - cost(b));
}

function subsets(words: SourceWords): readonly SourceWords[] {
	const made: SourceWords[] = [{}];
	for (const [key, value] of Object.entries(words)) made.push(...made.map((one) => ({ ...one, [key]: value })));
	return made;
}

/** Whether a command with these source flags would take these sources; not when it would be refused. */
function leadsTo(ambient: Settings, words: SourceWords, choices: WizardChoices): boolean {
	const said = (key: (typeof sourceFlags)[number]): Setting<unknown> => {
		const value = words[key];
		if (value === undefined) return ambient.values[key];
		const from = { from: `flag ${flagOf(key)}`, level: 'flag' as const };
		if (typeof value !== 'string') return { value: value.filter((one) => one !== ''), ...from };
		const meant = value === '' ? null : key === 'chromaUrl' ? new Secret(value) : placed(ambient, key, value);
		return { value: meant, ...from };
	};
	const values = { ...ambient.values, ...Object.fromEntries(sourceFlags.map((key) => [key, said(key)])) };
	try {
		return isSame(ambient, sourceChoice({ ...ambient, values }), choices);
	} catch {
		return false;
	}
}

const placed = ({ cwd }: Settings, key: OptionKey, value: string): string => (options[key].path ? pathFrom(value, cwd, cwd) : value);

function isSame(ambient: Settings, found: SourceChoice | null, choices: WizardChoices): boolean {
	const path = (value: string | null): string | null => (value === null ? null : pathFrom(value, ambient.cwd, ambient.cwd));
	return (
		found !== null &&
		path(found.sqlitePath) === path(choices.sqlitePath) &&
		path(found.chromaPath) === path(choices.chromaPath) &&
		found.collections.join('\0') === choices.collections.join('\0')
	);
}

function printedTarget(settings: Settings, ambient: Settings, choices: WizardChoices): string | null {
	if (choices.environment === '') return null;
	const chosen = targetOf(settings, choices);
	if (chosen === null) return null;
	const found = targetOf(ambient, { ...choices, target: null });
	const identity = ({ target }: { readonly target: Secret }): string => targetIdentity(target, settings.cwd, settings.server);
	if (found !== null && identity(found) === identity(chosen)) {
		const [given, wanted] = [withoutPassword(found.target), withoutPassword(chosen.target)];
		// A password that is not given there is lost in the command: its URL is printed, so that this can be said beside it.
		if (given.url === wanted.url && (given.had || !wanted.had)) return null;
	}
	return withoutPassword(chosen.target).url;
}

/** Settings that this command line gave, and that the config and the variables do not give as well. */
function printedSettings(settings: Settings, ambient: Settings, verb: HeadlessVerb, choices: WizardChoices): HeadlessChoice['settings'] {
	const { onIdCollision } = settings.values;
	const values = { ...settings.values, onIdCollision: { ...onIdCollision, value: choices.onIdCollision ?? onIdCollision.value } };
	const isGiven = (key: OptionKey): boolean =>
		key === 'pgvectorCollection'
			? // A dataset may name its own.
				namingTexts(pgvectorNaming(settings, choices)).join('\0') !== namingTexts(pgvectorNaming(ambient, choices)).join('\0')
			: printedValue(key, values[key].value) !== printedValue(key, ambient.values[key].value);
	const isServer = choices.chromaPath !== null && isChromaServer(choices.chromaPath);
	return optionsOf(verb)
		.filter((key) => !apart.has(key) && isGiven(key) && (isServer || (key !== 'chromaTenant' && key !== 'chromaDatabase')))
		.flatMap((key): readonly (readonly [string, string | true])[] => {
			const { value } = values[key];
			if (Array.isArray(value)) return (value.length === 0 ? [''] : value).map((one: string) => [flagOf(key), one] as const);
			const printed = printedValue(key, value as OptionValues[typeof key]);
			return printed === null ? [] : [[flagOf(key), printed]];
		});
}

function printedValue<K extends OptionKey>(key: K, value: OptionValues[K]): string | true | null {
	if (typeof value === 'boolean') return value ? true : null;
	const print = options[key].print as ((value: OptionValues[K]) => string) | undefined;
	return print === undefined ? String(value ?? '') : print(value);
}

/** `--yes` only where it is enough; the name of a protected environment is typed each time. */
function consent(settings: Settings, verb: HeadlessVerb, environment: string): HeadlessChoice['settings'] {
	return verb === 'migrate' && guardOf(settings, environment) === 'open' ? [['--yes', true]] : [];
}
