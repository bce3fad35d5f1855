import { rmSync } from 'node:fs';
import { PgliteDriver } from '../services/postgres/pglite-driver.js';
for (const warm of [true, false, true, false]) {
	rmSync('/tmp/rbq/pgdir', { recursive: true, force: true });
	const d = new PgliteDriver({ directory: '/tmp/rbq/pgdir', label: 'x', identity: 'x' });
	if (warm) await d.query('SELECT 1');
	const t = performance.now();
	await d.persist(); await d.query('SELECT 1');
	console.log(warm ? 'stand-in saved' : 'made there', Math.round(performance.now() - t));
	await d.close();
}
process.exit(0);
