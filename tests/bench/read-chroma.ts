// Reads every record of a Chroma directory with this project's reader, and prints { seconds, records, components } as JSON.
//
// usage: read-chroma.ts DIRECTORY COLLECTION COPIES

import { openChroma } from '../../services/chroma/open.js';
import type { CopyStep } from '../../source/core/plan/types.js';

const [path = '', name = '', into = ''] = process.argv.slice(2);
const started = performance.now();
const snapshot = await openChroma({ path, into });
try {
	const collection = snapshot.describe().collections.find((each) => each.name === name);
	if (collection === undefined) throw new Error(`no collection "${name}" in ${path}`);
	const reader = snapshot.reader(collection.id);
	let [records, components] = [0, 0];
	for (const { values } of reader.read({} as CopyStep, ['id', 'embedding', 'document', 'metadata'], null)) {
		records += 1;
		if (values[1] instanceof Float32Array) components += values[1].length;
	}
	process.stdout.write(JSON.stringify({ seconds: (performance.now() - started) / 1000, records, components }));
} finally {
	await snapshot.close();
}
