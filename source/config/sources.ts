import { RepotError } from '../core/errors.js';
import type { DatasetSummary, Origin } from '../core/operations.js';
import { placeOf } from './chroma-values.js';
import type { ConfiguredDataset } from './configured.js';
import type { FoundDataset } from './discover.js';
import { type Level, overrides, type Setting, type Settings } from './settings.js';
import { nearest } from './values.js';

/** Datasets of the config (or of the convention, when their files are there), then what was found on disk and is not among them. What flags and variables name comes first. */
export function datasetSummaries(settings: Settings, found: readonly FoundDataset[]): readonly DatasetSummary[] {
	const asked = sourceChoice(settings);
	const same = (a: SourcePaths, b: SourcePaths): boolean => a.sqlitePath === b.sqlitePath && a.chromaPath === b.chromaPath;
	const configured: readonly DatasetSummary[] = settings.datasets
		.filter((one) => one.isPresent || (asked !== null && same(one, asked)))
		.map(({ name, sqlitePath, chromaPath, collections, from }) => ({ name, sqlitePath, chromaPath, collections, from }));
	const given: readonly DatasetSummary[] =
		asked === null || configured.some((one) => same(one, asked)) ? [] : [{ name: 'given', ...asked, from: asked.from }];
	const known = [...given, ...configured];
	const used = new Set(known.flatMap((one) => [one.sqlitePath, one.chromaPath]));
	const fresh = found.filter(
		(one) => !used.has(one.sqlitePath ?? one.chromaPath) && !(one.chromaPath !== null && used.has(one.chromaPath)),
	);
	return [...known, ...fresh.map((one) => ({ ...one, collections: [], from: 'found on disk' }))];
}

export interface SourcePaths {
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
}

export interface SourceChoice extends SourcePaths {
	readonly collections: readonly string[];
	readonly from: Origin;
}

/**
 * What flags, variables and config say about the source; null when they say nothing, or the config has several datasets and none is
 * chosen. A dataset of the convention is never taken unnamed: nobody wrote down that it is what should be moved. A path given at a higher level than the dataset stands alone: `--sqlite-db x` does not bring the config's Chroma along.
 */
export function sourceChoice(settings: Settings): SourceChoice | null {
	const { sqliteDb, collection } = settings.values;
	const chromaPath = chromaSetting(settings);
	const picked = pickedDataset(settings);
	const paths = [sqliteDb, chromaPath].filter((one) => one.level !== 'default');
	const dataset = picked !== null && paths.some((one) => overrides(one.level, picked.level) > 0) ? null : picked;
	if (dataset === null && paths.every((one) => one.value === null)) return null;
	const pick = <T>(own: Setting<T>, ofDataset: T | undefined, otherwise: T): T =>
		own.level !== 'default' && (dataset === null || overrides(own.level, dataset.level) >= 0) ? own.value : (ofDataset ?? otherwise);
	const chroma = pick(chromaPath, dataset?.dataset.chromaPath, null);
	return {
		sqlitePath: pick(sqliteDb, dataset?.dataset.sqlitePath, null),
		chromaPath: chroma,
		// It says nothing where no Chroma is read.
		collections: chroma === null ? [] : pick(collection, dataset?.dataset.collections, []),
		from: dataset?.dataset.from ?? paths.find((one) => one.value !== null)?.from ?? 'default',
	};
}

/** The directory or the server, whichever is said at the higher level; an empty value there means neither. Throws when both are said at one level. */
function chromaSetting({ values: { chromaPath, chromaUrl } }: Settings): Setting<string | null> {
	const server = { ...chromaUrl, value: chromaUrl.value === null ? null : placeOf(chromaUrl.value.reveal()) };
	const order = overrides(server.level, chromaPath.level);
	if (order !== 0) return order > 0 ? server : chromaPath;
	if (server.value === null) return chromaPath;
	if (chromaPath.value === null) return server;
	throw new RepotError({
		kind: 'usage',
		code: 'TWO_CHROMA_SOURCES',
		message: 'A Chroma directory and a Chroma server are both given; one can be read',
		where: `${chromaPath.from}, ${chromaUrl.from}`,
		next: ['Leave one of --chroma-path and --chroma-url out'],
	});
}

function pickedDataset(settings: Settings): { readonly dataset: ConfiguredDataset; readonly level: Level } | null {
	const { value, level, from } = settings.values.dataset;
	if (value === null) {
		const only = settings.datasets.length === 1 ? settings.datasets[0] : undefined;
		return only === undefined || only.isConventional ? null : { dataset: only, level: 'default' };
	}
	const names = settings.datasets.map((one) => one.name);
	const dataset = settings.datasets.find((one) => one.name === value);
	if (dataset !== undefined) return { dataset, level };
	const near = nearest(value, names);
	const isConventional = settings.datasets.some((one) => one.isConventional);
	throw new RepotError({
		kind: 'usage',
		code: 'UNKNOWN_DATASET',
		message: `There is no dataset "${value}"`,
		where: settings.configPath ?? from,
		why: `${isConventional ? 'by convention there are' : 'the config names'} ${names.join(', ')}`,
		next: [...(near === null ? [] : [`Did you mean --dataset ${near}?`]), 'Name the files instead: --sqlite-db FILE --chroma-path DIR'],
	});
}

/** The dataset of the config, or of the convention, that these paths are. */
export function datasetOf(settings: Settings, paths: SourcePaths): ConfiguredDataset | undefined {
	return settings.datasets.find((one) => one.sqlitePath === paths.sqlitePath && one.chromaPath === paths.chromaPath);
}

/** Whether the collections are only those that a dataset of the convention usually has: then the only one of its directory will do. */
export function isCollectionOfConvention(settings: Settings, choice: SourcePaths & { readonly collections: readonly string[] }): boolean {
	const dataset = datasetOf(settings, choice);
	if (dataset?.isConventional !== true || choice.collections.length === 0) return false;
	return choice.collections.every((name) => dataset.collections.includes(name) && !settings.values.collection.value.includes(name));
}
