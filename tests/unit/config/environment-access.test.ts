import { describe, expect, it } from 'vitest';
import { headlessChoices } from '../../../source/config/choices.js';
import { credentialNeeds } from '../../../source/config/credential-needs.js';
import { environmentAccess, testUserOf } from '../../../source/config/environment-access.js';
import { type Given, settingsOf } from './folder.js';

const config = {
	environments: {
		dev: {
			awsProfile: 'of-dev',
			region: 'eu-west-1',
			urlParameter: '/dev/url',
			cdkOutputs: './out/dev.json',
			userPoolId: 'eu-west-1_x1',
			iamAuth: true,
			sslMode: 'verify-full',
			sslRootCert: './rds.pem',
		},
		test: {},
	},
	awsProfile: 'of-config',
	region: 'us-east-2',
};
const accessOf = async (environment: string, given: Given) => environmentAccess(await settingsOf(given), environment);

describe('the access of an environment', () => {
	it('is by convention where nothing is said', async () => {
		expect(await accessOf('dev', {})).toEqual({
			profile: { value: null, from: 'default' },
			region: { value: null, from: 'default' },
			parameter: { value: '/collections/dev/database-url', from: 'default' },
			isConventional: true,
			cdkOutputs: { value: './.aws-outputs-dev.json', from: 'default' },
			userPoolId: { value: null, from: 'default' },
			iamAuth: { value: false, from: 'default' },
			sslMode: { value: null, from: 'default' },
			sslRootCert: { value: null, from: 'default' },
		});
	});

	it("is the environment's own before the config's", async () => {
		const access = await accessOf('dev', { config });
		expect(access).toMatchObject({
			profile: { value: 'of-dev', from: 'repot.config.json:4' },
			region: { value: 'eu-west-1', from: 'repot.config.json:5' },
			parameter: { value: '/dev/url', from: 'repot.config.json:6' },
			isConventional: false,
			cdkOutputs: { value: './out/dev.json' },
			userPoolId: { value: 'eu-west-1_x1' },
			iamAuth: { value: true, from: 'repot.config.json:9' },
			sslMode: { value: 'verify-full' },
			sslRootCert: { value: './rds.pem' },
		});
		expect((await accessOf('test', { config })).profile).toEqual({ value: 'of-config', from: 'repot.config.json:15' });
	});

	it('is what flags and variables say before either', async () => {
		const env = { REPOT_REGION: 'ap-south-1', REPOT_IAM_AUTH: 'false' };
		const access = await accessOf('dev', { config, env, flags: { awsProfile: 'of-flag', urlParameter: '/x/' } });
		expect(access.profile).toEqual({ value: 'of-flag', from: 'flag --aws-profile' });
		expect(access.parameter).toEqual({ value: '/x/', from: 'flag --url-parameter' });
		expect(access.region).toEqual({ value: 'ap-south-1', from: 'env REPOT_REGION' });
		expect(access.iamAuth).toEqual({ value: false, from: 'env REPOT_IAM_AUTH' });
	});

	it('leaves the profile to variables of AWS after whatever is said to repot, also in the config', async () => {
		const env = { AWS_PROFILE: 'of-aws', AWS_ACCESS_KEY_ID: 'AKIA', AWS_DEFAULT_REGION: 'sa-east-1' };
		const { awsProfile: _, region: _region, ...without } = config;
		for (const environment of ['dev', 'test'])
			expect(await accessOf(environment, { config, env })).toMatchObject(await accessOf(environment, { config }));
		const access = await accessOf('test', { config: without, env });
		expect(access.profile).toEqual({ value: 'of-aws', from: 'env AWS_PROFILE' });
		expect(access.region).toEqual({ value: 'sa-east-1', from: 'env AWS_DEFAULT_REGION' });
		const keys = { AWS_PROFILE: '', AWS_ACCESS_KEY_ID: 'AKIA', AWS_REGION: 'one', AWS_DEFAULT_REGION: 'two' };
		expect(await accessOf('dev', { config, env: keys })).toMatchObject({ profile: { value: 'of-dev' }, region: { value: 'eu-west-1' } });
		expect(await accessOf('test', { config: without, env: keys })).toMatchObject({
			profile: { value: null, from: 'env AWS_ACCESS_KEY_ID' },
			region: { value: 'one', from: 'env AWS_REGION' },
		});
		const said = await accessOf('dev', { config, env: { ...env, REPOT_AWS_PROFILE: 'mine' }, flags: { region: 'here' } });
		expect(said).toMatchObject({ profile: { value: 'mine' }, region: { value: 'here', from: 'flag --region' } });
	});

	it('leaves AWS_PROFILE to the chain of the SDK, which knows what to do where its profile is not there', async () => {
		const settings = await settingsOf({ env: { AWS_PROFILE: 'of-aws' }, flags: { env: 'dev' } });
		const needs = await credentialNeeds(settings, headlessChoices(settings), false);
		expect(needs).toMatchObject({ access: { profile: null }, profileFrom: 'profile of-aws, env AWS_PROFILE' });
	});

	it('holds no key of the environment', async () => {
		const settings = await settingsOf({ env: { AWS_ACCESS_KEY_ID: 'AKIAHUSH', AWS_SECRET_ACCESS_KEY: 'hush1234' } });
		expect(JSON.stringify(settings)).not.toMatch(/AKIAHUSH|hush1234/);
	});
});

describe('the test user', () => {
	const datasets = { golden: { sqlite: './a.db', testUser: 'gold' }, other: { sqlite: './b.db' } };
	const paths = (sqlitePath: string) => ({ sqlitePath, chromaPath: null });

	it("is what is said, the dataset's, the config's, or the dataset's name", async () => {
		const settings = await settingsOf({ config: { datasets } });
		expect(testUserOf(settings, paths('./a.db'))).toEqual({ value: 'gold', from: 'repot.config.json:3' });
		expect(testUserOf(settings, paths('./b.db'))).toEqual({ value: 'migration-test-other', from: 'default' });
		const ofConfig = await settingsOf({ config: { datasets, testUser: 'all' } });
		expect(testUserOf(ofConfig, paths('./a.db')).value).toBe('gold');
		expect(testUserOf(ofConfig, paths('./b.db')).value).toBe('all');
		const flagged = await settingsOf({ config: { datasets }, flags: { testUser: 'flag' } });
		expect(testUserOf(flagged, paths('./a.db'))).toEqual({ value: 'flag', from: 'flag --test-user' });
	});

	it('is none for files that are no dataset', async () => {
		expect(testUserOf(await settingsOf({ config: { datasets } }), paths('./c.db'))).toEqual({
			value: null,
			from: 'the sources are no dataset with a name',
		});
	});
});
