import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { administrator, anyone, bodiesOf, type Home, keysOf, makeHome, openCloud } from '../../contract/cloud-scene.js';
import type { AwsFront } from '../../fakes/aws-front.js';
import { startFakeAws } from '../../fakes/aws-server.js';

let front: AwsFront;
let home: Home;
beforeAll(async () => {
	front = await startFakeAws();
	home = await makeHome();
});
afterAll(async () => {
	await front.close();
	await home.remove();
});

it('a user of any name is found by the filter alone', async () => {
	const pool = await administrator(front).createPool('names');
	const { cloud } = openCloud(front.url, home.folder, keysOf());
	const name = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom('a', 'Z', '"', '\\', ' ', "'", '=', 'é', '@', '.', '😀') });
	await fc.assert(
		fc.asyncProperty(name, async (username) => {
			const made = await cloud.createUser(anyone, pool, username);
			front.requests.length = 0;
			expect(await cloud.findUser(anyone, pool, username)).toMatchObject({ username, sub: made.sub });
			expect(bodiesOf(front, 'ListUsers')).toHaveLength(1);
		}),
		{ numRuns: 60 },
	);
});
