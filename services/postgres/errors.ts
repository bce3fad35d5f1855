import { RepotError } from '../../source/core/errors.js';
import { ConnectionError, ServerError } from './driver.js';
import { ledgerTables } from './ledger.js';
import { loginWords, type Place, type Words } from './login-words.js';

const createExtension = 'CREATE EXTENSION vector;';

/** `permission denied for schema public` -> the object and the statement that mends it. */
function privilegeWords(error: ServerError, place: Place): Words {
	const match = /permission denied for (\w+(?: \w+)?) (\S+)/.exec(error.message);
	const role = place.user === undefined ? 'THE_USER' : `"${place.user}"`;
	const what = match?.[1] ?? '';
	const name = match?.[2] ?? '';
	// The server names the table without its schema.
	const ledger = `GRANT USAGE, CREATE ON SCHEMA repot TO ${role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA repot TO ${role};`;
	const isLedger = (what === 'schema' && name === 'repot') || (what === 'table' && ledgerTables.has(name));
	const grants: Record<string, string> = {
		schema: `GRANT USAGE, CREATE ON SCHEMA "${name}" TO ${role};`,
		database: `GRANT CREATE ON DATABASE "${name}" TO ${role};`,
		table: `GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "${name}" TO ${role};`,
		sequence: `GRANT USAGE ON SEQUENCE "${name}" TO ${role};`,
		function: `GRANT EXECUTE ON FUNCTION ${name} TO ${role};`,
	};
	const owner = /must be owner of (\w+) (\S+)/.exec(error.message);
	const next =
		owner === null
			? [
					`Have the owner or an administrator run: ${(isLedger ? ledger : grants[what]) ?? `GRANT ... ON ${what || 'the object'} ${name} TO ${role};`}`,
				]
			: [`Have an administrator run: ALTER ${owner[1]?.toUpperCase()} "${owner[2]}" OWNER TO ${role};`];
	return { code: 'NO_PRIVILEGE', message: 'The database user lacks a privilege', why: error.message, next };
}

function serverWords(error: ServerError, place: Place): Words {
	const why = error.detail === undefined ? error.message : `${error.message}: ${error.detail}`;
	const database = place.database ?? 'the database';
	switch (error.code) {
		case '28P01':
		case '28000':
			return loginWords(error, place, why);
		case '3D000':
			return {
				code: 'NO_DATABASE',
				message: 'The database does not exist',
				why,
				next: [`Create it: CREATE DATABASE "${database}";`, 'Check the name after the last / of the URL'],
			};
		case '53300':
			return {
				code: 'TOO_MANY_CONNECTIONS',
				message: 'The server has no free connection',
				why,
				next: [
					'Try again later, or close other connections',
					...(/for (?:role|database) "/.test(error.message)
						? [
								`Or have an administrator run: ALTER ${/for role/.test(error.message) ? 'ROLE' : 'DATABASE'} ${/"(.+)"/.exec(error.message)?.[0]} CONNECTION LIMIT -1;`,
							]
						: []),
				],
			};
		case '53100':
			return {
				code: 'DISK_FULL',
				message: "The server's disk is full",
				why,
				next: ['Free space on the server and run the command again: it resumes', 'Batches that were committed are kept'],
			};
		case '53200':
			return { code: 'OUT_OF_MEMORY', message: 'The server is out of memory', why, next: ['Use a smaller --batch-size or --index-memory'] };
		case '42501':
			return /create extension|extension "/i.test(error.message)
				? {
						code: 'NO_PRIVILEGE',
						message: 'The database user may not create the extension',
						why,
						next: [`Have an administrator run in this database: ${createExtension}`],
					}
				: privilegeWords(error, place);
		case '57014':
			return { kind: 'interrupted', code: 'INTERRUPTED', message: 'The statement was cancelled', why };
		case '25P03':
		case '25P04':
		case '57P01':
		case '57P02':
		case '57P05':
			return { code: 'CONNECTION_LOST', message: 'The server ended the connection', why, next: ['Run the same command again: it resumes'] };
		case '57P03':
			return {
				code: 'SERVER_STARTING',
				message: 'The server does not accept connections at the moment',
				why,
				next: ['Wait until it has started and run the command again'],
			};
		case '57P04':
			return { code: 'NO_DATABASE', message: 'The database was dropped', why };
		case '40001':
		case '40P01':
			return {
				code: 'SERIALIZATION',
				message: 'The transaction collided with another one',
				why,
				next: ['Run the same command again: it resumes'],
			};
		case '25006':
			return {
				code: 'READ_ONLY',
				message: 'The server takes no changes',
				why,
				next: [
					'If it is a standby: give the URL of the primary',
					'If transactions are read-only by default: `repot doctor` tells the statement that mends it',
				],
			};
		default:
			if (
				/extension "vector" is not available|could not open extension control file/i.test(error.message) ||
				(error.code === '58P01' && /extension/i.test(error.message))
			) {
				return {
					code: 'NO_PGVECTOR',
					message: 'pgvector is not installed on the server',
					why,
					next: [
						'Install the package of pgvector on the server (Debian: postgresql-NN-pgvector), or enable it with your provider',
						`Then run in this database: ${createExtension}`,
					],
				};
			}
			if (/unsupported startup parameter/i.test(error.message)) {
				return {
					code: 'POOLER_REFUSED',
					message: 'The pooler before the server does not take a setting of the URL',
					why,
					next: ['Connect to the server itself, past the pooler', 'Or take options=... out of the URL'],
				};
			}
			if (error.code.startsWith('08'))
				return {
					code: 'CONNECTION_LOST',
					message: 'The connection to the server was lost',
					why,
					next: ['Run the same command again: it resumes'],
				};
			return { code: `SERVER_${error.code}`, message: 'The server refused a statement', why: [why, error.hint].filter(Boolean).join('. ') };
	}
}

/** Two things failed: the connection was lost, and AWS gives no token for another. */
function tokenlessWords({ message, cause }: ConnectionError): Words {
	const aws = cause instanceof RepotError ? cause : null;
	const said = [message, aws?.where, aws?.why].filter((part) => part !== undefined).join(': ');
	return {
		code: 'CONNECTION_LOST',
		message: 'The connection to the server was lost, and AWS gives no token for a new one',
		why: said,
		next: [...(aws?.next ?? []), 'Run the same command again: it resumes'],
	};
}

function connectionWords(error: ConnectionError, place: Place): Words {
	const why = error.message;
	const where = place.host ?? place.label;
	switch (error.code) {
		case 'ECONNREFUSED':
			return {
				code: 'TARGET_UNREACHABLE',
				message: `Nothing answers at ${where}`,
				why,
				next: ['Start the server, or check host and port of the URL'],
			};
		case 'ENOTFOUND':
		case 'EAI_AGAIN':
			return {
				code: 'HOST_NOT_FOUND',
				message: `The host of the URL is not known: ${where}`,
				why,
				next: ['Check the host name, and that this computer reaches its network'],
			};
		case 'TIMEOUT':
		case 'ETIMEDOUT':
		case 'EHOSTUNREACH':
		case 'ENETUNREACH':
			return { code: 'TARGET_TIMEOUT', message: `${where} does not answer`, why, next: ['Check host and port, firewall and VPN'] };
		case 'PASSWORD':
			return {
				code: 'WRONG_PASSWORD',
				message: 'The server asks for a password and the URL has none',
				why,
				next: ['Set it in REPOT_POSTGRES_URL (the whole URL) or PGPASSWORD, or in ~/.pgpass (which only you may read)'],
			};
		case 'TLS':
			return {
				code: 'TLS_FAILED',
				message: 'No encrypted connection could be made',
				why,
				next: ['Check that the server, or what stands before it, speaks TLS', 'Where the network can be trusted: --ssl-mode disable'],
			};
		case 'TOKEN':
			return tokenlessWords(error);
		case 'EMBEDDED':
			return {
				code: 'EMBEDDED_FAILED',
				message: 'The embedded PostgreSQL could not go on',
				why,
				next: ['Check that the disk has space and the directory is writable'],
			};
		default:
			return {
				code: 'CONNECTION_LOST',
				message: 'The connection to the server was lost',
				why,
				next: ['Run the same command again: it resumes'],
			};
	}
}

/** Puts what the database or its driver threw into words. A RepotError and a defect of this program stay what they are. */
export function toRepotError(error: unknown, place: Place): unknown {
	if (error instanceof RepotError) return error;
	if (error instanceof Error && error.name === 'AbortError') {
		return new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'The work was stopped', where: place.label, cause: error });
	}
	const words =
		error instanceof ServerError ? serverWords(error, place) : error instanceof ConnectionError ? connectionWords(error, place) : null;
	if (words === null) return error;
	const where = error instanceof ServerError && error.table !== undefined ? `${place.label}, table ${error.table}` : place.label;
	return new RepotError({ kind: 'target', where, cause: error, ...words });
}

const transientCodes = new Set([
	'CONNECTION_LOST',
	'SERVER_STARTING',
	'TOO_MANY_CONNECTIONS',
	'SERIALIZATION',
	'TARGET_UNREACHABLE',
	'TARGET_TIMEOUT',
]);

/** Worth trying again: the connection was lost, the server restarts or is busy, or two transactions collided. */
export function isTransient(error: unknown): boolean {
	return error instanceof RepotError && error.kind === 'target' && transientCodes.has(error.code);
}

/** SQLSTATEs by which a server refuses one record's values rather than the work: the record can be found and set aside. */
export function refusesValues(error: unknown): error is ServerError {
	if (!(error instanceof ServerError)) return false;
	return error.code.startsWith('22') || ['23502', '23514', '54000', '54001'].includes(error.code);
}

const refusalCodes: Readonly<Record<string, string>> = {
	'23502': 'NULL_NOT_ALLOWED',
	'23503': 'ORPHAN',
	'23505': 'UNIQUE_HELD_BY_OTHER',
	'23514': 'CHECK_VIOLATED',
	'22P05': 'NUL_CHARACTER',
	'22003': 'OUT_OF_RANGE',
	'22008': 'BAD_TIMESTAMP',
	'22007': 'BAD_TIMESTAMP',
	'22001': 'TOO_LONG',
	'54000': 'TOO_LARGE',
	'54001': 'TOO_DEEP',
};

/** Stable code of a refused record. */
export const refusalCode = (error: ServerError): string => refusalCodes[error.code] ?? `SERVER_${error.code}`;
