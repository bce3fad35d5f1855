import { access } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const inPackage = join('node_modules', 'repot', 'dist', 'repot.schema.json');

/**
 * What `$schema` says in a config file of this folder: the schema of the repot that is installed there or in a folder above, as editors
 * resolve a relative path. Where none is installed it is the place that `npm install repot` would give it.
 */
export async function schemaPlace(folder: string): Promise<string> {
	for (let at = folder; ; at = dirname(at)) {
		const isThere = await access(join(at, inPackage)).then(
			() => true,
			() => false,
		);
		const path = relative(folder, join(isThere ? at : folder, inPackage)).replaceAll('\\', '/');
		if (isThere || dirname(at) === at) return path.startsWith('.') ? path : `./${path}`;
	}
}
