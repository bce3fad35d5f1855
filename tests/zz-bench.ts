import { PgDriver } from '../services/postgres/pg-driver.js';
import { targetOn } from '../services/postgres/target.js';
import * as d from './contract/target-data.js';
const n = Number(process.argv[2] ?? 200000);
const driver = new PgDriver({ url: process.env.REPOT_TEST_POSTGRES_URL ?? '', label: 'b', identity: 'b' });
const target = targetOn(driver, { now: () => performance.now() }, { label: 'b' });
await driver.query('DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION IF EXISTS vector');
const time = async (name: string, work: () => Promise<unknown>) => { const t = performance.now(); const r = await work(); console.log(name, Math.round(performance.now() - t), 'ms'); return r; };
const plan = d.deepPlan();
await target.ledger.begin({ id: 'r', plan, operator: 'x', version: '0' });
for (const s of plan.steps) if (s.kind === 'schema' && s.phase === 'before') await target.applySchema('r', s);
const lines = { items: (i: number) => `${String(i).padStart(32, 'a')}\t\\N\t1\t{"k": 1}\t2024-01-02 03:04:05\tana`, notes: (i: number) => `${i}\t${String(i).padStart(32, 'a')}\tana`, remarks: (i: number) => `${i}\t${String(i).padStart(32, 'a')}\t${i}\tana` };
await time('load', async () => {
	for (const step of [d.itemsStep(), d.notesStep(), d.remarksStep]) for (let b = 0; b * 5000 < n; b++)
		await target.writeBatch('r', step, b, d.textBatch(Array.from({ length: 5000 }, (_, i) => lines[step.id as 'items'](b * 5000 + i))), 'fail');
	await target.ensureCollection('r', d.vectorsStep());
	for (let b = 0; b < n / 10 / 1000; b++) await target.writeBatch('r', d.vectorsStep(), b, d.vectorBatch(Array.from({ length: 1000 }, (_, i) => ({ id: `v${b * 1000 + i}`, vector: [Math.random(), Math.random(), i] }))), 'fail');
});
if (process.argv[3] !== 'noschema') await time('schema', async () => { for (const s of plan.steps) if (s.kind === 'schema' && s.phase === 'after') await target.applySchema('r', s); });
console.log(JSON.stringify((await time('preview', () => target.rollbackPreview('r')) as { tables: unknown }).tables));
if (process.argv[4] === 'change') { await driver.query("UPDATE items SET size = 7 WHERE right(id, 1) = '3'"); console.log(JSON.stringify((await time('preview changed', () => target.rollbackPreview('r')) as { tables: unknown }).tables)); }
await time('rollback', async () => { let t = performance.now(); for await (const e of target.rollback('r')) { const { at, tables, ...x } = e as Record<string, unknown>; console.log(Math.round(performance.now() - t), JSON.stringify(x)); t = performance.now(); } });
await target.close();
