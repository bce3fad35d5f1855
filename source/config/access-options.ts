import { type SslMode, sslModes } from '../core/ssl-mode.js';
import { secretOrNone } from './chroma-values.js';
import { define, type OptionSpec, reaching, reading, toggle } from './option-spec.js';
import type { OptionKey, OptionValues } from './option-values.js';
import { choice, text, textOrNone } from './values.js';

type AccessKey = Extract<
	OptionKey,
	| 'awsProfile'
	| 'region'
	| 'urlParameter'
	| 'cdkOutputs'
	| 'userPoolId'
	| 'testUser'
	| 'createUser'
	| 'skipCognito'
	| 'mfaCode'
	| 'iamAuth'
	| 'sslMode'
	| 'sslRootCert'
>;

/** How the target and the user id are come by where they are not given outright, and how the server is connected to. */
export const accessOptions: { readonly [K in AccessKey]: OptionSpec<OptionValues[K]> } = {
	awsProfile: define<string | null>({
		argument: 'NAME',
		help: 'profile of the shared AWS config',
		initial: null,
		parse: textOrNone,
		verbs: reaching,
	}),
	region: define<string | null>({ argument: 'NAME', help: 'AWS region', initial: null, parse: textOrNone, verbs: reaching }),
	urlParameter: define<string | null>({
		argument: 'NAME',
		help: 'parameter with the database URL; ending with / the folder of its parts',
		initial: null,
		parse: textOrNone,
		verbs: reaching,
	}),
	cdkOutputs: define<string | null>({
		argument: 'FILE',
		help: 'outputs of the CDK or CloudFormation that name the user pool',
		initial: null,
		parse: textOrNone,
		verbs: reading,
		path: true,
	}),
	userPoolId: define<string | null>({
		argument: 'ID',
		help: 'Cognito pool that holds the user',
		initial: null,
		parse: textOrNone,
		verbs: reading,
	}),
	testUser: define<string | null>({
		argument: 'NAME',
		help: 'Cognito user whose id every row is given',
		initial: null,
		parse: text,
		verbs: reading,
	}),
	createUser: toggle('create the Cognito user when it is missing', ['migrate'], { perRun: true }),
	skipCognito: toggle('never ask Cognito; --user-id gives the user', reading),
	mfaCode: define<OptionValues['mfaCode']>({
		argument: 'CODE',
		help: 'code of the MFA device that the profile asks for',
		initial: null,
		parse: secretOrNone,
		verbs: reaching,
		perRun: true,
	}),
	iamAuth: toggle('log in with RDS tokens (IAM) instead of a password', reaching),
	sslMode: define<SslMode | null>({
		argument: 'MODE',
		help: 'TLS as libpq names it: disable, prefer, require, verify-ca, verify-full',
		initial: null,
		parse: choice(sslModes),
		verbs: reaching,
	}),
	sslRootCert: define<string | null>({
		argument: 'FILE',
		help: 'certificates of the authorities to trust, as the RDS bundle',
		initial: null,
		parse: textOrNone,
		verbs: reaching,
		path: true,
	}),
};
