import type { ConflictPolicy, IdCollisionPolicy, IndexChoice, MissingVectorPolicy } from '../core/plan/types.js';
import type { Secret } from '../core/secret.js';
import type { SslMode } from '../core/ssl-mode.js';

export const verbs = ['wizard', 'demo', 'init', 'plan', 'migrate', 'verify', 'rollback', 'runs', 'inspect', 'config', 'doctor'] as const;
export type Verb = (typeof verbs)[number];

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export type BadValuePolicy = 'quarantine' | 'fail' | 'null';

/** Every setting that a flag, an environment variable or a config key can give. */
export interface OptionValues {
	readonly env: string | null;
	readonly dataset: string | null;
	readonly userId: string | null;
	readonly sqliteDb: string | null;
	readonly chromaPath: string | null;
	/** May hold user and password. */
	readonly chromaUrl: Secret | null;
	readonly chromaToken: Secret | null;
	readonly chromaTenant: string | null;
	readonly chromaDatabase: string | null;
	/** Names; empty: the only one. */
	readonly collection: readonly string[];
	readonly postgresUrl: Secret | null;
	readonly awsProfile: string | null;
	readonly region: string | null;
	/** Of Parameter Store: the database URL, or, with a slash at the end, the folder of its parts. */
	readonly urlParameter: string | null;
	/** File that `cdk deploy` or CloudFormation wrote. */
	readonly cdkOutputs: string | null;
	readonly userPoolId: string | null;
	/** Name of the Cognito user whose id the rows are given. */
	readonly testUser: string | null;
	readonly createUser: boolean;
	readonly skipCognito: boolean;
	readonly mfaCode: Secret | null;
	/** Tokens of RDS instead of a password. */
	readonly iamAuth: boolean;
	/** Null: as the URL or PGSSLMODE says. */
	readonly sslMode: SslMode | null;
	/** File with certificates of authorities (PEM). */
	readonly sslRootCert: string | null;
	/** `NAME` or `SOURCE=TARGET`; empty: the usual name. */
	readonly pgvectorCollection: readonly string[];
	readonly batchSize: number | null;
	readonly skipSchemaCreation: boolean;
	readonly index: IndexChoice | null;
	/** Bytes. */
	readonly indexMemory: number | null;
	readonly indexWorkers: number | null;
	readonly onConflict: ConflictPolicy;
	readonly onInvalidJson: BadValuePolicy;
	readonly onBadTimestamp: BadValuePolicy;
	readonly onNul: 'quarantine' | 'fail' | 'strip';
	readonly onIdCollision: IdCollisionPolicy;
	readonly onMissingVector: MissingVectorPolicy;
	readonly maxQuarantined: number | null;
	readonly similarityThreshold: number;
	readonly validationSample: number;
	readonly reportOutput: string | null;
	readonly maxRetries: number;
	/** Milliseconds. */
	readonly retryDelay: number;
	readonly noValidate: boolean;
	readonly restart: boolean;
	readonly plan: string | null;
	readonly out: string | null;
	readonly dryRun: boolean;
	readonly yes: boolean;
	readonly confirm: string | null;
	readonly reason: string | null;
	readonly json: boolean;
	readonly config: string | null;
	/** Null: the platform's state directory. */
	readonly stateDir: string | null;
	readonly logLevel: LogLevel;
	/** Null: repot.log in the state directory. */
	readonly logFile: string | null;
	readonly noInput: boolean;
	readonly plain: boolean;
	readonly ascii: boolean;
	readonly screenReader: boolean;
	readonly noColor: boolean;
}

export type OptionKey = keyof OptionValues;
