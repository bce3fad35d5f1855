import { clientSettings, quietenNotice } from './client-settings.js';
import type { Credentials, Loading } from './credentials.js';
import { awsProblem, usageProblem } from './problem.js';
import { shapeOf, toRepotError } from './problems.js';
import { kindOf } from './profiles.js';
import { hiding } from './secrecy.js';
import type { Section } from './shared-files.js';

interface Granted {
	readonly AccessKeyId?: string | undefined;
	readonly SecretAccessKey?: string | undefined;
	readonly SessionToken?: string | undefined;
	readonly Expiration?: Date | undefined;
}

function credentialsOf(granted: Granted | undefined, role: string): Credentials {
	if (!granted?.AccessKeyId || !granted.SecretAccessKey)
		throw awsProblem({ code: 'AWS_ANSWER_UNEXPECTED', message: 'AWS gave a role without credentials', where: role });
	return {
		accessKeyId: granted.AccessKeyId,
		secretAccessKey: granted.SecretAccessKey,
		...(granted.SessionToken === undefined ? {} : { sessionToken: granted.SessionToken }),
		...(granted.Expiration === undefined ? {} : { expiration: granted.Expiration }),
	};
}

/** The name stands in CloudTrail: letters, digits and `=,.@-`. */
const sessionName = (section: Section, now: number): string => section.role_session_name || `repot-${now}`;

/** A code for the device, or the ways on. */
function codeFor(loading: Loading, profile: string, device: string): string {
	const code = loading.mfa.take();
	if (code !== null) return code.reveal().trim();
	throw usageProblem({
		code: 'MFA_NEEDED',
		message: `Profile "${profile}" asks for a code of an MFA device`,
		where: device,
		why: 'the role is given only with a code, and a code is good for one use',
		next: [
			'Give the code that the device shows now: --mfa-code CODE, or REPOT_MFA_CODE; the wizard asks for it',
			'Or name a profile that needs none with --aws-profile, such as one of SSO',
		],
	});
}

/** Assumes the profile's role with the credentials that it stands on (AssumeRole of the AWS STS API reference). */
export async function assumeRole(
	loading: Loading,
	profile: string,
	section: Section,
	source: () => Promise<Credentials>,
): Promise<Credentials> {
	const { setup, files } = loading;
	const role = section.role_arn ?? '';
	const region = section.region ?? loading.region;
	const device = section.mfa_serial;
	const credentials = await source();
	// The source's own secrets count as well.
	setup.secrecy.keep(credentials.secretAccessKey);
	if (credentials.sessionToken !== undefined) setup.secrecy.keep(credentials.sessionToken);
	const code = device === undefined ? null : codeFor(loading, profile, device);
	quietenNotice();
	const { STSClient, AssumeRoleCommand } = await import('./sdk/sts.js');
	const client = new STSClient({ ...clientSettings(setup, files, 'STS', region, profile), credentials });
	try {
		const answer = await client.send(
			new AssumeRoleCommand({
				RoleArn: role,
				RoleSessionName: sessionName(section, setup.clock.now()),
				...(section.external_id === undefined ? {} : { ExternalId: section.external_id }),
				...(/^\d+$/.test(section.duration_seconds ?? '') ? { DurationSeconds: Number(section.duration_seconds) } : {}),
				...(device === undefined || code === null ? {} : { SerialNumber: device, TokenCode: code }),
			}),
			{ abortSignal: loading.signal },
		);
		const granted = credentialsOf(answer.Credentials, role);
		// Without a further code it cannot be assumed again; otherwise it can for as long as what it stands on lasts.
		const sessionEnd = device === undefined ? credentials.sessionEnd : granted.expiration;
		return { ...granted, ...(sessionEnd === undefined ? {} : { sessionEnd }) };
	} catch (error) {
		// AWS repeats a code that is not of its form.
		const secrecy = hiding(setup.secrecy, code ?? '');
		throw roleProblem({ ...loading, setup: { ...setup, secrecy } }, profile, section, error);
	} finally {
		client.destroy();
	}
}

function roleProblem(loading: Loading, profile: string, section: Section, error: unknown): unknown {
	const { setup, files } = loading;
	const shape = shapeOf(error);
	const role = section.role_arn ?? '';
	const why = shape === null ? '' : setup.secrecy.words(shape.message);
	if (section.mfa_serial !== undefined && /MultiFactorAuthentication|tokenCode/i.test(why)) {
		return usageProblem({
			code: 'MFA_REFUSED',
			message: `AWS refused the MFA code for profile "${profile}"`,
			where: section.mfa_serial,
			why,
			next: [
				'Wait for the next code of the device: each is good once',
				'Check that the clock of the device and of this computer are right',
			],
		});
	}
	if (shape?.name === 'AccessDenied' || shape?.name === 'AccessDeniedException') {
		const caller = /(arn:[\w-]+:(?:iam|sts)::\S+?) is not authorized/.exec(why)?.[1];
		return awsProblem({
			code: 'ROLE_REFUSED',
			message: `Profile "${profile}" may not assume its role`,
			where: role,
			why: caller === undefined ? why : `${caller} is not trusted by ${role}, or not allowed sts:AssumeRole on it`,
			next: [
				`Have the caller allowed: {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"${role}"}]}`,
				`Have the trust policy of the role name ${caller ?? 'the caller'} as its principal`,
				...(section.external_id === undefined && section.mfa_serial === undefined
					? ['If the role asks for an external id or for MFA, set external_id or mfa_serial in the profile']
					: []),
			],
		});
	}
	return toRepotError(error, {
		asked: { service: 'STS', action: 'sts:AssumeRole', what: `STS for the role of profile "${profile}"` },
		setup,
		files,
		// What was refused are the credentials that the role stands on.
		profile: section.source_profile ?? profile,
		kind: kindOf(files.profiles.get(section.source_profile ?? '') ?? {}) ?? 'assume-role',
		region: loading.region,
		caller: null,
	});
}

/** Assumes a role with the token of a file, as Kubernetes and CI systems write one (AssumeRoleWithWebIdentity). */
export async function assumeRoleWithToken(
	loading: Loading,
	profile: string | null,
	given: { readonly tokenFile: string; readonly role: string; readonly session: string | undefined },
): Promise<Credentials> {
	const { setup, files } = loading;
	const { readFile } = await import('node:fs/promises');
	const token = await readFile(given.tokenFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
		throw awsProblem({
			code: 'WEB_IDENTITY_FAILED',
			message: 'The token of the web identity cannot be read',
			where: given.tokenFile,
			why: error.code ?? 'unreadable',
			next: ['Check web_identity_token_file of the profile, or AWS_WEB_IDENTITY_TOKEN_FILE'],
		});
	});
	setup.secrecy.keep(token.trim());
	quietenNotice();
	const { STSClient, AssumeRoleWithWebIdentityCommand } = await import('./sdk/sts.js');
	const client = new STSClient(clientSettings(setup, files, 'STS', loading.region, profile));
	try {
		const answer = await client.send(
			new AssumeRoleWithWebIdentityCommand({
				RoleArn: given.role,
				RoleSessionName: given.session ?? `repot-${setup.clock.now()}`,
				WebIdentityToken: token.trim(),
			}),
			{ abortSignal: loading.signal },
		);
		return credentialsOf(answer.Credentials, given.role);
	} catch (error) {
		throw toRepotError(error, {
			asked: {
				service: 'STS',
				action: 'sts:AssumeRoleWithWebIdentity',
				what: 'STS for the role of a web identity',
				resources: () => [given.role],
			},
			setup,
			files,
			profile,
			kind: 'web-identity',
			region: loading.region,
			caller: null,
		});
	} finally {
		client.destroy();
	}
}
