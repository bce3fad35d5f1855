import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anyone, type Home, keysOf, makeHome, openCloud, planted, refusalOf } from '../../contract/cloud-scene.js';

let home: Home;
beforeEach(async () => {
	home = await makeHome();
});
afterEach(() => home.remove());

const config = `
[default]
region = us-west-2

[profile dev]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Migrate
region = eu-west-1

[profile legacy]
sso_start_url = https://old.awsapps.com/start
sso_region = us-east-1
sso_account_id = 444455556666
sso_role_name = ReadOnly

[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1

[profile role]
role_arn = arn:aws:iam::111122223333:role/Migrate
source_profile = ana

[profile machine]
role_arn = arn:aws:iam::111122223333:role/Machine
credential_source = Ec2InstanceMetadata

[profile vault]
credential_process = /opt/vault/bin/aws-keys --password ${planted.password}

[profile pod]
role_arn = arn:aws:iam::111122223333:role/Pod
web_identity_token_file = /var/run/token

[profile console]
login_session = arn:aws:iam::111122223333:user/ana

[services local]
ssm =
  endpoint_url = http://127.0.0.1:1
`;
const credentials = `
[ana]
aws_access_key_id = AKIAANA
aws_secret_access_key = ${planted.key}
`;

describe('profiles', () => {
	it('lists those with credentials, in their order, without a secret', async () => {
		await home.write('.aws/config', config);
		await home.write('.aws/credentials', credentials);
		const found = await openCloud(null, home.folder).cloud.profiles();
		expect(found).toEqual([
			{ name: 'dev', kind: 'sso', region: 'eu-west-1', about: 'account 111122223333, role Migrate' },
			{ name: 'legacy', kind: 'sso', region: null, about: 'account 444455556666, role ReadOnly' },
			{ name: 'role', kind: 'assume-role', region: null, about: 'arn:aws:iam::111122223333:role/Migrate' },
			{ name: 'machine', kind: 'assume-role', region: null, about: 'arn:aws:iam::111122223333:role/Machine' },
			{ name: 'vault', kind: 'process', region: null, about: 'aws-keys' },
			{ name: 'pod', kind: 'web-identity', region: null, about: 'arn:aws:iam::111122223333:role/Pod' },
			{ name: 'console', kind: 'login', region: null, about: 'arn:aws:iam::111122223333:user/ana' },
			{ name: 'ana', kind: 'keys', region: null, about: null },
		]);
		for (const secret of Object.values(planted)) expect(JSON.stringify(found)).not.toContain(secret);
	});

	it('lists none where there are no files', async () => {
		expect(await openCloud(null, home.folder).cloud.profiles()).toEqual([]);
	});

	it('reads the files that the environment names, and reads them again', async () => {
		await home.write('elsewhere/config', '[profile one]\nlogin_session = a\n');
		await home.write('elsewhere/credentials', credentials);
		const { cloud } = openCloud(null, home.folder, {
			AWS_CONFIG_FILE: '~/elsewhere/config',
			AWS_SHARED_CREDENTIALS_FILE: join(home.folder, 'elsewhere/credentials'),
		});
		expect((await cloud.profiles()).map(({ name }) => name)).toEqual(['one', 'ana']);
		await home.write('elsewhere/config', '[profile two]\nlogin_session = a\n');
		expect((await cloud.profiles()).map(({ name }) => name)).toEqual(['two', 'ana']);
	});
});

describe('which profile is meant', () => {
	beforeEach(async () => {
		await home.write('.aws/config', config);
		await home.write('.aws/credentials', credentials);
	});

	it.each([
		['a setting', { profile: 'dve', region: 'us-east-1' }, {}, '--aws-profile'],
		['AWS_PROFILE', anyone, { AWS_PROFILE: 'dve', ...keysOf() }, 'AWS_PROFILE'],
	])('names the nearest where %s names one that there is not', async (_, access, env, way) => {
		const refusal = await refusalOf(openCloud(null, home.folder, env).cloud.identify(access));
		expect(refusal).toMatchObject({ kind: 'usage', code: 'NO_SUCH_PROFILE' });
		expect(refusal.next[0]).toMatch(/nearest first: dev, /);
		expect(refusal.next[1]).toContain(way);
	});

	it('refuses one without credentials', async () => {
		const refusal = await refusalOf(openCloud(null, home.folder).cloud.identify({ profile: 'default', region: null }));
		expect(refusal).toMatchObject({ kind: 'usage', code: 'PROFILE_INCOMPLETE' });
	});

	it('tells that there are no credentials at all, and which profiles could be named', async () => {
		const refusal = await refusalOf(openCloud(null, home.folder).cloud.identify(anyone));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'NO_AWS_CREDENTIALS' });
		expect(refusal.next.join('\n')).toMatch(/--aws-profile NAME; there are dev, legacy.*\n.*aws configure sso\n.*AWS_ACCESS_KEY_ID/);
	});

	it('asks for a region where none is named', async () => {
		const refusal = await refusalOf(openCloud(null, home.folder).cloud.identify({ profile: 'vault', region: null }));
		expect(refusal).toMatchObject({ kind: 'usage', code: 'NO_REGION' });
		expect(refusal.next.join()).toContain('--region');
	});

	it('refuses roles that stand on each other in a circle, or on nothing', async () => {
		await home.write(
			'.aws/config',
			'[profile a]\nrole_arn = arn:a\nsource_profile = b\nregion = us-east-1\n[profile b]\nrole_arn = arn:b\nsource_profile = a\n[profile c]\nrole_arn = arn:c\nsource_profile = gone\nregion = us-east-1\n',
		);
		const { cloud } = openCloud(null, home.folder);
		const circle = await refusalOf(cloud.identify({ profile: 'a', region: null }));
		expect(circle).toMatchObject({ kind: 'usage', code: 'PROFILE_INCOMPLETE', why: 'a -> b -> a' });
		const nothing = await refusalOf(cloud.identify({ profile: 'c', region: null }));
		expect(nothing.message).toBe('AWS profile "c" stands on profile "gone", which there is not');
	});
});
