import { randomUUID } from 'node:crypto';
import { type AwsFront, type AwsReply, type AwsRequest, faultReply, startFront } from './aws-front.js';

/** What the SDK's clients send and expect: the API references of STS (2011-06-15), Systems Manager, Cognito user pools and the SSO portal. */
type Fields = Readonly<Record<string, unknown>>;

class Refusal extends Error {
	override readonly name = 'Refusal';
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.code = code;
	}
}

interface StoredParameter {
	readonly Name: string;
	readonly Value: string;
	readonly Type: string;
	readonly Version: number;
	/** Seconds since 1970. */
	readonly LastModifiedDate: number;
}

interface StoredUser {
	readonly Username: string;
	readonly Attributes: readonly { readonly Name: string; readonly Value: string }[];
	readonly Enabled: boolean;
	readonly UserStatus: string;
	readonly UserCreateDate: number;
}

interface Pool {
	readonly id: string;
	readonly name: string;
	readonly users: StoredUser[];
}

const account = '123456789012';
const seconds = (): number => Math.floor(Date.now() / 1000);

/** A page from a list; the token is the next place. */
function page<T>(all: readonly T[], size: number, token: unknown): { readonly items: readonly T[]; readonly next: string | undefined } {
	const from = Number(token ?? 0);
	return { items: all.slice(from, from + size), next: from + size < all.length ? String(from + size) : undefined };
}

function parameterStore() {
	const stored = new Map<string, StoredParameter>();
	const matches = (name: string, filter: Fields): boolean => {
		const [value = ''] = filter.Values as readonly string[];
		return filter.Option === 'BeginsWith' ? name.startsWith(value) : filter.Option === 'Contains' ? name.includes(value) : name === value;
	};
	return {
		PutParameter({ Name, Value, Type }: Fields) {
			const name = String(Name);
			const version = (stored.get(name)?.Version ?? 0) + 1;
			stored.set(name, { Name: name, Value: String(Value), Type: String(Type), Version: version, LastModifiedDate: seconds() });
			return { Version: version };
		},
		GetParameter({ Name, WithDecryption }: Fields) {
			const found = stored.get(String(Name));
			if (found === undefined) throw new Refusal('ParameterNotFound', `Parameter ${String(Name)} not found.`);
			return { Parameter: WithDecryption === true || found.Type !== 'SecureString' ? found : { ...found, Value: 'kms:alias/aws/ssm' } };
		},
		GetParameters({ Names }: Fields) {
			const names = Names as readonly string[];
			if (names.length > 10) throw new Refusal('ValidationException', "Member must have length less than or equal to 10 at 'names'");
			return {
				Parameters: names.flatMap((name) => stored.get(name) ?? []),
				InvalidParameters: names.filter((name) => !stored.has(name)),
			};
		},
		DescribeParameters({ ParameterFilters, MaxResults, NextToken }: Fields) {
			const filters = (ParameterFilters ?? []) as readonly Fields[];
			const all = [...stored.values()].filter(({ Name }) => filters.every((filter) => matches(Name, filter)));
			const { items, next } = page(all, Number(MaxResults ?? 50), NextToken);
			return { Parameters: items.map(({ Value: _, ...rest }) => rest), NextToken: next };
		},
	};
}

function userPools() {
	const pools: Pool[] = [];
	const poolOf = (id: unknown): Pool => {
		const found = pools.find((pool) => pool.id === id);
		if (found === undefined) throw new Refusal('ResourceNotFoundException', `User pool ${String(id)} does not exist.`);
		return found;
	};
	const filtered = (users: readonly StoredUser[], filter: unknown): readonly StoredUser[] => {
		if (filter === undefined) return users;
		const [, key, quoted] = /^(\w+) = "((?:[^"\\]|\\.)*)"$/.exec(String(filter)) ?? [];
		if (quoted === undefined) throw new Refusal('InvalidParameterException', 'Error while parsing filter.');
		const value = quoted.replace(/\\(.)/g, '$1');
		return users.filter((user) =>
			key === 'username' ? user.Username === value : user.Attributes.some((one) => one.Name === key && one.Value === value),
		);
	};
	return {
		CreateUserPool({ PoolName }: Fields) {
			const id = `us-east-1_${randomUUID().replaceAll('-', '').slice(0, 9)}`;
			pools.push({ id, name: String(PoolName), users: [] });
			return { UserPool: { Id: id, Name: PoolName } };
		},
		ListUserPools({ MaxResults, NextToken }: Fields) {
			const { items, next } = page(pools, Number(MaxResults), NextToken);
			return { UserPools: items.map(({ id, name }) => ({ Id: id, Name: name })), NextToken: next };
		},
		ListUsers({ UserPoolId, Filter, Limit, PaginationToken }: Fields) {
			const { items, next } = page(filtered(poolOf(UserPoolId).users, Filter), Number(Limit ?? 60), PaginationToken);
			return { Users: items, PaginationToken: next };
		},
		AdminCreateUser({ UserPoolId, Username, UserAttributes }: Fields) {
			const { users } = poolOf(UserPoolId);
			if (users.some((user) => user.Username === Username)) throw new Refusal('UsernameExistsException', 'User account already exists');
			const given = (UserAttributes ?? []) as StoredUser['Attributes'];
			const user = {
				Username: String(Username),
				Attributes: [...given, { Name: 'sub', Value: randomUUID() }],
				Enabled: true,
				UserStatus: 'FORCE_CHANGE_PASSWORD',
				UserCreateDate: seconds(),
			};
			users.push(user);
			return { User: user };
		},
	};
}

const xml = (action: string, content: string): AwsReply => ({
	status: 200,
	headers: { 'content-type': 'text/xml' },
	body: `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${content}</${action}Result></${action}Response>`,
});

function sts(request: AwsRequest): AwsReply {
	const given = new URLSearchParams(request.body);
	if (request.action === 'GetCallerIdentity')
		return xml(request.action, `<Arn>arn:aws:iam::${account}:user/ana</Arn><UserId>AIDA</UserId><Account>${account}</Account>`);
	const role = given.get('RoleArn') ?? '';
	const ends = new Date(Date.now() + Number(given.get('DurationSeconds') ?? 3600) * 1000).toISOString();
	const key = `<AccessKeyId>ASIAFAKE</AccessKeyId><SecretAccessKey>assumed-secret-key</SecretAccessKey><SessionToken>assumed-session-token</SessionToken>`;
	return xml(
		request.action,
		`<Credentials>${key}<Expiration>${ends}</Expiration></Credentials><AssumedRoleUser><Arn>${role}</Arn><AssumedRoleId>A:r</AssumedRoleId></AssumedRoleUser>`,
	);
}

/** The SSO portal's GetRoleCredentials; the end is in milliseconds. */
const roleCredentials = (): AwsReply => ({
	status: 200,
	headers: { 'content-type': 'application/json' },
	body: JSON.stringify({
		roleCredentials: {
			accessKeyId: 'ASIASSO',
			secretAccessKey: 'sso-secret-key',
			sessionToken: 'sso-session-token',
			expiration: Date.now() + 3_600_000,
		},
	}),
});

/** A session renewed (CreateToken of the IAM Identity Center OIDC API reference). */
const renewedToken = (): AwsReply => ({
	status: 200,
	headers: { 'content-type': 'application/json' },
	body: JSON.stringify({ accessToken: 'renewed-sso-token', refreshToken: 'renewed-refresh-token', expiresIn: 3600, tokenType: 'Bearer' }),
});

/** A small AWS in this process: STS, Parameter Store, Cognito user pools and the SSO portal, as far as the program asks them. */
export function startFakeAws(): Promise<AwsFront> {
	const actions: Readonly<Record<string, (fields: Fields) => unknown>> = { ...parameterStore(), ...userPools() };
	return startFront((request) => {
		if (request.protocol === 'rest') return request.action === 'CreateToken' ? renewedToken() : roleCredentials();
		if (request.protocol === 'query') return sts(request);
		const action = actions[request.action];
		if (action === undefined) return faultReply(request, { name: 'UnknownOperationException', message: request.action });
		try {
			const body = JSON.stringify(action(JSON.parse(request.body) as Fields));
			return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body };
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			return faultReply(request, { name: error.code, message: error.message });
		}
	});
}
