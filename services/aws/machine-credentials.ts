import { clientSettings, quietenNotice } from './client-settings.js';
import type { Credentials, Load, Loading } from './credentials.js';
import { awsProblem } from './problem.js';
import { noCredentials } from './problems.js';

/** Milliseconds; such addresses answer at once or not at all. */
const timeout = 1000;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Given extends Credentials {
	readonly sessionToken?: string;
}

/** Without the SDK's notes of where they came from. */
const plain = ({ accessKeyId, secretAccessKey, sessionToken, expiration }: Given): Credentials => ({
	accessKeyId,
	secretAccessKey,
	...(sessionToken === undefined ? {} : { sessionToken }),
	...(expiration === undefined ? {} : { expiration }),
});

/** The role of a container: ECS, EKS Pod Identity ("Container credential provider"). */
export const loadFromContainer: Load = async ({ setup: { env } }) => {
	const { fromHttp } = await import('./sdk/credentials.js');
	const settings = {
		awsContainerCredentialsRelativeUri: env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
		awsContainerCredentialsFullUri: env.AWS_CONTAINER_CREDENTIALS_FULL_URI,
		awsContainerAuthorizationToken: env.AWS_CONTAINER_AUTHORIZATION_TOKEN,
		awsContainerAuthorizationTokenFile: env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
	};
	const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value));
	try {
		return plain(await fromHttp({ ...given, timeout, maxRetries: 2, logger: quiet })());
	} catch {
		throw awsProblem({
			code: 'CONTAINER_CREDENTIALS_FAILED',
			message: "The container's role gives no credentials",
			where: 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI',
			next: ['Check that the task or pod has a role', 'Or unset the variables and name a profile: --aws-profile NAME'],
		});
	}
};

/** The role of an EC2 instance ("IMDS credential provider"); it comes last, so its absence means that there is nothing. */
export const loadFromInstance: Load = async ({ files }) => {
	const { fromInstanceMetadata } = await import('./sdk/credentials.js');
	try {
		return plain(await fromInstanceMetadata({ timeout, maxRetries: 1, logger: quiet })());
	} catch {
		throw noCredentials(
			files,
			'no profile, no keys in the environment, and this machine has no role (AWS_EC2_METADATA_DISABLED=true saves asking)',
		);
	}
};

/** The session of `aws login` ("Login credential provider"); the SDK renews it while it may. */
export async function loadFromLogin(loading: Loading, profile: string): Promise<Credentials> {
	const { setup, files } = loading;
	quietenNotice();
	const { fromLoginCredentials } = await import('./sdk/credentials.js');
	try {
		const settings = clientSettings(setup, files, 'SIGNIN', loading.region, profile);
		const provider = fromLoginCredentials({
			profile,
			filepath: files.credentialsFile,
			configFilepath: files.configFile,
			ignoreCache: true,
			clientConfig: settings,
		});
		return plain(await provider());
	} catch (error) {
		throw awsProblem({
			code: 'LOGIN_EXPIRED',
			message: `Nobody is logged in for profile "${profile}", or the login has expired`,
			where: `login_session in ${files.configFile}`,
			why: setup.secrecy.words(error instanceof Error ? error.message : 'no reason is given'),
			next: [`aws login --profile ${profile}`, 'Or name another profile with --aws-profile'],
		});
	}
}
