import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repairLastLine, writeAtomically } from '../../../services/state/files.js';
import { FileQuarantine } from '../../../services/state/quarantine.js';
import { createRunHistory } from '../../../services/state/run-history.js';
import type { QuarantineEntry } from '../../../source/core/ports.js';
import { runTableLines } from '../../../source/headless/history-text.js';
import { sampleRun } from '../commands/fake-operations.js';
import { samplePlan } from '../commands/fake-plan.js';

const plainStyle = { unicode: false, colour: false, tables: true, rules: true };
let dir = '';
beforeEach(async () => {
	dir = await mkdtemp(join(tmpdir(), 'repot-state-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const entry = (step: string, batch: number, key: string): QuarantineEntry => ({
	step,
	batch,
	key,
	source: 'app.db',
	column: 'raw_response',
	code: 'INVALID_JSON',
	reason: 'it is not JSON',
	raw: 'naïve\n"text"',
	rawKind: 'text',
	record: '{}',
});

async function keys(quarantine: FileQuarantine): Promise<readonly string[]> {
	const found: string[] = [];
	for await (const one of quarantine.entries()) found.push(one.key);
	return found;
}

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('the quarantine file', () => {
	const path = () => join(dir, 'quarantine.jsonl');

	it('is made by the first record, private, one record a line', async () => {
		const quarantine = new FileQuarantine(path());
		await quarantine.append([]);
		expect(await readdir(dir)).toEqual([]);
		await quarantine.append([entry('items', 0, 'a'), entry('items', 0, 'b')]);
		await quarantine.append([entry('analyses', 0, 'c')]);
		expect(await mode(path())).toBe(0o600);
		const lines = (await readFile(path(), 'utf8')).trimEnd().split('\n');
		expect(lines.map((line) => JSON.parse(line) as QuarantineEntry)[0]).toEqual(entry('items', 0, 'a'));
		expect(await keys(quarantine)).toEqual(['a', 'b', 'c']);
		await quarantine.close();
	});

	it('keeps the order of appends that were not awaited', async () => {
		const quarantine = new FileQuarantine(path());
		await Promise.all(Array.from({ length: 20 }, (_, index) => quarantine.append([entry('items', index, String(index))])));
		expect(await keys(quarantine)).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
		await quarantine.close();
	});

	it('drops what was not committed, and a torn last line', async () => {
		const killed = new FileQuarantine(path());
		await killed.append([entry('items', 0, 'a'), entry('items', 1, 'b'), entry('items', 2, 'c'), entry('analyses', 0, 'd')]);
		await killed.close();
		await appendFile(path(), '{"step":"items","ba');
		const quarantine = new FileQuarantine(path());
		await quarantine.keepCommitted({ items: 1 });
		expect(await keys(quarantine)).toEqual(['a', 'b']);
		await quarantine.append([entry('items', 2, 'c')]);
		expect(await keys(quarantine)).toEqual(['a', 'b', 'c']);
		expect(await mode(path())).toBe(0o600);
		expect(await readdir(dir)).toEqual(['quarantine.jsonl']);
		await quarantine.close();
	});

	it('a torn line is cut before the next append', async () => {
		await writeFile(path(), `${JSON.stringify(entry('items', 0, 'a'))}\n{"torn`);
		const quarantine = new FileQuarantine(path());
		await quarantine.append([entry('items', 1, 'b')]);
		expect(await keys(quarantine)).toEqual(['a', 'b']);
		await quarantine.close();
	});

	it('that nobody wrote has no entries, and nothing to drop', async () => {
		const quarantine = new FileQuarantine(path());
		await quarantine.keepCommitted({});
		expect(await keys(quarantine)).toEqual([]);
	});

	it('a folder that cannot be written is an error that a person can act on', async () => {
		const quarantine = new FileQuarantine(join(dir, 'missing', 'quarantine.jsonl'));
		await expect(quarantine.append([entry('items', 0, 'a')])).rejects.toMatchObject({ kind: 'usage', code: 'FILE_UNWRITABLE' });
	});
});

describe('repairLastLine', () => {
	it('cuts the part after the last line end, also a long one', async () => {
		const path = join(dir, 'lines');
		for (const [before, after] of [
			['', ''],
			['a\n', 'a\n'],
			['a\nb', 'a\n'],
			['torn', ''],
			[`a\n${'x'.repeat(200_000)}`, 'a\n'],
		] as const) {
			await writeFile(path, before);
			expect(await repairLastLine(path)).toBe(before.length - after.length);
			expect(await readFile(path, 'utf8')).toBe(after);
		}
	});
});

describe('writeAtomically', () => {
	it('that fails at its own clean-up as well is still an error that a person can act on', async () => {
		await writeFile(join(dir, 'file'), '');
		await expect(writeAtomically(join(dir, 'file', 'plan.json'), 'x')).rejects.toMatchObject({
			kind: 'usage',
			code: 'FILE_UNWRITABLE',
			why: 'a part of its path is a file, not a folder',
		});
	});

	it('leaves the old content and no other file when the new one cannot be made', async () => {
		const path = join(dir, 'plan.json');
		await writeAtomically(path, 'old');
		async function* breaking(): AsyncGenerator<string> {
			yield 'half of the new';
			throw new Error('the disk is gone');
		}
		await expect(writeAtomically(path, breaking())).rejects.toMatchObject({ code: 'FILE_UNWRITABLE', where: path });
		expect(await readFile(path, 'utf8')).toBe('old');
		expect(await readdir(dir)).toEqual(['plan.json']);
	});
});

describe('the history', () => {
	it('keeps a private folder a run', async () => {
		const history = createRunHistory({ stateDir: join(dir, 'state'), redact: (text) => text.replaceAll('hush', '****') });
		const folder = await history.open('r-1', samplePlan());
		folder.appendEvent('{"type":"notice","message":"hush"}');
		const report = await folder.write('report.md', '# Report\n');
		await folder.close();
		await history.record({ ...sampleRun, id: 'r-1', folder: folder.path });
		expect(report).toBe(join(dir, 'state', 'runs', 'r-1', 'report.md'));
		expect((await readdir(folder.path)).sort()).toEqual(['events.ndjson', 'plan.json', 'report.md', 'run.json']);
		for (const name of await readdir(folder.path)) expect(await mode(join(folder.path, name)), name).toBe(0o600);
		for (const path of [join(dir, 'state'), join(dir, 'state', 'runs'), folder.path]) expect(await mode(path), path).toBe(0o700);
		expect(await readFile(join(folder.path, 'events.ndjson'), 'utf8')).toBe('{"type":"notice","message":"****"}\n');
		expect(JSON.parse(await readFile(join(folder.path, 'plan.json'), 'utf8'))).toEqual(samplePlan());
	});

	it('narrows what was there with a wider mode, and leaves the state folder itself to whoever chose it', async () => {
		const paths = [dir, join(dir, 'runs'), join(dir, 'runs', 'r-1')];
		await mkdir(join(dir, 'runs', 'r-1'), { recursive: true });
		for (const path of paths) await chmod(path, 0o755);
		await createRunHistory({ stateDir: dir })
			.open('r-1', samplePlan())
			.then((folder) => folder.close());
		expect(await Promise.all(paths.map(mode))).toEqual([0o755, 0o700, 0o700]);
	});

	it('goes on with the events of a killed run on a fresh line', async () => {
		const history = createRunHistory({ stateDir: dir });
		const first = await history.open('r-1', samplePlan());
		first.appendEvent('{"n":1}');
		await first.close();
		await appendFile(join(first.path, 'events.ndjson'), '{"n":');
		const second = await history.open('r-1', samplePlan());
		second.appendEvent('{"n":2}');
		await second.close();
		expect(await readFile(join(first.path, 'events.ndjson'), 'utf8')).toBe('{"n":1}\n{"n":2}\n');
	});

	it('tells of a killed run what its events say it committed, and how long each session took', async () => {
		const history = createRunHistory({ stateDir: dir });
		const folder = await history.open('r-1', samplePlan());
		await history.record({ ...sampleRun, id: 'r-1', status: 'running', written: 0 });
		const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
		expect(await folder.sessionsBefore()).toEqual({ sessions: 0, milliseconds: 0 });
		const told = [
			{ type: 'run-started', at: at(0) },
			{ type: 'batch-committed', at: at(3), rows: 100, rejected: 2 },
			{ type: 'run-started', at: at(40) },
			{ type: 'batch-committed', at: at(45), rows: 100, skipped: 7, rejected: 0 },
		];
		for (const event of told) folder.appendEvent(JSON.stringify(event));
		expect(await folder.sessionsBefore()).toEqual({ sessions: 2, milliseconds: 8000 });
		await folder.close();
		await appendFile(join(folder.path, 'events.ndjson'), '{"type":"batch-comm');
		expect((await history.find('r-1'))?.written).toBe(193);
		expect(runTableLines(await history.list(), Date.UTC(2026, 0, 2), plainStyle).join('\n')).toContain('at least 193');
		await history.record({ ...sampleRun, id: 'r-1', status: 'interrupted', written: 5 });
		expect((await history.find('r-1'))?.written).toBe(5);
	});

	it('keeps the paths of the plan absolute, so that another folder finds the sources', async () => {
		const folder = await createRunHistory({ stateDir: dir, cwd: '/srv/here' }).open('r-1', samplePlan());
		await folder.close();
		const plan = JSON.parse(await readFile(join(folder.path, 'plan.json'), 'utf8')) as {
			id: string;
			sources: { sqlite: { path: string } };
		};
		expect(plan.sources.sqlite.path).toBe('/srv/here/app.db');
		expect(plan.id).toBe(samplePlan().id);
	});

	it('lists newest first, and passes over what is not a run', async () => {
		const history = createRunHistory({ stateDir: dir });
		expect(await history.list()).toEqual([]);
		await history.record({ ...sampleRun, id: 'r-old', startedAt: '2025-01-01T00:00:00.000Z' });
		await history.record({ ...sampleRun, id: 'r-new', startedAt: '2025-02-01T00:00:00.000Z' });
		await history.open('r-begun', samplePlan()).then((folder) => folder.close());
		await history.open('r-torn', samplePlan()).then((folder) => folder.write('run.json', '{"id":').then(() => folder.close()));
		expect((await history.list()).map((run) => run.id)).toEqual(['r-new', 'r-old']);
		expect(await history.find('r-old')).toMatchObject({ id: 'r-old', folder: join(dir, 'runs', 'r-old') });
		expect(await history.find('r-none')).toBeNull();
	});

	it('a run id leads nowhere else', async () => {
		const history = createRunHistory({ stateDir: dir });
		const folder = await history.open('../../escape', samplePlan());
		await folder.close();
		expect(folder.path.startsWith(join(dir, 'runs'))).toBe(true);
		expect(await readdir(join(dir, 'runs'))).toHaveLength(1);
	});
});
