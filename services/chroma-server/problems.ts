import { RepotError } from '../../source/core/errors.js';
import { formatBytes } from '../../source/core/format.js';

interface Problem {
	readonly code: string;
	readonly message: string;
	readonly why?: string;
	readonly next: readonly string[];
	readonly cause?: unknown;
}

/** A fault of the server, or of the way to it, that a person can act on. `where` is its address without anything secret. */
const serverProblem = (where: string, problem: Problem): RepotError => new RepotError({ kind: 'source', where, ...problem });

const tokenAdvice = 'Give the token by REPOT_CHROMA_TOKEN (or --chroma-token)';

export const unreachable = (where: string, why: string, cause: unknown): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_UNREACHABLE',
		message: 'The Chroma server cannot be reached',
		why,
		next: /certificate|self.signed|issuer/i.test(why)
			? [
					'For a certificate of your own authority set NODE_EXTRA_CA_CERTS=FILE',
					'Check that the name in --chroma-url is the one the certificate is for',
				]
			: [
					'Check host and port of --chroma-url, and that the server runs (chroma run --path DIR)',
					'Or read its directory: --chroma-path DIR',
				],
		cause,
	});

/** A connection that had worked before. */
export const connectionLost = (where: string, why: string, attempts: number, cause: unknown): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_LOST',
		message: `The connection to the Chroma server broke and did not come back in ${attempts} attempts`,
		why,
		next: ['Check that the server is running and has memory left', 'Then run the command again: it reads the collection anew'],
		cause,
	});

/** An answer was given up because it grew beyond what the caller wanted. Where fewer things can be asked for at a time the caller does that instead. */
export class AnswerTooLong extends RepotError {
	constructor(where: string, longest: number) {
		super({
			kind: 'source',
			where,
			code: 'CHROMA_ANSWER_TOO_LONG',
			message: `An answer of the Chroma server is longer than ${formatBytes(longest)} and was given up`,
			why: 'no more than that is read into memory at once',
			next: [
				'Check that --chroma-url leads to a Chroma server and not to something else',
				'Its directory can be read without it: --chroma-path DIR',
			],
		});
	}
}

export const notChroma = (where: string, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_NOT_CHROMA',
		message: 'What answers there is not a Chroma server',
		why,
		next: ['Check host, port and path of --chroma-url: Chroma listens on port 8000 unless told otherwise'],
	});

export const tooOld = (where: string, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_TOO_OLD',
		message: 'This Chroma server is older than 1.0, which this program does not read over the network',
		why,
		next: ['Read its directory, which needs no server: --chroma-path DIR', 'Or let a Chroma 1.x serve a copy of that directory'],
	});

export const refused = (where: string, status: number, why: string, hadToken: boolean): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_REFUSED',
		message: hadToken ? 'The Chroma server refuses this token' : 'The Chroma server asks for a token, and none is given',
		why: `${why} (HTTP ${status})`,
		next: hadToken
			? [
					'Check REPOT_CHROMA_TOKEN (or --chroma-token), and that it may read this tenant and database',
					'Name them with --chroma-tenant and --chroma-database',
				]
			: [tokenAdvice],
	});

export const redirected = (where: string, to: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_REDIRECTS',
		message: 'The Chroma server sends its visitors elsewhere',
		why: `it answers with a redirect to ${to}; a token is not sent after it`,
		next: ['Give the address that it leads to with --chroma-url'],
	});

export const unknownTenant = (where: string, tenant: string, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_UNKNOWN_TENANT',
		message: `The Chroma server has no tenant "${tenant}"`,
		why,
		next: ['Name one that exists with --chroma-tenant NAME; without the flag it is default_tenant, or the one of the token'],
	});

export const unknownDatabase = (where: string, tenant: string, database: string, existing: readonly string[]): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_UNKNOWN_DATABASE',
		message: `Tenant "${tenant}" of the Chroma server has no database "${database}"`,
		...(existing.length === 0 ? {} : { why: `it has ${existing.join(', ')}` }),
		next: ['Name one that exists with --chroma-database NAME'],
	});

export const severalDatabases = (where: string, existing: readonly string[]): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SEVERAL_DATABASES',
		message: 'The token opens several databases and none is named',
		why: existing.includes('*') ? 'it is good for every database of its tenant' : `they are ${existing.join(', ')}`,
		next: ['Name one with --chroma-database NAME'],
	});

export const busy = (where: string, status: number, why: string, attempts: number): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_BUSY',
		message: `The Chroma server was too busy to answer in ${attempts} attempts`,
		why: `${why} (HTTP ${status})`,
		next: ['Run the command again when there is less to do', 'Check the limits of the plan or of the proxy in front of it'],
	});

export const failed = (where: string, what: string, status: number, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_FAILED',
		message: `The Chroma server could not ${what}`,
		why: `${why} (HTTP ${status})`,
		next: ['Look into the log of the server', 'Its directory can be read without it: --chroma-path DIR'],
	});

export const ailing = (where: string, status: number, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_FAILED',
		message: 'The server answers, but fails when it is asked for its heartbeat',
		why: `${why} (HTTP ${status}, twice)`,
		next: ['Look into the log of the server', 'Check host, port and path of --chroma-url, if it is not a Chroma server'],
	});

export const unexpected = (where: string, what: string, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_ANSWER_UNEXPECTED',
		message: `The Chroma server answered in a way that this program does not know, when asked to ${what}`,
		why,
		next: ['Check whether a newer version of this program knows this server', 'Its directory can be read without it: --chroma-path DIR'],
	});

export const collectionGone = (where: string, name: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_COLLECTION_GONE',
		message: `Collection "${name}" was deleted while it was being read`,
		next: ['Run the command again to see what the server holds now'],
	});

export const withheld = (where: string, name: string, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_RECORDS_WITHHELD',
		message: `The Chroma server leaves out records of collection "${name}" that it holds`,
		why,
		next: ['Check the limits and quotas of the server, and of a proxy in front of it', "Or read the server's directory: --chroma-path DIR"],
	});

export const restless = (where: string, name: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_COLLECTION_CHANGES',
		message: `Records of collection "${name}" are deleted faster than their ids can be listed`,
		next: ['Stop what deletes records there, then run the command again', "Or read the server's directory: --chroma-path DIR"],
	});

export const noVectors = (where: string, name: string, tried: number, why: string): RepotError =>
	serverProblem(where, {
		code: 'CHROMA_SERVER_NO_VECTORS',
		message: `The Chroma server gives no vector of collection "${name}"`,
		why: `${tried} records were asked for one by one, and each failed: ${why}`,
		next: ['Its index is damaged; what is left of it can be read from the directory: --chroma-path DIR', 'Look into the log of the server'],
	});
