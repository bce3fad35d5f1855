import { isAbsolute, relative, resolve } from 'node:path';
import { environmentKeys, guardByName } from '../config/configured.js';
import type { FoundDataset } from '../config/discover.js';
import { options } from '../config/options.js';
import { withoutPassword } from '../config/target-url.js';
import { isChromaServer } from '../core/chroma-address.js';
import { RepotError } from '../core/errors.js';
import type { Guard } from '../core/operations.js';
import type { Secret } from '../core/secret.js';
import type { TargetAnswer } from './init-target.js';

export interface Answers {
	readonly environment: string;
	readonly guard: Guard;
	/** Null: Parameter Store has it. */
	readonly target: Secret | null;
	/** What the environment says itself. */
	readonly own: TargetAnswer['own'];
	readonly datasets: readonly FoundDataset[];
	/** Datasets named by flags or answers; those found on disk only fill a config that has none. */
	readonly chosen: boolean;
	/** Name given by --dataset. */
	readonly datasetName: string | null;
	readonly collections: readonly string[];
	/** Names in the target, as --pgvector-collection gives them; a dataset's own where there is one, else for all. */
	readonly pgvectorCollections: readonly string[];
	readonly userId: string | null;
	/** Further keys of the file. */
	readonly extra: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

interface Environment {
	readonly guard?: Guard;
	readonly target?: string;
	readonly urlParameter?: string;
}

/**
 * The config with the answers in it: the named environment and dataset are added or changed, everything else stays, and a guard never
 * becomes weaker. Paths are written relative to `folder`, where the file lies. Throws RepotError (usage) when a dataset that nobody named
 * would be replaced.
 */
export function mergedContent(existing: Json, answers: Answers, cwd: string, folder: string): Json {
	const place = (path: string): string => placed(path, cwd, folder);
	const { environment, userId, extra, pgvectorCollections } = answers;
	const isOfAll = pgvectorCollections.length > 0 && !namesItsOwn(answers);
	const environments = (existing.environments ?? {}) as Record<string, Environment>;
	const before = Object.hasOwn(environments, environment) ? environments[environment] : undefined;
	const datasets = datasetsWith((existing.datasets ?? {}) as Record<string, Json>, answers, place);
	return {
		...existing,
		environments: {
			...environments,
			[environment]: environmentWith(before, answers, place),
		},
		...(Object.keys(datasets).length === 0 ? {} : { datasets }),
		...(userId === null ? {} : { userId }),
		...(isOfAll ? { pgvectorCollection: oneOrSeveral(pgvectorCollections) } : {}),
		...Object.fromEntries(
			Object.entries(extra).map(([key, value]) => [key, key === 'stateDir' && typeof value === 'string' ? place(value) : value]),
		),
	};
}

/** The URL comes from the target or from the parameter: what was said before of the other one goes. */
function environmentWith(before: Environment | undefined, answers: Answers, place: (path: string) => string): Json {
	const { environment, target, own } = answers;
	const { target: _target, urlParameter: _parameter, ...kept } = before ?? {};
	const given = environmentKeys.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]] as const]));
	return {
		...kept,
		guard: strongerGuard(environment, before, answers.guard),
		...(target === null ? {} : { target: targetText(target, place) }),
		...Object.fromEntries(given.map(([key, value]) => [key, options[key].path && typeof value === 'string' ? place(value) : value])),
	};
}

/** The guard after the merge: what was protected stays so. */
export function strongerGuard(name: string, before: Environment | undefined, asked: Guard): Guard {
	if (before === undefined) return asked;
	return (before.guard ?? guardByName(name)) === 'protected' ? 'protected' : asked;
}

/** One dataset with vectors, which the names belong to. */
const namesItsOwn = ({ chosen, datasets }: Answers): boolean => chosen && datasets.length === 1 && datasets[0]?.chromaPath != null;

function datasetsWith(existing: Readonly<Record<string, Json>>, answers: Answers, place: (path: string) => string): Record<string, Json> {
	const { datasets, collections, pgvectorCollections, chosen, datasetName } = answers;
	if (!chosen && Object.keys(existing).length > 0) return { ...existing };
	const merged: Record<string, Json> = { ...existing };
	for (const one of datasets) {
		const content = {
			...(one.sqlitePath === null ? {} : { sqlite: place(one.sqlitePath) }),
			...(one.chromaPath === null ? {} : { chroma: place(one.chromaPath) }),
			...(collections.length === 0 || datasets.length > 1 ? {} : { collection: oneOrSeveral(collections) }),
			...(pgvectorCollections.length > 0 && namesItsOwn(answers) ? { pgvectorCollection: oneOrSeveral(pgvectorCollections) } : {}),
		};
		const before = Object.hasOwn(existing, one.name) ? existing[one.name] : undefined;
		if (before !== undefined && datasetName === null && differs(before, content)) throw datasetTaken(one.name);
		merged[one.name] = { ...before, ...content };
	}
	return merged;
}

const differs = (before: Json, content: Json): boolean =>
	Object.entries(content).some(([key, value]) => before[key] !== undefined && JSON.stringify(before[key]) !== JSON.stringify(value));

/** As the file says it: one as a text. */
const oneOrSeveral = (texts: readonly string[]): string | readonly string[] => (texts.length === 1 ? (texts[0] ?? '') : texts);

function datasetTaken(name: string): RepotError {
	return new RepotError({
		kind: 'usage',
		code: 'DATASET_EXISTS',
		message: `The config file has a dataset "${name}" with other data; nothing was written`,
		next: ['--dataset NAME adds the data under another name', `--dataset ${name} changes that dataset`],
	});
}

function targetText(target: Secret, place: (path: string) => string): string {
	const { url } = withoutPassword(target);
	return url.startsWith('pglite:') ? `pglite:${place(url.slice('pglite:'.length))}` : url;
}

/** A path of the working directory as a file in `folder` names it; an absolute one stays. */
function placed(path: string, cwd: string, folder: string): string {
	if (isAbsolute(path) || isChromaServer(path)) return path;
	const inside = relative(folder, resolve(cwd, path));
	if (inside === '') return '.';
	return isAbsolute(inside) || inside.startsWith('..') ? inside : `./${inside}`;
}
