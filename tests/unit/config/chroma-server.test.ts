import { describe, expect, it } from 'vitest';
import { headlessChoices } from '../../../source/config/choices.js';
import { chromaAccess, fullAddress } from '../../../source/config/chroma-server.js';
import { redaction } from '../../../source/config/redact.js';
import { chromaAddress, chromaPlace } from '../../../source/core/chroma-address.js';
import { settingsOf } from './folder.js';

type Given = Parameters<typeof settingsOf>[0];

const placeOf = async (given: Given): Promise<string | null> => headlessChoices(await settingsOf(given)).chromaPath;
const failureOf = async (given: Given): Promise<unknown> =>
	placeOf(given).then(
		() => 'nothing failed',
		(thrown: unknown) => thrown,
	);

describe('the address of a Chroma server', () => {
	it('is one text for one server, without user, password, endpoint and unknown parameters', () => {
		const places = ['http://h:8000', 'http://h:8000/', 'HTTP://ana:hush@H:8000/api/v2/#x', 'http://h:8000/api/v2/heartbeat?y=1'];
		for (const place of places) expect(chromaPlace(chromaAddress(place) ?? expect.fail())).toBe('http://h:8000');
		const named = { base: 'https://h/proxy/chroma', tenant: 'a&b', database: 'c d' };
		expect(chromaPlace(named)).toBe('https://h/proxy/chroma/?tenant=a%26b&database=c%20d');
		expect(chromaAddress(chromaPlace(named))).toEqual(named);
		expect([chromaAddress('./chroma'), chromaAddress('http://')]).toEqual([null, null]);
	});

	it('comes from the highest level that names a directory or a server', async () => {
		const config = { chromaUrl: 'http://of-config:8000/' };
		expect(await placeOf({ config })).toBe('http://of-config:8000');
		expect(await placeOf({ config, env: { REPOT_CHROMA_PATH: './chroma' } })).toBe('./chroma');
		expect(await placeOf({ config, env: { REPOT_CHROMA_PATH: './chroma' }, flags: { chromaUrl: 'http://flag' } })).toBe('http://flag');
		expect(await placeOf({ config, flags: { chromaUrl: '' } })).toBeNull();
		const both = { chromaPath: './chroma', chromaUrl: 'http://flag' };
		expect(await failureOf({ flags: both })).toMatchObject({ code: 'TWO_CHROMA_SOURCES', kind: 'usage' });
	});

	it('may stand in a dataset, but without a password', async () => {
		const dataset = (chroma: string) => ({ config: { datasets: { live: { sqlite: './app.db', chroma } } } });
		expect(await placeOf(dataset('http://h:8000/?database=d'))).toBe('http://h:8000/?database=d');
		const failure = await failureOf(dataset('http://ana:hush1234@h:8000'));
		expect(failure).toMatchObject({ code: 'BAD_VALUE', where: expect.stringContaining('repot.config.json:') });
		expect(JSON.stringify(failure)).not.toContain('hush1234');
	});

	it('is completed by the settings, and refuses a flag that says something else', async () => {
		const settings = await settingsOf({ env: { REPOT_CHROMA_TENANT: 't' }, flags: { chromaDatabase: 'd' } });
		expect(fullAddress(settings, 'http://h:8000')).toBe('http://h:8000/?tenant=t&database=d');
		expect(fullAddress(settings, 'http://h:8000/?tenant=own')).toBe('http://h:8000/?tenant=own&database=d');
		expect(() => fullAddress(settings, 'http://h:8000/?database=own')).toThrow(expect.objectContaining({ code: 'CHROMA_TWO_NAMES' }));
	});

	it('keeps user, password and token apart from itself, and out of every message', async () => {
		const settings = await settingsOf({
			flags: { chromaUrl: 'https://ana:hu%40sh1234@h:8000/', env: 'dev' },
			env: { REPOT_CHROMA_TOKEN: 'ck-hush-5678' },
		});
		expect(headlessChoices(settings).chromaPath).toBe('https://h:8000');
		expect(chromaAccess(settings, 'https://h:8000/?tenant=x')).toEqual({
			token: 'ck-hush-5678',
			authorization: `Basic ${Buffer.from('ana:hu@sh1234').toString('base64')}`,
		});
		expect(chromaAccess(settings, 'https://elsewhere:8000')).toEqual({ token: 'ck-hush-5678', authorization: null });
		const { text } = redaction(settings.secrets, settings.names);
		expect(text('server at h said: ck-hush-5678 and hu@sh1234 and hu%40sh1234 are wrong')).not.toMatch(/hush|sh1234/);
		expect(JSON.stringify(settings.values)).not.toMatch(/hush|sh1234/);
	});
});
