import pg from 'pg';
import { RepotError } from '../../source/core/errors.js';
import { ConnectionError, ServerError } from './driver.js';

/** What the pg library says when the server answers the request for TLS with no. */
const noTls = 'The server does not support SSL connections';

/** The server offers no TLS; nothing else may be taken for that, or whoever stands between could talk a connection out of TLS. */
export const offersNoTls = (error: unknown): boolean => error instanceof Error && error.message === noTls;

const tls = /SSL|TLS|certificate|CERT_|self.signed|altname/i;

const hasCode = (error: unknown): error is Error & { code: string } =>
	error instanceof Error && typeof (error as { code?: unknown }).code === 'string';

/** Gives what the pg library throws one of the two error classes of the seam. */
export function translate(error: unknown): unknown {
	if (error instanceof RepotError || error instanceof ConnectionError) return error;
	if (error instanceof pg.DatabaseError) {
		const { detail, hint, where, table, column, constraint } = error;
		return new ServerError(
			{ code: error.code ?? 'XX000', message: error.message, detail, hint, context: where, table, column, constraint },
			error,
		);
	}
	if (error instanceof AggregateError && error.errors.length > 0) return translate(error.errors[0]);
	if (!(error instanceof Error)) return error;
	if (hasCode(error) && (tls.test(error.code) || isCertificateCode(error.code))) return new ConnectionError('TLS', error.message, error);
	if (hasCode(error) && /^E[A-Z]+$/.test(error.code)) return new ConnectionError(error.code, error.message, error);
	if (/timeout expired|connection timeout/i.test(error.message)) return new ConnectionError('TIMEOUT', error.message, error);
	if (/password must be a string|no password|SASL/i.test(error.message)) return new ConnectionError('PASSWORD', error.message, error);
	if (tls.test(error.message)) return new ConnectionError('TLS', error.message, error);
	if (/Connection terminated|not queryable|Client has encountered|Connection ended|closed/i.test(error.message)) {
		return new ConnectionError('LOST', error.message, error);
	}
	return error;
}

/** Codes of OpenSSL's verification (x509_txt.c) that name neither TLS nor CERT. */
const isCertificateCode = (code: string): boolean =>
	/^(UNABLE_TO_|INVALID_CA|PATH_LENGTH_EXCEEDED|INVALID_PURPOSE|HOSTNAME_MISMATCH|CRL_)/.test(code);
