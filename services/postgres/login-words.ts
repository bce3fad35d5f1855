import { partitionOfRegion, rdsRegion } from '../../source/core/aws-places.js';
import type { ErrorDetails } from '../../source/core/errors.js';
import type { ServerError } from './driver.js';
import { quoteName } from './sql-text.js';

/** Where an error happened, for its message. */
export interface Place {
	/** Masked URL. */
	readonly label: string;
	/** `host:port` */
	readonly host?: string;
	readonly database?: string;
	readonly user?: string;
	/** Logs in with tokens of RDS. */
	readonly iam?: boolean;
}

export type Words = Omit<ErrorDetails, 'kind' | 'where' | 'cause'> & { readonly kind?: ErrorDetails['kind'] };

/** A role that is not there, or that may not log in: no line of pg_hba.conf mends that. */
function roleWords(error: ServerError, place: Place, why: string): Words {
	const role = /role "(.+)"/.exec(error.message)?.[1] ?? place.user ?? 'THE_USER';
	if (/does not exist/i.test(error.message)) {
		return {
			code: 'NO_ROLE',
			message: 'The database user does not exist',
			why,
			next: ['Check the user of the URL: postgresql://USER@HOST/DATABASE', `Or have an administrator run: CREATE ROLE "${role}" LOGIN;`],
		};
	}
	return {
		code: 'LOGIN_REFUSED',
		message: 'The database user may not log in',
		why,
		next: [`Have an administrator run: ALTER ROLE "${role}" LOGIN;`, 'Or give another user in the URL'],
	};
}

/** What RDS needs to take a token (Amazon RDS User Guide, "IAM database authentication"). */
function tokenWords(error: ServerError, place: Place, why: string): Words {
	const user = /for (?:user|role) "(.+)"/.exec(error.message)?.[1] ?? place.user ?? 'THE_USER';
	const region = rdsRegion((place.host ?? '').replace(/:\d+$/, '')) ?? 'REGION';
	const resource = `arn:${partitionOfRegion(region)}:rds-db:${region}:ACCOUNT:dbuser:RESOURCE_ID/${user}`;
	return {
		code: 'IAM_LOGIN_REFUSED',
		message: `The server refused the IAM token of the user ${user}`,
		why,
		next: [
			`Have an administrator run: GRANT rds_iam TO ${quoteName(user)};`,
			`Have the identity that signs allowed rds-db:connect on ${resource} (RESOURCE_ID: db-... of the instance or cluster-... of the cluster)`,
			'Check that IAM database authentication is turned on for the instance, and that region and host are those of the instance: the token is signed for them',
		],
	};
}

/** A refusal at the door (SQLSTATE 28P01 and 28000). */
export function loginWords(error: ServerError, place: Place, why: string): Words {
	if (place.iam === true && /(PAM|password) authentication failed/i.test(error.message)) return tokenWords(error, place, why);
	if (error.code === '28P01') {
		return {
			code: 'WRONG_PASSWORD',
			message: 'The server refused the password',
			why,
			next: ['Check user and password of the URL (special characters percent-encoded)'],
		};
	}
	if (/role .* does not exist|is not permitted to log in/i.test(error.message)) return roleWords(error, place, why);
	const encrypted = /SSL encryption|SSL on/i.test(error.message);
	const plain = /no encryption|SSL off/i.test(error.message);
	return {
		code: 'LOGIN_REFUSED',
		message: 'The server does not let this user in from here',
		why,
		next: [
			'Have a line for this user, database and address added to pg_hba.conf',
			...(plain ? ['The server may ask for TLS: use --ssl-mode require'] : []),
			...(encrypted ? ['The server may take this user without TLS only: use --ssl-mode disable where the network can be trusted'] : []),
		],
	};
}
