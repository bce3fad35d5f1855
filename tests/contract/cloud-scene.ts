import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AdminCreateUserCommand, CognitoIdentityProviderClient, CreateUserPoolCommand } from '@aws-sdk/client-cognito-identity-provider';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { createCloud } from '../../services/aws/cloud.js';
import { RepotError } from '../../source/core/errors.js';
import type { Cloud } from '../../source/core/ports/cloud.js';
import type { Secret } from '../../source/core/secret.js';
import type { AwsFront } from '../fakes/aws-front.js';

/** Secrets that nothing may repeat. */
export const planted = {
	key: 'planted-secret-access-key',
	token: 'planted-session-token',
	password: 'planted-database-password',
	sso: 'planted-sso-access-token',
	refresh: 'planted-sso-refresh-token',
} as const;

export const anyone = { profile: null, region: null } as const;

export interface Home {
	readonly folder: string;
	/** Writes a file below it, folders included. */
	write(path: string, content: string): Promise<void>;
	/** Writes what `aws sso login` keeps. */
	writeToken(session: string, token: Readonly<Record<string, unknown>>): Promise<void>;
	remove(): Promise<void>;
}

export async function makeHome(): Promise<Home> {
	const folder = await mkdtemp(join(tmpdir(), 'repot-home-'));
	const write = async (path: string, content: string): Promise<void> => {
		const file = join(folder, path);
		await mkdir(dirname(file), { recursive: true });
		await writeFile(file, content);
	};
	return {
		folder,
		write,
		writeToken: (session, token) => write(`.aws/sso/cache/${createHash('sha1').update(session).digest('hex')}.json`, JSON.stringify(token)),
		remove: () => rm(folder, { recursive: true, force: true }),
	};
}

export interface OpenedCloud {
	readonly cloud: Cloud;
	/** Everything that `onSecret` was told. */
	readonly told: Secret[];
}

/** A cloud that knows nothing of this computer: no files, no environment, no instance metadata. */
export function openCloud(
	endpoint: string | null,
	home: string,
	env: Readonly<Record<string, string | undefined>> = {},
	clock: { now(): number } = { now: () => Date.now() },
): OpenedCloud {
	const told: Secret[] = [];
	const cloud = createCloud({
		env: {
			HOME: home,
			AWS_EC2_METADATA_DISABLED: 'true',
			...(endpoint === null ? {} : { AWS_ENDPOINT_URL: endpoint }),
			...env,
		},
		clock,
		onSecret: (secret) => told.push(secret),
		retryDelayMilliseconds: 4,
	});
	return { cloud, told };
}

export const keysOf = (accessKeyId = 'AKIAEXAMPLE') => ({
	AWS_ACCESS_KEY_ID: accessKeyId,
	AWS_SECRET_ACCESS_KEY: planted.key,
	AWS_SESSION_TOKEN: planted.token,
	AWS_REGION: 'us-east-1',
});

/** The RepotError that the work ends with; no form of it repeats a planted secret. */
export async function refusalOf(work: Promise<unknown>): Promise<RepotError> {
	const thrown = await work.then(
		(value) => new Error(`it did not fail but gave ${JSON.stringify(value)}`),
		(error: unknown) => error,
	);
	if (!(thrown instanceof RepotError)) throw thrown;
	const shown = `${JSON.stringify(thrown)}\n${thrown.message}\n${thrown.stack}\n${String(thrown.cause)}`;
	for (const secret of Object.values(planted)) if (shown.includes(secret)) throw new Error(`the error repeats the secret ${secret}`);
	return thrown;
}

/** Puts things into a server, past its faults: what an administrator has done before. */
export function administrator(front: AwsFront) {
	// The SDK's notice about old Nodes says nothing about the tests.
	process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
	const settings = { endpoint: front.url, region: 'us-east-1', credentials: { accessKeyId: 'ADMIN', secretAccessKey: 'admin-key' } };
	const ssm = new SSMClient(settings);
	const cognito = new CognitoIdentityProviderClient(settings);
	return {
		async putParameter(name: string, value: string, type: 'String' | 'SecureString' = 'SecureString'): Promise<void> {
			await ssm.send(new PutParameterCommand({ Name: name, Value: value, Type: type, Overwrite: true }));
		},
		async createPool(name: string): Promise<string> {
			const { UserPool } = await cognito.send(new CreateUserPoolCommand({ PoolName: name }));
			return UserPool?.Id ?? '';
		},
		async addUser(pool: string, username: string, email?: string): Promise<string> {
			const attributes = email === undefined ? [] : [{ Name: 'email', Value: email }];
			const { User } = await cognito.send(
				new AdminCreateUserCommand({ UserPoolId: pool, Username: username, MessageAction: 'SUPPRESS', UserAttributes: attributes }),
			);
			return (User?.Attributes ?? []).find(({ Name }) => Name === 'sub')?.Value ?? '';
		},
	};
}

/** Bodies of the JSON requests of one action. */
export const bodiesOf = (front: AwsFront, action: string): readonly Readonly<Record<string, unknown>>[] =>
	front.requests.filter((request) => request.action === action).map(({ body }) => JSON.parse(body) as Readonly<Record<string, unknown>>);
