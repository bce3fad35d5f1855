import { describe, expect, it } from 'vitest';
import { readTargetUrl } from '../../../source/config/target-url.js';
import { databaseUrl } from '../../../source/core/credentials/database-url.js';
import type { TargetNeed } from '../../../source/core/credentials/needs.js';
import { RepotError } from '../../../source/core/errors.js';
import type { Cloud, CloudParameter } from '../../../source/core/ports.js';
import { Secret } from '../../../source/core/secret.js';
import { fakeCloud } from '../../fakes/cloud.js';

type Need = Extract<TargetNeed, { kind: 'parameter' }>;
const [name, folder] = ['/collections/dev/database-url', '/collections/dev/database/'];
const byConvention: Need = { kind: 'parameter', name, from: 'default', folder };
const byFlag: Need = { kind: 'parameter', name, from: 'flag --url-parameter', folder: null };
const access = { profile: 'dev', region: null };

const arnOf = (of: string): string => `arn:aws:ssm:us-east-1:123456789012:parameter${of}`;
const denied = (action: string, where: string): RepotError =>
	new RepotError({
		kind: 'aws',
		code: 'AWS_ACCESS_DENIED',
		message: `AWS does not allow ${action}`,
		where,
		why: 'no identity-based policy allows it',
		next: [`Have ana allowed: ${action} on ${where}`, 'Or use other credentials: --aws-profile NAME'],
	});

/** Days of February on which the parts were last written. */
const written: Readonly<Record<string, string>> = { host: '03', port: '03', name: '04', username: '09', password: '07' };
const values: Readonly<Record<string, string>> = { host: 'db.example', port: '6432', name: 'app', username: 'ana', password: 's3cret' };
const partOf = (full: string): CloudParameter => {
	const part = full.slice(folder.length);
	return {
		name: full,
		value: new Secret(values[part] ?? ''),
		version: Number(written[part]),
		changedAt: `2025-02-${written[part]}T12:00:00.000Z`,
		latencyMilliseconds: 20,
	};
};

interface Refusals {
	readonly whole?: RepotError;
	readonly parts?: RepotError | 'none';
}

/** Parameter Store with the parts; the whole URL is not there, or not for us. */
async function read(need: Need, { whole, parts }: Refusals = {}, tokens = false) {
	const { cloud, calls } = fakeCloud();
	const own: Cloud = {
		...cloud,
		async parameter() {
			if (whole !== undefined) throw whole;
			return null;
		},
		async parameters(_access, names) {
			calls.push(...names);
			if (parts instanceof RepotError) throw parts;
			return new Map(parts === 'none' ? [] : names.map((one) => [one, partOf(one)]));
		},
	};
	const found = await databaseUrl(own, access, need, readTargetUrl, tokens).catch((error: unknown) => error);
	return { found, calls };
}

describe('the database URL in parts', () => {
	it('was changed when its newest part was; the versions of parts are none of the URL', async () => {
		const { found } = await read(byConvention);
		expect(found).toMatchObject({ from: `ssm ${folder}`, version: null, changedAt: '2025-02-09T12:00:00.000Z' });
	});

	it('is read without the password where tokens take its place', async () => {
		const { found, calls } = await read(byConvention, {}, true);
		expect(calls).toEqual(['host', 'port', 'name', 'username'].map((part) => `${folder}${part}`));
		expect((found as { url: Secret }).url.reveal()).toBe('postgresql://ana@db.example:6432/app');
		expect((await read(byConvention)).calls).toContain(`${folder}password`);
	});

	it('is read by a role that may read the parts alone', async () => {
		const { found } = await read(byConvention, { whole: denied('ssm:GetParameter', arnOf(name)) });
		expect((found as { url: Secret }).url.reveal()).toBe('postgresql://ana:s3cret@db.example:6432/app');
	});

	it.each([
		['not allowed either', denied('ssm:GetParameters', arnOf(`${folder}host`)), `${arnOf(name)}, ${arnOf(`${folder}host`)}`],
		['not there', 'none', `${arnOf(name)}, ${folder}* (none of the parts is there)`],
	] as const)('tells the first refusal, and both places, where the parts are %s', async (_, parts, where) => {
		const { found } = await read(byConvention, { whole: denied('ssm:GetParameter', arnOf(name)), parts });
		expect(found).toMatchObject({
			kind: 'aws',
			code: 'AWS_ACCESS_DENIED',
			message: 'AWS does not allow ssm:GetParameter',
			where,
			why: 'no identity-based policy allows it',
			next: [
				`Have ana allowed: ssm:GetParameter on ${arnOf(name)}`,
				`Or have the parts allowed that the split form keeps in ${folder}`,
				'Or use other credentials: --aws-profile NAME',
			],
		});
	});

	it.each([
		['a key that does not decrypt it', byConvention, denied('kms:Decrypt', 'arn:aws:kms:us-east-1:123456789012:key/1')],
		['a name that somebody gave', byFlag, denied('ssm:GetParameter', arnOf(name))],
		['what is no refusal', byConvention, new RepotError({ kind: 'aws', code: 'AWS_UNREACHABLE', message: 'AWS does not answer' })],
	])('is not taken in place of %s', async (_, need, whole) => {
		const { found, calls } = await read(need, { whole });
		expect(found).toBe(whole);
		expect(calls).toEqual([]);
	});

	it('hands on what ends the reading of the parts', async () => {
		const stopped = new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'stopped' });
		const { found } = await read(byConvention, { whole: denied('ssm:GetParameter', arnOf(name)), parts: stopped });
		expect(found).toBe(stopped);
	});
});
