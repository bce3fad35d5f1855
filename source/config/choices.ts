import type { Origin, PlanRequest, TargetAccess, WizardChoices } from '../core/operations.js';
import { readTypedUrl } from '../core/postgres-url.js';
import type { Secret } from '../core/secret.js';
import { type CollectionNaming, isNameAlone, namingFrom } from './collection-flags.js';
import { chosenEnvironment, environmentNamed, missingEnvironment } from './environments.js';
import { refuseForeignTarget } from './protected.js';
import { overrides, type Settings } from './settings.js';
import { datasetOf, isCollectionOfConvention, type SourcePaths, sourceChoice } from './sources.js';

export { environmentSummaries } from './environments.js';
export { datasetSummaries } from './sources.js';

/** The choices as far as flags, variables and config make them: where the wizard starts. */
export function initialChoices(settings: Settings): Partial<WizardChoices> {
	const environment = chosenEnvironment(settings);
	const source = sourceChoice(settings);
	const tenant = settings.values.userId.value;
	return {
		...(environment === null ? {} : { environment }),
		...(source === null ? {} : { sqlitePath: source.sqlitePath, chromaPath: source.chromaPath, collections: source.collections }),
		...(tenant === null ? {} : { tenant }),
		target: null,
	};
}

/** The same for a headless command, where an open question is an error of `planRequest`. */
export function headlessChoices(settings: Settings): WizardChoices {
	const initial = initialChoices(settings);
	return { environment: '', sqlitePath: null, chromaPath: null, collections: [], tenant: null, target: null, ...initial };
}

/**
 * The target as it is known without asking anybody; null: Parameter Store has it, or nothing says where an environment lies that no config
 * names (it may stand in the history). Throws RepotError (usage) for a name that the config's environments lack.
 */
export function targetOf(settings: Settings, choices: WizardChoices): { readonly target: Secret; readonly from: Origin } | null {
	if (choices.target !== null) return { target: plainTyped(choices.target), from: 'typed' };
	if (settings.environments.length === 0 && settings.values.postgresUrl.value === null) return null;
	const { target, from } = environmentNamed(settings, choices.environment);
	return target === null ? null : { target, from };
}

/** What cannot be read stays, and is refused by the driver without a word of it. */
function plainTyped(target: Secret): Secret {
	const read = readTypedUrl(target.reveal());
	return 'url' in read ? read.url : target;
}

/** What of a request is found outside the settings. */
interface FoundAnswers extends TargetAccess {
	readonly tenant: string;
	readonly sessionEndsAt?: number;
}

/** Settings, choices and what was found to a full request. Throws RepotError (usage) when this environment may not write there. */
export function planRequest(settings: Settings, choices: WizardChoices, found: FoundAnswers): PlanRequest {
	const environment = environmentNamed(settings, choices.environment, choices.target !== null);
	refuseForeignTarget(settings, environment.name, found.target);
	const { values } = settings;
	const ids = choices.onIdCollision ?? values.onIdCollision.value;
	return {
		environment: environment.name,
		guard: environment.guard,
		sqlitePath: choices.sqlitePath,
		chromaPath: choices.chromaPath,
		collections: choices.collections,
		...(isCollectionOfConvention(settings, choices) ? { collectionsByConvention: true } : {}),
		...found,
		...pgvectorNaming(settings, choices),
		...(values.pgvectorCollection.level === 'flag' && values.pgvectorCollection.value.some(isNameAlone) ? { nameByFlag: true } : {}),
		batchSize: values.batchSize.value,
		skipSchemaCreation: values.skipSchemaCreation.value,
		index: values.index.value,
		indexMemory: values.indexMemory.value,
		indexWorkers: values.indexWorkers.value,
		policies: {
			onConflict: values.onConflict.value,
			onInvalidJson: values.onInvalidJson.value,
			onBadTimestamp: values.onBadTimestamp.value,
			onNul: values.onNul.value,
			...(ids === 'fail' ? {} : { onIdCollision: ids }),
			...(values.onMissingVector.value === 'quarantine' ? {} : { onMissingVector: values.onMissingVector.value }),
			maxQuarantined: values.maxQuarantined.value,
		},
		similarityThreshold: values.similarityThreshold.value,
		validationSample: values.validationSample.value,
		reportOutput: values.reportOutput.value,
		maxRetries: values.maxRetries.value,
		retryDelayMilliseconds: values.retryDelay.value,
		restart: values.restart.value,
		validate: !values.noValidate.value,
	};
}

/** One line for each answer about environment and sources that a headless command lacks, with its flag. */
export function sourceAnswers(settings: Settings, choices: WizardChoices): readonly string[] {
	const isOpen = choices.environment === '';
	if (isOpen && settings.environments.length > 0) return [missingEnvironment(settings)];
	const datasets = settings.datasets.filter((one) => one.isPresent).map((one) => one.name);
	const several = datasets.length > 0 ? `; or --dataset, one of ${datasets.join(', ')}` : '';
	return [
		...(isOpen ? [missingEnvironment(settings)] : []),
		...(choices.sqlitePath === null && choices.chromaPath === null
			? [`--sqlite-db FILE, --chroma-path DIR (or --chroma-url URL) or both: what to move${several}`]
			: []),
		// Without an environment nobody can be asked where it is.
		...(isOpen ? ['--postgres-url URL (or REPOT_POSTGRES_URL): postgresql://USER@HOST/DATABASE or pglite:DIR'] : []),
		...(isOpen && choices.tenant === null && settings.values.userId.value === null
			? ['--user-id ID: the user that every row is given']
			: []),
	];
}

/** The collections that vectors are written to: a flag or a variable, else the dataset's own, else the config. */
export function pgvectorNaming(settings: Settings, choices: SourcePaths): CollectionNaming {
	const own = settings.values.pgvectorCollection;
	if (overrides(own.level, 'config') > 0) return namingFrom(own.value, own.from);
	const dataset = datasetOf(settings, choices);
	return namingFrom(dataset?.pgvectorCollection ?? own.value, dataset?.from ?? own.from);
}
