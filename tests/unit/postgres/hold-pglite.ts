import { PgliteDriver } from '../../../services/postgres/pglite-driver.js';

/** Opens an embedded database, commits a thousand rows and waits to be killed. */
const directory = process.argv[2] ?? '';
const driver = new PgliteDriver({ directory, label: 'held', identity: directory });
await driver.persist();
await driver.query('CREATE TABLE kept (a int)');
await driver.transaction(async (session) => {
	await session.copyIn('COPY kept FROM STDIN', Buffer.from(Array.from({ length: 1000 }, (_, index) => `${index}\n`).join('')));
});
process.stdout.write('committed\n');
setInterval(() => undefined, 60_000);
