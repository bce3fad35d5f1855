import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Home, makeHome, openCloud, refusalOf } from '../../contract/cloud-scene.js';

/** A program `aws` of a few lines stands in for the CLI. */
describe('aws sso login', () => {
	let home: Home;
	beforeEach(async () => {
		home = await makeHome();
		await home.write(
			'.aws/config',
			'[profile dev]\nsso_session = corp\n[profile above]\nrole_arn = arn:a\nsource_profile = dev\n[profile console]\nlogin_session = arn:b\n[profile vault]\ncredential_process = x\n',
		);
	});
	afterEach(() => home.remove());

	const cli = async (script: string): Promise<void> => {
		await home.write('bin/aws', `#!/bin/sh\n${script}\n`);
		await chmod(join(home.folder, 'bin/aws'), 0o755);
	};
	const opened = () => openCloud(null, home.folder, { PATH: `${join(home.folder, 'bin')}:/usr/bin:/bin` }).cloud;

	it.each([
		['dev', 'sso login --profile dev'],
		['above', 'sso login --profile dev'],
		['console', 'login --profile console'],
		[null, 'sso login'],
	])('is run for profile %s and tells each line', async (profile, args) => {
		await cli('echo "ran $*"; echo "code ABCD-EFGH" >&2');
		const lines: string[] = [];
		await opened().login(profile, (line) => lines.push(line));
		expect(lines.sort()).toEqual(['code ABCD-EFGH', `ran ${args}`]);
	});

	it('says that version 1 of the CLI has no such login', async () => {
		await cli('printf "usage: aws [options] <command>\\naws: error: argument operation: Invalid choice\\n" >&2; exit 252');
		const refusal = await refusalOf(opened().login('dev', () => undefined));
		expect(refusal).toMatchObject({ code: 'AWS_CLI_MISSING', why: 'version 2 of the AWS CLI is needed' });
	});

	it('tells why it failed', async () => {
		await cli('echo "Error: the device code has expired" >&2; exit 255');
		const refusal = await refusalOf(opened().login('dev', () => undefined));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'AWS_LOGIN_FAILED', why: 'Error: the device code has expired' });
	});

	it('tells the command where the CLI is not installed', async () => {
		const { cloud } = openCloud(null, home.folder, { PATH: join(home.folder, 'nothing') });
		const refusal = await refusalOf(cloud.login('dev', () => undefined));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'AWS_CLI_MISSING' });
		expect(refusal.next[0]).toContain('aws sso login --profile dev');
	});

	it('ends with the signal', async () => {
		await cli('echo started; exec sleep 60');
		const abort = new AbortController();
		expect(await refusalOf(opened().login('dev', () => abort.abort(), abort.signal))).toMatchObject({ kind: 'interrupted' });
	});

	it('is not run for a profile that has no login', async () => {
		expect(await refusalOf(opened().login('vault', () => undefined))).toMatchObject({ kind: 'usage', code: 'NO_LOGIN_NEEDED' });
	});
});
