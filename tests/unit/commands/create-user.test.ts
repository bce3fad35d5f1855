import { describe, expect, it } from 'vitest';
import { identity } from '../../fakes/cloud.js';
import { createWorld } from './world.js';

const script = {
	cloud: { identify: () => identity, parameters: { '/collections/dev/database-url': 'postgresql://app@db.example/app' } },
};
const sources = ['--env', 'dev', '--sqlite-db', 'a.db', '--user-pool-id', 'us-east-1_Ab12', '--test-user', 'somebody'];

describe('a user that does not exist', () => {
	it('is created by repot migrate --create-user, which says so, and by nothing else', async () => {
		const asked = { REPOT_CREATE_USER: 'true' };
		for (const argv of [
			['plan', ...sources],
			['doctor', ...sources],
			['migrate', ...sources, '--yes', '--dry-run'],
		]) {
			const world = await createWorld({ script, env: argv[0] === 'migrate' ? {} : asked });
			const ended = await world.run(...argv);
			expect(ended.code, argv.join(' ')).toBe(2);
			expect(`${ended.stdout}${ended.stderr}`).toContain('User somebody does not exist');
		}
		const world = await createWorld({ script });
		const made = await world.run('migrate', ...sources, '--yes', '--create-user');
		expect(made.code, made.stderr).toBe(0);
		expect(made.stderr).toContain('created somebody in us-east-1_Ab12');
		expect(world.calls.requests[0]?.tenant).toBe('sub-of-somebody');
	});

	it('is not created by a dry run', async () => {
		const world = await createWorld({ script });
		const refused = await world.run('migrate', ...sources, '--dry-run', '--create-user');
		expect(refused.code).toBe(2);
		expect(refused.stderr).toContain('a dry run writes nothing');
	});

	it('is not created where nobody could agree to what follows, nor where the id is given', async () => {
		const world = await createWorld({ script });
		const refused = await world.run('migrate', ...sources, '--create-user');
		expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('no user was created') });
		const idle = await world.run('migrate', ...sources, '--create-user', '--yes', '--user-id', 'ana');
		expect(idle).toMatchObject({ code: 2, stderr: expect.stringContaining('none is looked for') });
	});
});
