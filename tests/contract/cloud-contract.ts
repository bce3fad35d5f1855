import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type AwsFront, startFront } from '../fakes/aws-front.js';
import { administrator, anyone, bodiesOf, type Home, keysOf, makeHome, openCloud, planted, refusalOf } from './cloud-scene.js';

const throttling = { name: 'ThrottlingException', message: 'Rate exceeded' };
/** moto's own refusals of JSON services are XML, which the SDK cannot read; that of STS is taken in tests/servers/aws-denied.test.ts. */
const denial = (action: string, resource: string) => ({
	name: 'AccessDeniedException',
	message: `User: arn:aws:iam::123456789012:user/ana is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
});

const databaseUrl = `postgresql://app:${planted.password}@db.example/app`;

/** What holds of AWS, of a fake and of moto alike. `open` starts a front before a server that is empty, or that no other suite shares names with. */
export function cloudContract(open: () => Promise<AwsFront>): void {
	let front: AwsFront;
	let home: Home;
	let admin: ReturnType<typeof administrator>;
	const users = 130;
	/** A server may hold what another run left. */
	const root = `/app${process.pid}${Date.now().toString(36)}`;
	const url = `${root}/dev/database-url`;
	let pool: string;
	const subs = new Map<string, string>();
	const opened = (env = {}) => openCloud(front.url, home.folder, { ...keysOf(), ...env });

	beforeAll(async () => {
		front = await open();
		home = await makeHome();
		admin = administrator(front);
		await admin.putParameter(url, 'an older one');
		await admin.putParameter(url, databaseUrl);
		for (const part of ['host', 'port', 'name', 'username', 'password']) await admin.putParameter(`${root}/dev/database/${part}`, part);
		pool = await admin.createPool('app');
		for (let at = 0; at < users; at += 1) subs.set(`user-${at}`, await admin.addUser(pool, `user-${at}`, `user-${at}@example.com`));
	}, 120_000);
	beforeEach(() => front.calm());
	afterAll(async () => {
		await front.close();
		await home.remove();
	});

	it('tells whose the credentials are, and tells the secrets that it loads', async () => {
		const { cloud, told } = opened();
		const identity = await cloud.identify(anyone);
		expect(identity).toMatchObject({
			account: '123456789012',
			profile: null,
			kind: 'environment',
			from: 'env AWS_ACCESS_KEY_ID',
			region: 'us-east-1',
			regionFrom: 'env AWS_REGION',
			expiresAt: null,
			sessionEndsAt: null,
		});
		expect(identity.arn).toMatch(/^arn:aws:(iam|sts)::123456789012:/);
		expect(told.map((secret) => secret.reveal())).toEqual([planted.key, planted.token]);
	});

	it('gives a parameter decrypted, with version and date', async () => {
		const { cloud, told } = opened();
		const found = await cloud.parameter(anyone, url);
		expect(found).toMatchObject({ name: url, version: 2 });
		expect(found?.value.reveal()).toBe(databaseUrl);
		expect(Date.now() - Date.parse(found?.changedAt ?? '')).toBeLessThan(3_600_000);
		// Parts of a URL are ordinary words: only who reads it knows which of them is secret.
		expect(told.map((secret) => secret.reveal())).not.toContain(databaseUrl);
		expect(JSON.stringify(found)).not.toContain(planted.password);
	});

	it('tells a missing parameter, and names that exist and are near', async () => {
		const { cloud } = opened();
		expect(await cloud.parameter(anyone, `${root}/dev/database_url`)).toBeNull();
		expect((await cloud.parameterNames(anyone, `${root}/dev/database_url`))[0]).toBe(url);
		expect((await cloud.parameterNames(anyone, url.replace('/app', '/ap')))[0]).toBe(url);
		expect(await cloud.parameterNames(anyone, '/nothing/like/it')).toEqual([]);
	});

	it('names parameters only where listing is allowed', async () => {
		const { cloud } = opened();
		front.fail('DescribeParameters', denial('ssm:DescribeParameters', '*'), 9);
		expect(await cloud.parameterNames(anyone, `${root}/dev/database_url`)).toEqual([]);
	});

	it('gives the parts of a split parameter that exist, ten in a call', async () => {
		const { cloud } = opened();
		const parts = ['host', 'port', 'name', 'username', 'password', ...Array.from({ length: 8 }, (_, at) => `none-${at}`)];
		const found = await cloud.parameters(
			anyone,
			parts.map((part) => `${root}/dev/database/${part}`),
		);
		expect([...found].map(([name, one]) => [name.split('/').at(-1), one.value.reveal()])).toEqual(
			parts.slice(0, 5).map((part) => [part, part]),
		);
		expect(bodiesOf(front, 'GetParameters').map(({ Names }) => (Names as unknown[]).length)).toEqual([10, 3]);
	});

	it('finds a user by its name', async () => {
		const { cloud } = opened();
		const found = await cloud.findUser(anyone, pool, 'user-127');
		expect(found).toMatchObject({ username: 'user-127', sub: subs.get('user-127'), enabled: true, status: 'FORCE_CHANGE_PASSWORD' });
		expect(found?.sub).toMatch(/^[0-9a-f-]{36}$/);
		expect(bodiesOf(front, 'ListUsers').map(({ Filter }) => Filter)).toEqual(['username = "user-127"']);
	});

	it('finds a user beyond the first page where the filter is overlooked', async () => {
		const { cloud } = opened();
		front.rewrite('ListUsers', ({ Filter: _, ...rest }) => rest);
		// The order is the server's: whichever it gives last, no page is left out for it.
		for (const name of ['user-0', 'user-64', 'user-129'])
			expect((await cloud.findUser(anyone, pool, name))?.sub, name).toBe(subs.get(name));
		front.requests.length = 0;
		expect(await cloud.findUser(anyone, pool, 'user-130')).toBeNull();
		expect(bodiesOf(front, 'ListUsers')).toHaveLength(Math.ceil(users / 60));
	});

	it('finds a user beyond the first page where the filter is refused', async () => {
		const { cloud } = opened();
		for (const name of ['user-1', 'user-128']) {
			front.fail('ListUsers', { name: 'InvalidParameterException', message: 'Error while parsing filter.' });
			expect((await cloud.findUser(anyone, pool, name))?.sub, name).toBe(subs.get(name));
		}
		expect(bodiesOf(front, 'ListUsers').some(({ Filter }) => Filter === undefined)).toBe(true);
	});

	it('finds nobody for a part of a name, and does not trip over quotes', async () => {
		const { cloud } = opened();
		expect(await cloud.findUser(anyone, pool, 'user-')).toBeNull();
		expect(await cloud.findUser(anyone, pool, 'a "quoted" \\ name')).toBeNull();
		expect(bodiesOf(front, 'ListUsers').at(-1)?.Filter).toBe('username = "a \\"quoted\\" \\\\ name"');
	});

	it('finds a user by its e-mail address, and names all who share one', async () => {
		const { cloud } = opened();
		expect(await cloud.findUser(anyone, pool, 'user-99@example.com')).toMatchObject({ username: 'user-99' });
		const shared = await admin.createPool('shared');
		for (const name of ['first', 'second']) await admin.addUser(shared, name, 'both@example.com');
		const refusal = await refusalOf(cloud.findUser(anyone, shared, 'both@example.com'));
		expect(refusal).toMatchObject({ kind: 'usage', code: 'SEVERAL_USERS' });
		expect(refusal.why).toMatch(/first.*second|second.*first/);
	});

	it('makes a user without a message, its address verified; one that exists is taken', async () => {
		const { cloud } = opened();
		const own = await admin.createPool('own');
		expect(await cloud.findUser(anyone, own, 'new@example.com')).toBeNull();
		const made = await cloud.createUser(anyone, own, 'new@example.com');
		expect(made.sub).toMatch(/^[0-9a-f-]{36}$/);
		expect(bodiesOf(front, 'AdminCreateUser').at(-1)).toMatchObject({
			MessageAction: 'SUPPRESS',
			UserAttributes: [
				{ Name: 'email', Value: 'new@example.com' },
				{ Name: 'email_verified', Value: 'true' },
			],
		});
		const plain = await cloud.createUser(anyone, own, 'migration-test-golden');
		expect(await cloud.findUser(anyone, own, 'migration-test-golden')).toMatchObject({ sub: plain.sub, username: 'migration-test-golden' });
		expect((await cloud.createUser(anyone, own, 'migration-test-golden')).sub).toBe(plain.sub);
	});

	it('lists pools beyond the first page', async () => {
		const { cloud } = opened();
		const made: string[] = [];
		for (let at = 0; at < 62; at += 1) made.push(await admin.createPool(`pool-${at}`));
		const ids = (await cloud.userPools(anyone)).map(({ id }) => id);
		expect(made.filter((id) => !ids.includes(id))).toEqual([]);
		expect(new Set(ids).size).toBe(ids.length);
	});

	it('tells of a pool that there is not', async () => {
		const { cloud } = opened();
		const refusal = await refusalOf(cloud.findUser(anyone, 'eu-west-1_missing00', 'user-1'));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'NO_SUCH_POOL' });
		expect(refusal.next[0]).toContain('--region eu-west-1');
	});

	it('asks again after throttling', async () => {
		const { cloud } = opened();
		front.fail('GetParameter', throttling, 3);
		expect((await cloud.parameter(anyone, url))?.version).toBe(2);
		expect(bodiesOf(front, 'GetParameter')).toHaveLength(4);
		front.fail('ListUsers', { name: 'TooManyRequestsException', message: 'Too many requests' }, 2);
		expect((await cloud.findUser(anyone, pool, 'user-5'))?.sub).toBe(subs.get('user-5'));
	});

	it('gives up when throttling does not end', async () => {
		const { cloud } = opened();
		front.fail('GetParameter', throttling, 99);
		expect(await refusalOf(cloud.parameter(anyone, url))).toMatchObject({ kind: 'aws', code: 'AWS_THROTTLED' });
		expect(bodiesOf(front, 'GetParameter')).toHaveLength(6);
	});

	it('names action, resource, caller and policy where AWS does not allow a parameter', async () => {
		const { cloud } = opened();
		const arn = `arn:aws:ssm:us-east-1:123456789012:parameter${url}`;
		front.fail('GetParameter', denial('ssm:GetParameter', arn));
		const refusal = await refusalOf(cloud.parameter(anyone, url));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'AWS_ACCESS_DENIED', where: arn });
		expect(refusal.message).toContain('ssm:GetParameter');
		expect(refusal.why).toContain('arn:aws:iam::123456789012:user/ana');
		expect(refusal.next[0]).toContain(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"${arn}"}]}`,
		);
	});

	it('finds out resource and caller itself where AWS is curt', async () => {
		const { cloud } = opened();
		front.fail('ListUsers', { name: 'AccessDeniedException', message: 'Access denied' });
		const refusal = await refusalOf(cloud.findUser(anyone, pool, 'user-1'));
		const arn = `arn:aws:cognito-idp:us-east-1:123456789012:userpool/${pool}`;
		expect(refusal.where).toBe(arn);
		expect(refusal.why).toMatch(/^arn:aws:(iam|sts)::123456789012:\S+: Access denied$/);
		expect(refusal.next[0]).toContain(`"Action":"cognito-idp:ListUsers","Resource":"${arn}"`);
	});

	it('tells that credentials have expired', async () => {
		const { cloud } = opened();
		front.fail('GetCallerIdentity', { name: 'ExpiredToken', message: 'The security token included in the request is expired' });
		const refusal = await refusalOf(cloud.identify(anyone));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'EXPIRED_CREDENTIALS' });
		expect(refusal.next.join()).toContain('AWS_SESSION_TOKEN');
	});

	it('tells that the SSO session has expired: profile, start URL, when, and the command', async () => {
		const yesterday = new Date(Date.now() - 86_400_000).toISOString();
		await home.write(
			'.aws/config',
			`[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Migrate\nregion = us-east-1\n\n[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n`,
		);
		await home.writeToken('corp', { accessToken: planted.sso, expiresAt: yesterday, startUrl: 'https://corp.awsapps.com/start' });
		const { cloud } = openCloud(front.url, home.folder);
		const refusal = await refusalOf(cloud.identify({ profile: 'dev', region: null }));
		expect(refusal).toMatchObject({
			kind: 'aws',
			code: 'SSO_EXPIRED',
			where: 'start URL https://corp.awsapps.com/start',
			why: `it expired at ${yesterday}`,
		});
		expect(refusal.next[0]).toBe('aws sso login --profile dev');
		expect(front.requests).toEqual([]);
	});

	it('assumes a role, and again when its session ends', async () => {
		await home.write(
			'.aws/credentials',
			`[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = ${planted.key}\n\n[role]\nrole_arn = arn:aws:iam::123456789012:role/Migrate\nsource_profile = base\nregion = eu-west-1\n`,
		);
		let ahead = 0;
		const { cloud, told } = openCloud(front.url, home.folder, {}, { now: () => Date.now() + ahead });
		const access = { profile: 'role', region: null };
		const identity = await cloud.identify(access);
		expect(identity).toMatchObject({ profile: 'role', kind: 'assume-role', from: 'profile role (role)', region: 'eu-west-1' });
		expect(Date.parse(identity.expiresAt ?? '') - Date.now()).toBeGreaterThan(3_000_000);
		expect(identity.sessionEndsAt).toBeNull();
		expect(told).toHaveLength(3);
		const assumed = () => front.requests.filter(({ action }) => action === 'AssumeRole').length;
		await cloud.parameter(access, '/x');
		expect(assumed()).toBe(1);
		// Within five minutes of the end.
		ahead = 3_400_000;
		await cloud.parameter(access, '/x');
		expect(assumed()).toBe(2);
	});

	it('tells that nothing answers, and which variable names the place', async () => {
		const gone = await startFront(() => ({ status: 200, body: '' }));
		await gone.close();
		const { cloud } = openCloud(front.url, home.folder, { ...keysOf(), AWS_ENDPOINT_URL_SSM: gone.url });
		await cloud.identify(anyone);
		const refusal = await refusalOf(cloud.parameter(anyone, '/x'));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'AWS_UNREACHABLE', where: `${gone.url} (from AWS_ENDPOINT_URL_SSM)` });
	});

	it('stops when it is told to', async () => {
		const abort = new AbortController();
		const silent = await startFront(() => {
			abort.abort();
			return new Promise(() => undefined);
		});
		const { cloud } = openCloud(silent.url, home.folder, keysOf());
		expect(await refusalOf(cloud.identify(anyone, { signal: abort.signal }))).toMatchObject({ kind: 'interrupted' });
		expect(await refusalOf(cloud.identify(anyone, { signal: abort.signal }))).toMatchObject({ kind: 'interrupted' });
		expect(silent.requests).toHaveLength(1);
		await silent.close();
	});

	it('signs a database token for the region of the host', async () => {
		const { cloud, told } = opened();
		const token = await cloud.databaseToken(anyone, { host: 'db.abc.eu-west-1.rds.amazonaws.com', port: 5432, user: 'app' });
		expect(token.reveal()).toMatch(/^db\.abc\.eu-west-1\.rds\.amazonaws\.com:5432\/\?.*Action=connect.*DBUser=app/);
		expect(decodeURIComponent(token.reveal())).toContain('/eu-west-1/rds-db/aws4_request');
		expect(told.map((secret) => secret.reveal())).toContain(token.reveal());
		expect(front.requests).toEqual([]);
	});
}
