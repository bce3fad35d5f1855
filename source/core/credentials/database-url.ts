import { RepotError } from '../errors.js';
import type { Origin } from '../origin.js';
import type { AwsAccess, Cloud, CloudParameter } from '../ports.js';
import type { Secret } from '../secret.js';
import type { TargetNeed } from './needs.js';

export interface FoundUrl {
	readonly url: Secret;
	/** `ssm /collections/dev/database-url v7` */
	readonly from: Origin;
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

/** Reads the database URL that a parameter holds, whole or in parts. Throws RepotError (`aws`, or `usage` for what the parameter holds). */
export async function databaseUrl(
	cloud: Cloud,
	access: AwsAccess,
	need: Extract<TargetNeed, { kind: 'parameter' }>,
	readUrl: ReadUrl,
	tokens: boolean,
	signal?: AbortSignal,
): Promise<FoundUrl> {
	if (need.name.endsWith('/')) {
		const found = await fromFolder(cloud, access, need.name, readUrl, tokens, signal);
		if (found !== null) return found;
		throw await missing(cloud, access, need, signal);
	}
	const whole = await cloud.parameter(access, need.name, signal);
	if (whole !== null) return { ...stampOf([whole], `ssm ${whole.name} v${whole.version}`), url: fromText(whole, readUrl) };
	const split = need.folder === null ? null : await fromFolder(cloud, access, need.folder, readUrl, tokens, signal);
	if (split !== null) return split;
	throw await missing(cloud, access, need, signal);
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
async function fromFolder(
	cloud: Cloud,
	access: AwsAccess,
	folder: string,
	readUrl: ReadUrl,
	tokens: boolean,
	signal: AbortSignal | undefined,
): Promise<FoundUrl | null> {
	const found = await cloud.parameters(
		access,
		parts.map((part) => `${folder}${part}`),
		signal,
	);
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
	cloud: Cloud,
	access: AwsAccess,
	{ name, folder, from }: Extract<TargetNeed, { kind: 'parameter' }>,
	signal: AbortSignal | undefined,
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
