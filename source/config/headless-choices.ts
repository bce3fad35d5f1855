import { type HeadlessChoice, type HeadlessVerb, headlessArguments } from '../core/headless-command.js';
import type { WizardChoices } from '../core/operations.js';
import { targetOf } from './choices.js';
import { guardOf } from './environments.js';
import { flagOf, type OptionKey, type OptionValues, options, optionsOf } from './options.js';
import { overrides, type Settings } from './settings.js';
import { datasetOf, type SourceChoice, sourceChoice } from './sources.js';
import { targetIdentity, withoutPassword } from './target-url.js';

/** Said by their own part of the command, or not part of what is done. */
const apart: ReadonlySet<OptionKey> = new Set([
	...(['config', 'env', 'dataset', 'sqliteDb', 'chromaPath', 'collection', 'postgresUrl', 'userId'] as const),
	...(['plan', 'out', 'dryRun', 'yes', 'confirm', 'json', 'logLevel', 'logFile'] as const),
	...(['noInput', 'plain', 'ascii', 'screenReader', 'noColor'] as const),
]);

/**
 * The argument list that makes the same request headless, in the same folder and environment. A password is left out: the URL names the
 * target, and libpq's own variables or REPOT_POSTGRES_URL give the password. Choices not made yet are left out.
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
		...tenantPart(ambient, choices.tenant ?? userId.value),
		settings: [...printedSettings(settings, verb), ...consent(settings, verb, choices.environment)],
	});
}

function tenantPart(ambient: Settings, tenant: string | null): Partial<HeadlessChoice> {
	return tenant === null || tenant === ambient.values.userId.value ? {} : { tenant };
}

function printedSource(ambient: Settings, choices: WizardChoices): Partial<HeadlessChoice> {
	if (choices.sqlitePath === null && choices.chromaPath === null) return {};
	if (isSame(unattended(ambient), choices)) return {};
	const dataset = datasetOf(ambient, choices);
	if (dataset !== undefined && dataset.collection === choices.collection) return { dataset: dataset.name };
	const { sqliteDb, chromaPath, collection } = ambient.values;
	const word = (chosen: string | null, otherwise: string | null): string | undefined => chosen ?? (otherwise === null ? undefined : '');
	return {
		sqlitePath: word(choices.sqlitePath, sqliteDb.value),
		chromaPath: word(choices.chromaPath, chromaPath.value),
		collection: word(choices.collection, collection.value),
	};
}

/** The source that a command without source flags would take; null also when what the variables say cannot be used. */
function unattended(ambient: Settings): SourceChoice | null {
	try {
		return sourceChoice(ambient);
	} catch {
		return null;
	}
}

const isSame = (a: SourceChoice | null, b: WizardChoices): boolean =>
	a !== null && a.sqlitePath === b.sqlitePath && a.chromaPath === b.chromaPath && a.collection === b.collection;

function printedTarget(settings: Settings, ambient: Settings, choices: WizardChoices): string | null {
	if (choices.environment === '') return null;
	const chosen = targetOf(settings, choices);
	if (chosen === null) return null;
	const found = targetOf(ambient, { ...choices, target: null });
	if (found !== null && targetIdentity(found.target, settings.cwd) === targetIdentity(chosen.target, settings.cwd)) {
		if (withoutPassword(found.target).url === withoutPassword(chosen.target).url) return null;
	}
	return withoutPassword(chosen.target).url;
}

/** Settings that this command line or its environment gave. */
function printedSettings(settings: Settings, verb: HeadlessVerb): HeadlessChoice['settings'] {
	return optionsOf(verb)
		.filter((key) => !apart.has(key) && overrides(settings.values[key].level, 'config') > 0)
		.flatMap((key): readonly (readonly [string, string | true])[] => {
			const value = printedValue(key, settings.values[key].value);
			return value === null ? [] : [[flagOf(key), value]];
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
