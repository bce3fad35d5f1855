import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { anyone, type Home, makeHome, openCloud, planted, refusalOf } from '../../contract/cloud-scene.js';
import { type AwsFront, startFront } from '../../fakes/aws-front.js';
import { startFakeAws } from '../../fakes/aws-server.js';

let front: AwsFront;
let home: Home;
beforeEach(async () => {
	front = await startFakeAws();
	home = await makeHome();
});
afterEach(async () => {
	vi.unstubAllEnvs();
	await front.close();
	await home.remove();
});

const credentials = JSON.stringify({
	Code: 'Success',
	AccessKeyId: 'ASIAMACHINE',
	SecretAccessKey: planted.key,
	Token: planted.token,
	Expiration: new Date(Date.now() + 3_600_000).toISOString(),
});

describe('credentials of the machine', () => {
	it('come from the token of a web identity', async () => {
		await home.write('token', 'web-identity-token\n');
		const env = {
			AWS_WEB_IDENTITY_TOKEN_FILE: join(home.folder, 'token'),
			AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/Pod',
			AWS_REGION: 'us-east-1',
		};
		const { cloud, told } = openCloud(front.url, home.folder, env);
		expect(await cloud.identify(anyone)).toMatchObject({ kind: 'web-identity', from: 'env AWS_WEB_IDENTITY_TOKEN_FILE', profile: null });
		expect(new URLSearchParams(front.requests[0]?.body).get('WebIdentityToken')).toBe('web-identity-token');
		expect(told.map((secret) => secret.reveal())).toContain('web-identity-token');
		const gone = openCloud(front.url, home.folder, { ...env, AWS_WEB_IDENTITY_TOKEN_FILE: join(home.folder, 'gone') });
		expect(await refusalOf(gone.cloud.identify(anyone))).toMatchObject({ kind: 'aws', code: 'WEB_IDENTITY_FAILED', why: 'ENOENT' });
	});

	it("come from a container's role", async () => {
		const container = await startFront(() => ({ status: 200, headers: { 'content-type': 'application/json' }, body: credentials }));
		const env = {
			AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/role`,
			AWS_CONTAINER_AUTHORIZATION_TOKEN: 'own',
			AWS_REGION: 'us-east-1',
		};
		const { cloud, told } = openCloud(front.url, home.folder, env);
		expect(await cloud.identify(anyone)).toMatchObject({ kind: 'container', from: 'container role' });
		expect(container.requests[0]?.headers.authorization).toBe('own');
		expect(told.map((secret) => secret.reveal())).toEqual([planted.key, planted.token]);
		await container.close();
		const gone = openCloud(front.url, home.folder, env);
		expect(await refusalOf(gone.cloud.identify(anyone))).toMatchObject({ kind: 'aws', code: 'CONTAINER_CREDENTIALS_FAILED' });
	});

	it("come from an instance's role, with its region", async () => {
		const answers: Readonly<Record<string, string>> = {
			'/latest/api/token': 'metadata-token',
			'/latest/meta-data/placement/region': 'eu-central-1',
			'/latest/meta-data/iam/security-credentials/': 'Migrate',
			'/latest/meta-data/iam/security-credentials/Migrate': credentials,
		};
		const metadata = await startFront(({ path }) => ({ status: answers[path] === undefined ? 404 : 200, body: answers[path] ?? '' }));
		// The SDK asks at the address that the environment of the process names.
		vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', metadata.url);
		const env = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
		const { cloud } = openCloud(front.url, home.folder, env);
		expect(await cloud.identify(anyone)).toMatchObject({
			kind: 'instance',
			from: 'instance role',
			region: 'eu-central-1',
			regionFrom: 'instance metadata',
		});
		await metadata.close();
	});
});
