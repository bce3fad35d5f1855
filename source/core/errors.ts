/** Stable process exit codes; documented in docs/exit-codes.md. */
export const exitCodes = {
	done: 0,
	internal: 1,
	usage: 2,
	blocked: 3,
	quarantined: 4,
	verificationFailed: 5,
	stalePlan: 6,
	locked: 7,
	unreachable: 8,
	interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Which side has to act; decides the exit code and the first word of the message. */
export type ErrorKind =
	| 'usage'
	| 'blocked'
	| 'stale-plan'
	| 'locked'
	| 'source'
	| 'target'
	| 'aws'
	| 'interrupted'
	| 'verification'
	| 'internal';

const exitCodeOf: Record<ErrorKind, ExitCode> = {
	usage: exitCodes.usage,
	blocked: exitCodes.blocked,
	'stale-plan': exitCodes.stalePlan,
	locked: exitCodes.locked,
	source: exitCodes.unreachable,
	target: exitCodes.unreachable,
	aws: exitCodes.unreachable,
	interrupted: exitCodes.interrupted,
	verification: exitCodes.verificationFailed,
	internal: exitCodes.internal,
};

export interface ErrorDetails {
	readonly kind: ErrorKind;
	/** Stable upper-snake code for scripts, e.g. `TARGET_UNREACHABLE`. */
	readonly code: string;
	/** What failed, one sentence without a trailing period. */
	readonly message: string;
	/** File, table, column, key or masked URL at which it failed. */
	readonly where?: string;
	/** The cause in the words of whoever refused. */
	readonly why?: string;
	/** What the person can do next: commands or sentences, most likely first. */
	readonly next?: readonly string[];
	readonly cause?: unknown;
}

/** An error a person can act on. Anything else that is thrown is a defect of this program. */
export class RepotError extends Error {
	override readonly name = 'RepotError';
	readonly kind: ErrorKind;
	readonly code: string;
	readonly where: string | undefined;
	readonly why: string | undefined;
	readonly next: readonly string[];

	constructor(details: ErrorDetails) {
		super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
		this.kind = details.kind;
		this.code = details.code;
		this.where = details.where;
		this.why = details.why;
		this.next = details.next ?? [];
	}

	get exitCode(): ExitCode {
		return exitCodeOf[this.kind];
	}

	/** The plain-JSON form that events, reports and worker messages carry. */
	toJSON(): ErrorFact {
		return {
			kind: this.kind,
			code: this.code,
			message: this.message,
			...(this.where === undefined ? {} : { where: this.where }),
			...(this.why === undefined ? {} : { why: this.why }),
			...(this.next.length === 0 ? {} : { next: this.next }),
		};
	}
}

export type ErrorFact = Omit<ErrorDetails, 'cause'>;

/** Wraps whatever was thrown: a RepotError stays itself, anything else becomes an internal error. */
export function asRepotError(thrown: unknown): RepotError {
	if (thrown instanceof RepotError) return thrown;
	return new RepotError({
		kind: 'internal',
		code: 'INTERNAL',
		message: thrown instanceof Error ? thrown.message : String(thrown),
		next: ['Run the command again with --log-level debug and report what it prints'],
		cause: thrown,
	});
}
