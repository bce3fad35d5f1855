import { RepotError } from '../errors.js';
import type { Origin } from '../origin.js';
import type { AwsAccess, Cloud, CloudParameter } from '../ports.js';
import type { Secret } from '../secret.js';
import type { TargetNeed } from './needs.js';

export interface FoundUrl {
	readonly url: Secret;
	/** `ssm /collections/dev/database-url v7` */
	readonly from: Origin;
	/** Null: of the split form, whose parts have each their own. */
	readonly version: number | null;
	/** ISO 8601; of the split form the newest part's. */
	readonly changedAt: string | null;
	readonly latencyMilliseconds: number;
}

/** `urlText` to a URL that the target takes. Throws RepotError (usage) that repeats nothing of it. */
export type ReadUrl = (urlText: string, from: Origin) => Secret;

/** Parts of the split form: one parameter each in one folder. */
const parts = ['host', 'port', 'name', 'username', 'password'] as const;
type Part = (typeof parts)[number];

/** How the parts are read and put together. */
interface Reading {
	readonly cloud: Cloud;
	readonly access: AwsAccess;
	readonly readUrl: ReadUrl;
	/** They take the place of the password, which is then not fetched. */
	readonly tokens: boolean;
	readonly signal: AbortSignal | undefined;
}

/** Reads the database URL that a parameter holds, whole or in parts. Throws RepotError (`aws`, or `usage` for what the parameter holds). */
export async function databaseUrl(
	cloud: Cloud,
	access: AwsAccess,
	need: Extract<TargetNeed, { kind: 'parameter' }>,
	readUrl: ReadUrl,
	tokens: boolean,
	signal?: AbortSignal,
): Promise<FoundUrl> {
	const reading = { cloud, access, readUrl, tokens, signal };
	if (need.name.endsWith('/')) {
		const found = await fromFolder(reading, need.name);
		if (found !== null) return found;
		throw await missing(reading, need);
	}
	const whole = await wholeUrl(reading, need);
	if (whole instanceof RepotError) return await inPlaceOf(whole, reading, need.folder ?? '');
	if (whole !== null) return whole;
	const split = need.folder === null ? null : await fromFolder(reading, need.folder);
	if (split !== null) return split;
	throw await missing(reading, need);
}

/** The URL of one parameter; null: there is none; an error: it may not be read, and there is a folder that may be. */
async function wholeUrl(
	{ cloud, access, readUrl, signal }: Reading,
	{ name, folder }: Extract<TargetNeed, { kind: 'parameter' }>,
): Promise<FoundUrl | RepotError | null> {
	try {
		const found = await cloud.parameter(access, name, signal);
		return found === null ? null : { ...stampOf([found], `ssm ${found.name} v${found.version}`), url: fromText(found, readUrl) };
	} catch (error) {
		if (folder !== null && isDenied(error)) return error;
		throw error;
	}
}

/** What a key refuses to decrypt is there, so nothing else is taken in its place. */
const isDenied = (error: unknown): error is RepotError =>
	error instanceof RepotError && error.code === 'AWS_ACCESS_DENIED' && !(error.where ?? '').includes(':kms:');

/** A role may be allowed the parts alone. Where they give nothing either, it is told what was refused first, and both places. */
async function inPlaceOf(refusal: RepotError, reading: Reading, folder: string): Promise<FoundUrl> {
	let also = `${folder}* (none of the parts is there)`;
	try {
		const split = await fromFolder(reading, folder);
		if (split !== null) return split;
	} catch (error) {
		if (!isDenied(error)) throw error;
		also = error.where ?? folder;
	}
	const { kind, code, message, where, why, next } = refusal;
	throw new RepotError({
		kind,
		code,
		message,
		where: [where, also].filter((one) => one !== undefined).join(', '),
		...(why === undefined ? {} : { why }),
		next: [...next.slice(0, -1), `Or have the parts allowed that the split form keeps in ${folder}`, ...next.slice(-1)],
	});
}

function fromText(parameter: CloudParameter, readUrl: ReadUrl): Secret {
	return readUrl(parameter.value.reveal().trim(), `ssm ${parameter.name}`);
}

function stampOf(parameters: readonly CloudParameter[], from: Origin): Omit<FoundUrl, 'url'> {
	const dates = parameters.flatMap(({ changedAt }) => (changedAt === null ? [] : [changedAt])).sort();
	return {
		from,
		version: parameters.length === 1 ? (parameters[0]?.version ?? null) : null,
		changedAt: dates.at(-1) ?? null,
		latencyMilliseconds: Math.max(0, ...parameters.map(({ latencyMilliseconds }) => latencyMilliseconds)),
	};
}

/** Null when the folder holds none of the parts. */
async function fromFolder({ cloud, access, readUrl, tokens, signal }: Reading, folder: string): Promise<FoundUrl | null> {
	const names = parts.filter((part) => !tokens || part !== 'password').map((part) => `${folder}${part}`);
	const found = await cloud.parameters(access, names, signal);
	if (found.size === 0) return null;
	const value = (part: Part): string | null => found.get(`${folder}${part}`)?.value.reveal().trim() ?? null;
	const needed = (['host', 'name', 'username', ...(tokens ? [] : (['password'] as const))] as const).filter((part) => value(part) === null);
	if (needed.length > 0) throw incomplete(folder, [...found.keys()], needed);
	const password = tokens ? null : value('password');
	const user = encodeURIComponent(value('username') ?? '');
	const login = password === null ? user : `${user}:${encodeURIComponent(password)}`;
	const host = value('host') ?? '';
	// An IPv6 address stands in brackets.
	const place = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
	const text = `postgresql://${login}@${place}:${value('port') ?? '5432'}/${encodeURIComponent(value('name') ?? '')}`;
	return { ...stampOf([...found.values()], `ssm ${folder}`), url: readUrl(text, `ssm ${folder}`) };
}

const incomplete = (folder: string, found: readonly string[], needed: readonly string[]): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'PARAMETER_INCOMPLETE',
		message: 'The parameters of the database are not all there',
		where: `ssm ${folder}`,
		why: `there is ${found.map((name) => name.slice(folder.length)).join(', ')}, and no ${needed.join(', no ')}`,
		next: [
			...needed.map((part) => `Make the parameter ${folder}${part}`),
			'Or give the whole URL: --postgres-url, or another --url-parameter',
		],
	});

async function missing(
	{ cloud, access, signal }: Reading,
	{ name, folder, from }: Extract<TargetNeed, { kind: 'parameter' }>,
): Promise<RepotError> {
	const near = await cloud.parameterNames(access, name, signal);
	return new RepotError({
		kind: 'usage',
		code: 'NO_SUCH_PARAMETER',
		message: `Parameter Store has no ${name}`,
		...(from === 'default' ? {} : { where: from }),
		why: folder === null ? 'there is no parameter of that name in this account and region' : `its parts are not in ${folder} either`,
		next: [
			...near.map((one) => `--url-parameter ${one}`),
			'Check account and region of the AWS identity; --aws-profile and --region choose others',
			'Or give the URL itself: --postgres-url, or REPOT_POSTGRES_URL',
		],
	});
}
