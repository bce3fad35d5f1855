import { readdir } from 'node:fs/promises';
import { readUserPoolId } from '../config/cdk-outputs.js';
import { type EnvironmentKey, environmentKeys } from '../config/configured.js';
import { usualOutputs, usualParameter } from '../config/conventions.js';
import { overrides } from '../config/settings.js';
import { targetUrl, withoutPassword } from '../config/target-url.js';
import { BadValue } from '../config/values.js';
import { asRepotError, RepotError } from '../core/errors.js';
import type { AwsProfile } from '../core/ports/cloud.js';
import type { Secret } from '../core/secret.js';
import { type CommandContext, withOperations } from './context.js';

/** Where an environment's URL comes from, and what else the environment says itself. */
export interface TargetAnswer {
	/** Null: Parameter Store has it, under the parameter of `own`. */
	readonly target: Secret | null;
	readonly own: Readonly<Partial<Record<EnvironmentKey, string | boolean>>>;
}

/** Asks for a URL, a folder of the embedded PostgreSQL, or a parameter with who reads it; flags are what is offered first. */
export async function askTarget(context: CommandContext, environment: string): Promise<TargetAnswer> {
	const { prompts } = context.shell;
	const { postgresUrl } = context.settings.values;
	const given = postgresUrl.value === null ? null : withoutPassword(postgresUrl.value).url;
	const isEmbedded = given === null ? environment === 'local' : given.startsWith('pglite:');
	const first = saysParameter(context) ? 'parameter' : isEmbedded ? 'embedded' : 'url';
	const kind = await prompts.select<'url' | 'embedded' | 'parameter'>(
		'Target',
		[
			{ value: 'url' as const, name: 'a PostgreSQL URL' },
			{ value: 'parameter' as const, name: 'a PostgreSQL URL that AWS Parameter Store has' },
			{ value: 'embedded' as const, name: 'the embedded PostgreSQL: a folder, no server' },
		].sort((a, b) => Number(b.value === first) - Number(a.value === first)),
	);
	const own = { ...ownFromFlags(context), ...(await askOutputs(context, environment)) };
	if (kind === 'parameter') return { target: null, own: { ...own, ...(await askParameter(context, environment)) } };
	const { urlParameter: _, ...rest } = own;
	const url = await prompts.input(
		kind === 'url'
			? {
					message: 'URL: postgresql://USER@HOST:PORT/DATABASE',
					...(given === null || isEmbedded ? {} : { initial: given }),
					check: checkTarget,
				}
			: {
					message: 'Folder of the embedded PostgreSQL',
					// A folder for each environment: two of one folder would be one database under two guards.
					initial:
						given !== null && isEmbedded
							? given.slice('pglite:'.length)
							: environment === 'local'
								? './repot-pg'
								: `./repot-pg-${environment}`,
				},
	);
	return { target: targetUrl(kind === 'url' || url.startsWith('pglite:') ? url : `pglite:${url}`), own: rest };
}

function checkTarget(value: string): true | string {
	try {
		targetUrl(value);
		return true;
	} catch (thrown) {
		if (thrown instanceof BadValue) return thrown.message;
		throw thrown;
	}
}

const nobody = '-';

async function askParameter(context: CommandContext, environment: string): Promise<TargetAnswer['own']> {
	const { prompts } = context.shell;
	const { awsProfile, region, urlParameter } = context.settings.values;
	const profiles = await foundProfiles(context);
	const order = (name: string): number => (name === awsProfile.value ? 0 : name === environment ? 1 : 2);
	const chosen =
		profiles.length === 0
			? (awsProfile.value ?? nobody)
			: await prompts.select('AWS profile that reads it', [
					...[...profiles].sort((a, b) => order(a.name) - order(b.name)).map((one) => ({ value: one.name, name: profileWords(one) })),
					{ value: nobody, name: 'none: keys of the environment, or the role of the machine' },
				]);
	const ofProfile = profiles.find(({ name }) => name === chosen)?.region ?? null;
	const where = await prompts.input({
		message: ofProfile === null ? 'AWS region (empty: as the usual chain finds it)' : 'AWS region',
		initial: region.value ?? ofProfile ?? '',
	});
	const parameter = await prompts.input({
		message: 'Parameter with the URL (ending with /: the folder of its parts)',
		initial: urlParameter.value ?? usualParameter(environment),
		check: (text) => text.trim() !== '' || 'Write the name of a parameter',
	});
	return {
		...(chosen === nobody ? {} : { awsProfile: chosen }),
		// What the profile says already is left to it.
		...(where.trim() === '' || where === ofProfile ? {} : { region: where.trim() }),
		urlParameter: parameter,
	};
}

/** `dev  SSO, account 1234 role admin, eu-west-1`. */
const profileWords = ({ name, kind, about, region }: AwsProfile): string =>
	`${name}  ${[kind, about, region].filter((part) => part !== null).join(', ')}`;

/** Files of AWS that cannot be read are told, and nothing else is lost by them. */
async function foundProfiles(context: CommandContext): Promise<readonly AwsProfile[]> {
	try {
		return await withOperations(context, (operations) => operations.awsProfiles());
	} catch (thrown) {
		const { message, where } = asRepotError(thrown);
		context.shell.output.say(`LOOK AWS profiles were not found: ${[message, where].filter((part) => part !== undefined).join(': ')}`);
		return [];
	}
}

/** Files that a deployment wrote; the one that the convention names needs no word in the config. */
async function askOutputs(context: CommandContext, environment: string): Promise<TargetAnswer['own']> {
	const { cdkOutputs, userPoolId } = context.settings.values;
	if (cdkOutputs.value !== null || userPoolId.value !== null) return {};
	const entries = await readdir(context.shell.cwd).catch(() => []);
	const files = entries.filter((name) => /^(\.aws-outputs-.+|cdk-outputs.*)\.json$/.test(name)).map((name) => `./${name}`);
	if (files.length === 0 || files.includes(usualOutputs(environment))) return {};
	const choices = await Promise.all(
		files.sort().map(async (path) => ({ value: path, name: `${path}: ${await poolWords(context, path)}` })),
	);
	const chosen = await context.shell.prompts.select('CDK outputs found here, with the Cognito user pool', [
		...choices,
		{ value: nobody, name: 'none' },
	]);
	return chosen === nobody ? {} : { cdkOutputs: chosen };
}

async function poolWords({ shell }: CommandContext, path: string): Promise<string> {
	try {
		const found = await readUserPoolId(`${shell.cwd}/${path}`, path);
		return found.kind === 'found' ? found.id : 'no user pool in it';
	} catch (thrown) {
		return asRepotError(thrown).message;
	}
}

/** The same from flags. Throws RepotError (usage) when nothing says where the target is, or two flags do. */
export function targetFromFlags(context: CommandContext): TargetAnswer {
	const { postgresUrl, urlParameter } = context.settings.values;
	if (postgresUrl.level === 'flag' && urlParameter.level === 'flag' && postgresUrl.value !== null && urlParameter.value !== null) {
		throw new RepotError({
			kind: 'usage',
			code: 'TWO_TARGETS',
			message: '--postgres-url and --url-parameter both say where the target is',
			next: ['Give one of them'],
		});
	}
	const own = ownFromFlags(context);
	if (saysParameter(context)) return { target: null, own };
	const { urlParameter: _, ...rest } = own;
	if (postgresUrl.value !== null) return { target: postgresUrl.value, own: rest };
	throw new RepotError({
		kind: 'usage',
		code: 'MISSING_ANSWER',
		message: 'One answer is missing',
		why: context.terminal.interactive ? '--yes was given' : `nobody can be asked: ${context.terminal.reason ?? 'no terminal'}`,
		next: [
			'--postgres-url URL: postgresql://USER@HOST:PORT/DATABASE or pglite:DIR',
			'Or --url-parameter NAME: Parameter Store has the URL; --aws-profile and --region say who reads it and where',
		],
	});
}

/** A parameter is said, and no URL as near; or nothing but who reads it, so that it is the one of the convention. */
function saysParameter({ settings }: CommandContext): boolean {
	const { postgresUrl, urlParameter, awsProfile } = settings.values;
	if (postgresUrl.value === null && awsProfile.level === 'flag' && awsProfile.value !== null) return true;
	return urlParameter.value !== null && (postgresUrl.value === null || overrides(urlParameter.level, postgresUrl.level) > 0);
}

/** What a variable says is left to it; only the parameter, which stands in place of a target, is written whoever says it. */
function ownFromFlags({ settings }: CommandContext): TargetAnswer['own'] {
	const given = environmentKeys.filter((key) => settings.values[key].level === 'flag' || key === 'urlParameter');
	return Object.fromEntries(given.flatMap((key) => (settings.values[key].value === null ? [] : [[key, settings.values[key].value]])));
}
