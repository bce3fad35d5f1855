import { randomBytes } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';

/** One connection for the length of `work`. */
export const withClient = async <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> => {
	const client = new Client({ connectionString: url });
	await client.connect();
	try {
		return await work(client);
	} finally {
		await client.end();
	}
};

/** Makes an empty database on the server of `adminUrl`, passes its URL, and drops it afterwards, whatever happened. */
export const withDatabase = async <T>(adminUrl: string, work: (url: string) => Promise<T>): Promise<T> => {
	const name = `repot_scratch_${randomBytes(5).toString('hex')}`;
	const url = new URL(adminUrl);
	url.pathname = `/${name}`;
	// template0 and a checkpoint: what an earlier run left in the server's buffers is written out before the clock starts.
	await withClient(adminUrl, async (client) => {
		await client.query(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`);
		await client.query('CHECKPOINT').catch(() => undefined);
	});
	try {
		return await work(url.href);
	} finally {
		await withClient(adminUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`));
	}
};
