import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ConnectionOptions, checkServerIdentity, type SecureVersion } from 'node:tls';
import { RepotError } from '../../source/core/errors.js';
import { type SslMode, sslModes } from '../../source/core/ssl-mode.js';
import { type Env, isSocket, type Server } from './connection-url.js';
import { malformed, shownName } from './url-parameters.js';

/** What the settings say of TLS; it takes the place of what the URL says. */
export interface TlsWish {
	readonly mode: SslMode | null;
	/** File with certificates of authorities (PEM). What libpq calls `system` is verify-full without one. */
	readonly rootCert: string | null;
}

/** Authorities to trust: a file with what named it, or those that Node brings along. */
export type RootCert = { readonly file: string; readonly from: string } | 'node';

/** How a server is to be connected to. */
export interface TlsRules {
	/** `never`: plain; `offered`: encrypted where the server offers it; `always`. */
	readonly use: 'never' | 'offered' | 'always';
	/** What of the server's certificate must hold. */
	readonly check: 'nothing' | 'chain' | 'chain-and-host';
	readonly rootCert: RootCert;
	readonly cert: string | null;
	readonly key: string | null;
	readonly crl: string | null;
	readonly direct: boolean;
	/** Tokens are sent, which are never sent without TLS. */
	readonly iam: boolean;
	/** A flag, the URL or a variable named the mode. */
	readonly chosen: boolean;
}

const usage = (code: string, message: string, next: readonly string[], why?: string): RepotError =>
	new RepotError({ kind: 'usage', code, message, next, ...(why === undefined ? {} : { why }) });

const modesInWords = `${sslModes.slice(0, -1).join(', ')} or ${sslModes.at(-1)}`;

const isMode = (text: string): text is SslMode => (sslModes as readonly string[]).includes(text);

type SaidMode = SslMode | 'no-verify';

const switches: Readonly<Record<string, SslMode>> = {
	true: 'require',
	on: 'require',
	1: 'require',
	false: 'disable',
	off: 'disable',
	0: 'disable',
};

/** `ssl=true` is JDBC's way to say require, as libpq reads it; `ssl=MODE` is that of asyncpg. */
function modeOfUrl(parameters: ReadonlyMap<string, string>): SaidMode | null {
	const mode = parameters.get('sslmode');
	const ssl = parameters.get('ssl')?.toLowerCase();
	const said = mode ?? (ssl === undefined ? undefined : (switches[ssl] ?? ssl));
	if (said === undefined) return null;
	if (isMode(said) || said === 'no-verify') return said;
	const name = shownName(said);
	throw malformed(`${mode === undefined ? 'ssl' : 'sslmode'}${name === null ? '' : ` ${name}`} is not known`, [
		`Write sslmode as ${modesInWords}`,
	]);
}

function modeOfVariable(env: Env): SaidMode | null {
	const said = env.PGSSLMODE;
	if (said === undefined || said === '') return null;
	if (isMode(said) || said === 'no-verify') return said;
	throw usage('BAD_VARIABLE', 'PGSSLMODE names no way to connect that is known', [`Set it to ${modesInWords}`]);
}

/** The root certificate that somebody named. */
function namedRootCert(server: Server, wish: TlsWish, env: Env): { readonly value: string; readonly from: string } | null {
	if (wish.rootCert !== null) return { value: wish.rootCert, from: '--ssl-root-cert' };
	const ofUrl = server.parameters.get('sslrootcert');
	if (ofUrl) return { value: ofUrl, from: 'sslrootcert of the URL' };
	return env.PGSSLROOTCERT ? { value: env.PGSSLROOTCERT, from: 'PGSSLROOTCERT' } : null;
}

/** Where libpq looks when nothing names one. */
function usualRootCert(env: Env): RootCert | null {
	const file = join(env.HOME ?? homedir(), '.postgresql', 'root.crt');
	return existsSync(file) ? { file, from: 'the usual place of libpq' } : null;
}

/**
 * What libpq does (PostgreSQL 18, 32.19) by the settings, the URL, the variables, in this order. `prefer`, the default, takes TLS where the server
 * offers it and checks nothing; `allow` is the same here. A root certificate that is named is used under every mode that encrypts, that of
 * the home directory under `require` and beyond. `no-verify` encrypts and checks nothing.
 * @throws RepotError usage when what was said cannot hold together
 */
export function tlsRules(server: Server, wish: TlsWish, env: Env, baseDirectory: string, iam: boolean): TlsRules {
	const named = namedRootCert(server, wish, env);
	const said = wish.mode ?? modeOfUrl(server.parameters) ?? modeOfVariable(env);
	if (iam) refuseForTokens(server, said);
	const system = wish.rootCert === null && named?.value === 'system';
	if (system && said !== null && said !== 'verify-full') {
		throw usage('WEAK_TLS', `sslrootcert=system asks for verify-full, and the mode is ${said}`, [
			'Use --ssl-mode verify-full, or name a file with --ssl-root-cert: anybody can get a certificate from a public authority',
		]);
	}
	const mode = said ?? (system ? 'verify-full' : iam ? 'require' : 'prefer');
	const use = isSocket(server.host) || mode === 'disable' ? 'never' : mode === 'prefer' || mode === 'allow' ? 'offered' : 'always';
	const always = use === 'always' || iam;
	const usual = always && mode !== 'no-verify' && named === null ? usualRootCert(env) : null;
	const rootCert: RootCert | null =
		named === null ? usual : system ? 'node' : { file: resolve(baseDirectory, named.value), from: named.from };
	const direct = server.parameters.get('sslnegotiation') === 'direct';
	if (direct && use !== 'never' && !always) {
		throw usage('WEAK_TLS', `sslnegotiation=direct asks for TLS in any case, and the mode is ${mode}`, [
			'Add sslmode=require or more to the URL',
		]);
	}
	const file = (parameter: string, variable: string): string | null => {
		const path = server.parameters.get(parameter) || env[variable];
		return path ? resolve(baseDirectory, path) : null;
	};
	return {
		use: use === 'offered' && always ? 'always' : use,
		check:
			mode === 'verify-full' ? 'chain-and-host' : mode === 'verify-ca' || (rootCert !== null && mode !== 'no-verify') ? 'chain' : 'nothing',
		rootCert: rootCert ?? 'node',
		cert: file('sslcert', 'PGSSLCERT'),
		key: file('sslkey', 'PGSSLKEY'),
		crl: file('sslcrl', 'PGSSLCRL'),
		direct: direct && use !== 'never',
		iam,
		chosen: said !== null,
	};
}

function refuseForTokens(server: Server, mode: SaidMode | null): void {
	if (mode !== 'disable' && !isSocket(server.host)) return;
	throw usage(
		'IAM_NEEDS_TLS',
		'IAM authentication needs TLS',
		['Use --ssl-mode require, or verify-full with the certificates of RDS', 'Or log in with a password, without --iam-auth'],
		isSocket(server.host)
			? 'The host is a socket, on which TLS is never used'
			: 'The mode is disable, and RDS takes tokens on encrypted connections only',
	);
}

/** Reads what the rules name. @throws RepotError usage `CERT_UNREADABLE` which names the file */
export function tlsOptions(rules: TlsRules, server: Server): ConnectionOptions {
	const { rootCert, check } = rules;
	if (rules.cert !== null && rules.key === null) {
		throw usage('NO_CLIENT_KEY', 'The URL names a client certificate and no key', ['Add sslkey=FILE to the URL, or set PGSSLKEY']);
	}
	const host = server.host;
	return {
		rejectUnauthorized: check !== 'nothing',
		...(check === 'nothing' || rootCert === 'node' ? {} : { ca: certificatesIn(rootCert) }),
		...(check === 'chain' ? { checkServerIdentity: () => undefined } : {}),
		// By the name that was asked for, also where another address leads to it.
		...(check === 'chain-and-host' ? { checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate) } : {}),
		...(server.address !== null && isIP(host) === 0 ? { servername: host } : {}),
		...(rules.cert === null ? {} : { cert: contentOf(rules.cert, 'the client certificate (sslcert)') }),
		...(rules.key === null ? {} : { key: contentOf(rules.key, 'the key of the client certificate (sslkey)') }),
		...(rules.crl === null ? {} : { crl: contentOf(rules.crl, 'the revocation list (sslcrl)') }),
		...(server.keyPassword === null ? {} : { passphrase: server.keyPassword.reveal() }),
		...versions(server.parameters),
	};
}

function versions(parameters: ReadonlyMap<string, string>): Pick<ConnectionOptions, 'minVersion' | 'maxVersion'> {
	const version = (name: string): SecureVersion | undefined =>
		(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const).find((known) => known === parameters.get(name));
	const least = version('ssl_min_protocol_version');
	const most = version('ssl_max_protocol_version');
	return { ...(least === undefined ? {} : { minVersion: least }), ...(most === undefined ? {} : { maxVersion: most }) };
}

function contentOf(file: string, what: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch (cause) {
		throw new RepotError({
			kind: 'usage',
			code: 'CERT_UNREADABLE',
			message: `Cannot read ${what}`,
			where: file,
			why: cause instanceof Error ? cause.message : String(cause),
			next: ['Check the path, and that this user may read the file'],
			cause,
		});
	}
}

function certificatesIn({ file, from }: { readonly file: string; readonly from: string }): string {
	const text = contentOf(file, `the root certificates (${from})`);
	const found = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? [];
	try {
		for (const certificate of found) new X509Certificate(certificate);
		if (found.length > 0) return text;
	} catch {
		// Told below.
	}
	throw new RepotError({
		kind: 'usage',
		code: 'CERT_UNREADABLE',
		message: `The file holds no ${found.length === 0 ? 'certificate' : 'valid certificate'} (${from})`,
		where: file,
		next: ['Give a file in PEM form: blocks that begin with -----BEGIN CERTIFICATE-----'],
	});
}
