import { describe, expect, it } from 'vitest';
import { optionKeys, options } from '../../../source/config/options.js';
import { createWorld, usualConfig } from './world.js';

interface Told {
	readonly name: string;
	readonly value: unknown;
	readonly from: string;
}
type Group = Told & { readonly chosen: boolean; readonly settings: readonly Told[] };

const toldOf = (settings: readonly Told[], name: string) => settings.find((one) => one.name === name);

describe('repot config', () => {
	const config = {
		environments: { dev: { target: 'postgresql://app:hush1234@db/app', awsProfile: 'of-dev' }, prod: { guard: 'open' } },
		datasets: { golden: { sqlite: './app.db' } },
		chromaUrl: 'http://ana:hush5678@h:8000',
		retryDelay: '2s',
	};
	const env = { REPOT_CHROMA_TOKEN: 'hush9012', REPOT_BATCH_SIZE: '70', REPOT_MFA_CODE: '314159' };

	it('tells every setting with its value and where it came from, secrets masked', async () => {
		const world = await createWorld({ config, env });
		const result = await world.run('config', '--json', '--user-id', 'ana', '--dataset', 'golden');
		expect(result.code).toBe(0);
		const [document] = result.json as unknown as { file: string; settings: Told[]; environments: Group[]; datasets: Group[] }[];
		expect(document?.file).toBe('repot.config.json');
		const settings = document?.settings ?? [];
		const stored = optionKeys.filter((key) => options[key].perRun === undefined);
		expect(settings.map(({ name }) => name)).toEqual(expect.arrayContaining([...stored]));
		expect(settings.every(({ from }) => from !== '')).toBe(true);
		expect(toldOf(settings, 'batchSize')).toMatchObject({ value: 70, from: 'env REPOT_BATCH_SIZE' });
		expect(toldOf(settings, 'userId')).toMatchObject({ value: 'ana', from: 'flag --user-id' });
		expect(toldOf(settings, 'retryDelay')).toMatchObject({ value: 2000, from: expect.stringMatching(/^repot\.config\.json:\d+$/) });
		expect(toldOf(settings, 'maxRetries')).toMatchObject({ value: 5, from: 'default' });
		expect(toldOf(settings, 'chromaToken')?.value).toBe('********');
		expect(toldOf(settings, 'mfaCode')?.value).toBe('********');
		expect(toldOf(settings, 'chromaUrl')?.value).toBe('http://ana:********@h:8000/');
		const [dev, prod] = document?.environments ?? [];
		expect(toldOf(dev?.settings ?? [], 'target')?.value).toBe('postgresql://app:********@db/app');
		expect(toldOf(dev?.settings ?? [], 'awsProfile')).toMatchObject({ value: 'of-dev', from: 'repot.config.json:5' });
		expect(toldOf(prod?.settings ?? [], 'guard')).toMatchObject({ value: 'open', from: 'repot.config.json:8' });
		expect(toldOf(prod?.settings ?? [], 'target')).toMatchObject({ value: 'ssm /collections/prod/database-url', from: 'default' });
		expect(document?.datasets).toMatchObject([{ name: 'golden', chosen: true }]);
		expect(result.stdout + (await world.run('config')).stdout).not.toMatch(/hush|314159/);
	});

	it('narrows to one environment, and marks what is chosen', async () => {
		const world = await createWorld({ config: usualConfig });
		const { stdout } = await world.run('config', '--env', 'prod', '--plain');
		expect(stdout).toContain('Environment prod: from repot.config.json:6, chosen');
		expect(stdout).not.toContain('Environment dev');
		expect(stdout).toContain('Dataset golden: from repot.config.json:11, chosen');
		expect((await world.run('config', '--env', 'prd')).stderr).toContain('Did you mean --env prod?');
	});

	it('shows the convention where there is no file', async () => {
		const { stdout } = await (await createWorld()).run('config');
		expect(stdout).toContain('no repot.config.json here');
		for (const name of ['dev', 'test', 'prod']) expect(stdout).toContain(`Environment ${name}: by convention\n`);
		for (const name of ['golden', 'full']) expect(stdout).toContain(`Dataset ${name}: by convention, no files here`);
	});

	it('says one sentence a setting where text is read aloud', async () => {
		const { stdout } = await (await createWorld({ config: usualConfig })).run('config', '--screen-reader');
		expect(stdout).toContain('\nuserId: ana, from repot.config.json:17\n');
		expect(stdout).toContain('\nregion: not set, from default\n');
	});

	it('of a broken file is an error that names the place', async () => {
		const result = await (await createWorld({ config: '{\n"a" 1}' })).run('config');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('repot.config.json:2');
	});
});
