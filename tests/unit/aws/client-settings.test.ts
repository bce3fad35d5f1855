import { SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clientSettings, quietenNotice } from '../../../services/aws/client-settings.js';
import { createSecrecy } from '../../../services/aws/secrecy.js';
import type { Setup } from '../../../services/aws/setup.js';
import type { Section, SharedFiles } from '../../../services/aws/shared-files.js';

const setup = (env: Setup['env']): Setup => ({
	env,
	clock: { now: () => Date.now() },
	secrecy: createSecrecy(undefined),
	retryDelayMilliseconds: 1,
	requestTimeoutMilliseconds: 1000,
});
const files = (dev: Section): SharedFiles => ({
	profiles: new Map([['dev', dev]]),
	ssoSessions: new Map(),
	services: new Map(),
	configFile: '/home/ana/.aws/config',
	credentialsFile: '/home/ana/.aws/credentials',
});

quietenNotice();

/** The host that a client of these settings would ask. */
async function hostFor(env: Setup['env'], dev: Section): Promise<string> {
	const client = new SSMClient(clientSettings(setup(env), files(dev), 'SSM', 'us-east-1', 'dev'));
	const { endpointProvider, region, useFipsEndpoint: fips, useDualstackEndpoint: dualStack } = client.config;
	const [Region, UseFIPS, UseDualStack] = [await region(), await fips(), await dualStack()];
	client.destroy();
	return endpointProvider({ Region, UseFIPS, UseDualStack }).url.hostname;
}

afterEach(() => vi.unstubAllEnvs());

describe('the endpoint that a service is asked at', () => {
	it.each([
		[{}, {}, 'ssm.us-east-1.amazonaws.com'],
		[{}, { use_fips_endpoint: 'true' }, 'ssm-fips.us-east-1.amazonaws.com'],
		[{}, { use_dualstack_endpoint: 'true' }, 'ssm.us-east-1.api.aws'],
		[{ AWS_USE_FIPS_ENDPOINT: 'true', AWS_USE_DUALSTACK_ENDPOINT: 'True' }, {}, 'ssm-fips.us-east-1.api.aws'],
		[{ AWS_USE_FIPS_ENDPOINT: 'false' }, { use_fips_endpoint: 'true' }, 'ssm.us-east-1.amazonaws.com'],
	])('by %j and a profile with %j is %s', async (env, dev, host) => {
		expect(await hostFor(env, dev)).toBe(host);
	});

	it('is not told by the environment of the process', async () => {
		vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true');
		vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', 'true');
		expect(await hostFor({}, {})).toBe('ssm.us-east-1.amazonaws.com');
	});

	it.each([
		[{ AWS_USE_FIPS_ENDPOINT: 'yes' }, {}, 'AWS_USE_FIPS_ENDPOINT'],
		[{}, { use_dualstack_endpoint: '1' }, 'use_dualstack_endpoint of profile dev'],
		[{ AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }, { use_fips_endpoint: 'true' }, 'AWS_ENDPOINT_URL'],
	])('is refused where %j and %j cannot hold together', async (env, dev, where) => {
		await expect(hostFor(env, dev)).rejects.toMatchObject({ kind: 'usage', code: 'BAD_ENDPOINT', where });
	});
});
