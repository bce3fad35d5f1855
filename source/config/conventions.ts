import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ConfiguredDataset } from './configured.js';

/** The environments where no config names any. */
export const usualEnvironments = ['dev', 'test', 'prod'] as const;

/** Parameter of Parameter Store with an environment's database URL. */
export const usualParameter = (environment: string): string => `/collections/${environment}/database-url`;

/** Where the parameters of the split form lie: `host`, `port`, `name`, `username`, `password`. */
export const usualParameterFolder = (environment: string): string => `/collections/${environment}/database/`;

/** File in the working directory that the deployment of an environment wrote. */
export const usualOutputs = (environment: string): string => `./.aws-outputs-${environment}.json`;

/** Cognito user whose id the rows of a dataset are given. */
export const usualTestUser = (dataset: string): string => `migration-test-${dataset}`;

const usualDatasets = [
	{
		name: 'golden',
		sqlitePath: './data/collections_golden.db',
		chromaPath: './data/chroma_golden',
		collection: 'collections_vectors_golden',
	},
	{ name: 'full', sqlitePath: './data/collections.db', chromaPath: './data/chroma_prod', collection: 'collections_vectors_prod' },
] as const;

/**
 * The datasets where no config names any. Both exist by name; one whose files are not there is not `isPresent`, and keeps both paths, so that
 * whoever names it is told which file is missing. A half that is missing is left out where the other one is there.
 */
export async function conventionalDatasets(cwd: string): Promise<readonly ConfiguredDataset[]> {
	return Promise.all(
		usualDatasets.map(async ({ name, sqlitePath, chromaPath, collection }): Promise<ConfiguredDataset> => {
			const [sqlite, chroma] = await Promise.all([isThere(resolve(cwd, sqlitePath)), isThere(resolve(cwd, chromaPath))]);
			const isPresent = sqlite || chroma;
			return {
				name,
				sqlitePath: sqlite || !isPresent ? sqlitePath : null,
				chromaPath: chroma || !isPresent ? chromaPath : null,
				collections: chroma || !isPresent ? [collection] : [],
				pgvectorCollection: null,
				testUser: null,
				isConventional: true,
				isPresent,
				from: 'default',
			};
		}),
	);
}

const isThere = (path: string): Promise<boolean> =>
	stat(path).then(
		() => true,
		() => false,
	);
