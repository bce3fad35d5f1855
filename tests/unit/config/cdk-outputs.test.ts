import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readUserPoolId, regionOfPool } from '../../../source/config/cdk-outputs.js';
import { makeFolder } from './folder.js';

async function read(content: unknown) {
	const path = join(await makeFolder(), 'outputs.json');
	await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
	return readUserPoolId(path, 'outputs.json');
}

const id = 'eu-central-1_Ab12cD34e';
const entry = (OutputKey: string, OutputValue: string) => ({ OutputKey, OutputValue });

describe('the user pool in the outputs', () => {
	const noise = [
		entry('UserPoolClientId', '3n4b5urk1ft4fl3mg5e62d9ado'),
		entry('UserPoolArn', `arn:aws:cognito-idp:eu-central-1:123456789012:userpool/${id}`),
	];
	const shapes: readonly (readonly [string, unknown, string])[] = [
		['a list of CloudFormation', [...noise, entry('UserPoolId', id)], 'UserPoolId'],
		['one object', { ApiUrl: 'https://x', UserPoolClientId: 'abc', CognitoUserPoolId: id }, 'CognitoUserPoolId'],
		['by stack', { ApiStack: { Url: 'x' }, AuthStack: { AuthUserPoolId1234ABCD: id } }, 'AuthStack.AuthUserPoolId1234ABCD'],
		['describe-stacks', { Stacks: [{ StackName: 'auth', Outputs: [...noise, entry('user_pool_id', id)] }] }, 'auth.user_pool_id'],
		['a reference that CDK exported', { A: { ExportsOutputRefUserPool6BA7E5F2B3A5: id } }, 'A.ExportsOutputRefUserPool6BA7E5F2B3A5'],
		['the same pool twice', { A: { UserPoolId: id }, B: { userpoolid: id } }, 'A.UserPoolId'],
		['a byte order mark', `\ufeff{"UserPoolId":"${id}"}`, 'UserPoolId'],
	];
	for (const [name, content, output] of shapes) {
		it(`is found in ${name}`, async () => {
			expect(await read(content)).toEqual({ kind: 'found', id, output });
		});
	}

	it('is not what only looks like it', async () => {
		const outputs = { UserPoolClientId: id, UserPoolArn: id, UserPoolId: 'Token[123]', Other: id };
		expect(await read(outputs)).toEqual({ kind: 'no-pool', outputs: Object.keys(outputs) });
		expect(await read('"text"')).toEqual({ kind: 'no-pool', outputs: [] });
	});

	it('of several different ones is asked for, naming them', async () => {
		await expect(read({ A: { UserPoolId: id }, B: { AdminUserPoolId: 'us-east-1_other1' } })).rejects.toMatchObject({
			code: 'SEVERAL_USER_POOLS',
			kind: 'usage',
			why: `A.UserPoolId is ${id}, B.AdminUserPoolId is us-east-1_other1`,
			next: [expect.stringContaining('--user-pool-id')],
		});
	});

	it('a file that is not there is no error, one that cannot be read is', async () => {
		const folder = await makeFolder();
		expect(await readUserPoolId(join(folder, 'none.json'))).toEqual({ kind: 'no-file' });
		await mkdir(join(folder, 'folder.json'));
		await expect(readUserPoolId(join(folder, 'folder.json'))).rejects.toMatchObject({ code: 'OUTPUTS_UNREADABLE', kind: 'usage' });
		await expect(read('{\n  "UserPoolId": \n}')).rejects.toMatchObject({
			code: 'OUTPUTS_SYNTAX',
			kind: 'usage',
			where: expect.stringMatching(/^outputs\.json:3:/),
		});
	});

	it('says the region', () => {
		expect(regionOfPool(id)).toBe('eu-central-1');
		expect(regionOfPool('us-gov-west-1_x1')).toBe('us-gov-west-1');
		expect(regionOfPool('somewhere')).toBeNull();
	});
});
