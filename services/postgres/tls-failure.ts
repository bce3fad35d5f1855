import type { PeerCertificate } from 'node:tls';
import { isRdsHost } from '../../source/core/aws-places.js';
import { RepotError } from '../../source/core/errors.js';
import type { Server } from './connection-url.js';
import { offersNoTls } from './pg-errors.js';
import type { RootCert, TlsRules } from './tls.js';

const bundle = 'https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem';

interface Failure {
	readonly what: string;
	readonly next: readonly string[];
}

const unknownAuthority =
	/^(UNABLE_TO_(GET_ISSUER_CERT|GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE)|SELF_SIGNED_CERT_IN_CHAIN|CERT_UNTRUSTED)$/;

/** What was wrong with the certificate, by OpenSSL's code; null: the failure is of another kind. */
function certificateFailure(error: Error, server: Server, rootCert: RootCert): Failure | null {
	const code = (error as { code?: unknown }).code;
	if (typeof code !== 'string') return null;
	if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return nameFailure(error, server);
	if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
		return {
			what: 'the certificate is self-signed, and not among those that are trusted',
			next: ['If it is the one that you expect, save it to a file and give it with --ssl-root-cert FILE'],
		};
	}
	if (unknownAuthority.test(code)) {
		return {
			what: 'the certificate was issued by an authority that is not among those that are trusted',
			next: authorityAdvice(server, rootCert),
		};
	}
	if (code === 'CERT_HAS_EXPIRED') {
		return {
			what: 'the certificate, or the one of its authority, has expired',
			next: [
				"Have the server's certificate renewed",
				...(isRdsHost(server.host) ? authorityAdvice(server, rootCert) : []),
				'Check the clock of this computer',
			],
		};
	}
	if (code === 'CERT_NOT_YET_VALID')
		return { what: 'the certificate is not valid yet', next: ['Check the clock of this computer and of the server'] };
	if (code === 'CERT_REVOKED') return { what: 'the certificate was revoked', next: ["Have the server's certificate replaced"] };
	return null;
}

const authorityAdvice = ({ host }: Server, rootCert: RootCert): readonly string[] =>
	isRdsHost(host)
		? [`Download the certificates of RDS from ${bundle} and give them with --ssl-root-cert global-bundle.pem`]
		: [
				rootCert === 'node'
					? "Give the certificate of the server's authority with --ssl-root-cert FILE"
					: "Check that the file holds the certificate of the server's authority",
			];

function nameFailure(error: Error, server: Server): Failure {
	const names = namesOf((error as { cert?: PeerCertificate }).cert);
	const carried = names.length === 0 ? 'carries no name' : `is for ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' and others' : ''}`;
	return {
		what: `the certificate does not name the host ${server.host}: it ${carried}`,
		next: [
			'Write the host as the certificate names it',
			'Through a bastion or tunnel: --ssl-mode verify-ca, which checks the authority alone, or keep the name in the URL and add hostaddr=127.0.0.1',
		],
	};
}

function namesOf(certificate: PeerCertificate | undefined): readonly string[] {
	const alternative = certificate?.subjectaltname?.split(/, ?/).map((name) => name.replace(/^(DNS|IP Address):/, '')) ?? [];
	const common = certificate?.subject?.CN;
	return alternative.length > 0 || common === undefined ? alternative : [common].flat();
}

const trustedIn = (rootCert: RootCert): string =>
	rootCert === 'node'
		? 'Trusted are the authorities that Node.js brings along'
		: `Trusted are the certificates in ${rootCert.file} (${rootCert.from})`;

/** Why no encrypted connection could be made, in words; null: it failed for another reason than TLS. */
export function tlsFailure(thrown: unknown, server: Server, rules: TlsRules, label: string): RepotError | null {
	const error = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
	if (!(error instanceof Error)) return null;
	const failed = (message: string, why: string, next: readonly string[]): RepotError =>
		new RepotError({ kind: 'target', code: 'TLS_FAILED', message, where: label, why, next, cause: error });
	if (offersNoTls(error)) {
		return failed('No encrypted connection could be made', 'The server does not support SSL connections', [
			'Have TLS turned on: ssl = on in postgresql.conf, with a certificate',
			...(rules.iam ? [] : ['Or go without it, where the network can be trusted: --ssl-mode disable']),
		]);
	}
	const certificate = certificateFailure(error, server, rules.rootCert);
	if (certificate === null) return null;
	return failed("The server's certificate could not be verified", `${certificate.what}. ${trustedIn(rules.rootCert)}`, [
		...certificate.next,
		`Without a check (encrypted, but with whoever answers): ${rules.rootCert === 'node' ? '--ssl-mode require' : 'sslmode=no-verify in the URL, without --ssl-mode'}`,
	]);
}
