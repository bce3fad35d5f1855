import { describe, expect, it } from 'vitest';
import { answersIn } from '../../chroma/answers.js';
import { differences } from '../../chroma/compare.js';
import { recordings, unpackRecording } from './recorded.js';
import { directoryState, openForTest, temporaryFolder } from './support.js';

describe('recorded directories that real Chromas wrote', () => {
	it.each(recordings)('%s reads as Chroma answered', async (name) => {
		const { directory, answers } = unpackRecording(name, temporaryFolder());
		expect(name.startsWith(`${answers.version}-`)).toBe(true);
		const before = directoryState(directory);
		const snapshot = await openForTest(directory);
		expect(differences(snapshot, directory, answers)).toEqual([]);
		expect(directoryState(directory)).toEqual(before);
	});

	it('show every space in four releases, killed writers, several databases and what a Chroma cannot answer', () => {
		const all = recordings.map((name) => {
			const folder = temporaryFolder();
			unpackRecording(name, folder);
			return answersIn(folder);
		});
		const collections = all.flatMap((answers) => answers.collections);
		expect(new Set(all.map(({ version }) => version))).toEqual(new Set(['0.4.24', '0.5.23', '0.6.3', '1.5.9']));
		for (const version of ['0.4.24', '0.5.23', '0.6.3', '1.5.9']) {
			const spaces = all
				.filter((answers) => answers.version === version)
				.flatMap((answers) => answers.collections.map(({ space }) => space));
			expect(spaces, version).toEqual(expect.arrayContaining(['l2', 'cosine', 'ip']));
			expect(
				all.some((answers) => answers.version === version && answers.killed !== null),
				version,
			).toBe(true);
		}
		expect(collections.some(({ error }) => error !== null)).toBe(true);
		expect(collections.some(({ tenant }) => tenant !== 'default_tenant')).toBe(true);
	});
});
