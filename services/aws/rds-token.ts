import { rdsRegion } from '../../source/core/aws-places.js';
import type { Secret } from '../../source/core/secret.js';
import { ask, type Session } from './session.js';

/** A signed request for `rds-db:connect` as a password ("IAM database authentication" of the RDS user guide). Signing asks nobody. */
export async function databaseToken(
	session: Session,
	server: { readonly host: string; readonly port: number; readonly user: string },
): Promise<Secret> {
	const asked = { service: 'STS', action: 'rds-db:connect', what: `a database token for ${server.user}@${server.host}` } as const;
	const token = await ask(session, asked, async () => {
		const { Signer } = await import('./sdk/rds.js');
		const signer = new Signer({
			hostname: server.host,
			port: server.port,
			username: server.user,
			// A token of another region is refused there.
			region: rdsRegion(server.host) ?? session.region.name,
			credentials: session.credentials,
		});
		return await signer.getAuthToken();
	});
	return session.setup.secrecy.keep(token);
}
