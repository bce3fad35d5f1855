import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { RepotError } from '../core/errors.js';
import { sslModes } from '../core/ssl-mode.js';
import { JsonFault, type LocatedJson, parseLocatedJson } from './json-lines.js';
import { type OptionKey, optionKeys, options } from './options.js';
import { showPath } from './paths.js';
import { nearest } from './values.js';

export const configFileName = 'repot.config.json';

/** Names of environments and datasets: they are typed in commands and to confirm. */
export const namePattern = /^\w[\w.-]*$/;
export const nameWords = 'use a-z, A-Z, 0-9, dot, dash, underscore; the first is a letter, a digit or an underscore';

const name = z.string().regex(namePattern, nameWords);
const words = z.string().min(1, 'it is empty');
/** A text, or an array of texts. */
const several = z.union([words, z.array(words).min(1, 'it is empty')], 'write a text, or texts in brackets: ["a", "b"]');
const environment = z
	.strictObject({
		guard: z.enum(['open', 'protected']).optional(),
		target: words.optional(),
		awsProfile: words.optional(),
		region: words.optional(),
		urlParameter: words.optional(),
		cdkOutputs: words.optional(),
		userPoolId: words.optional(),
		iamAuth: z.boolean().optional(),
		sslMode: z.enum(sslModes).optional(),
		sslRootCert: words.optional(),
	})
	.refine(
		(one) => one.target === undefined || one.urlParameter === undefined,
		'it has "target" and "urlParameter"; the URL comes from one of them',
	);
const dataset = z
	.strictObject({
		sqlite: words.optional(),
		chroma: words.optional(),
		collection: several.optional(),
		pgvectorCollection: several.optional(),
		testUser: words.optional(),
	})
	.refine((one) => one.sqlite !== undefined || one.chroma !== undefined, 'it needs "sqlite", "chroma" or both');

/** What a value of a setting may be in JSON; `options.ts` then parses its text, as it does for a flag. */
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], 'write a text, a number, true or false');
/** Of a setting that may repeat, also several. */
const value = z.union([scalar, z.array(words)], 'write a text, a number, true or false, or texts in brackets: ["a", "b"]');
const stored = (key: OptionKey) => (options[key].many ? value : scalar);
const storedKeys = optionKeys.filter((key) => options[key].perRun === undefined);

/** The file as it is read. What a value of a setting must be, its parser decides. */
export const configSchema = z.strictObject({
	$schema: z.string().optional(),
	environments: z.record(name, environment).optional(),
	datasets: z.record(name, dataset).optional(),
	...(Object.fromEntries(storedKeys.map((key) => [key, stored(key).optional()])) as Record<OptionKey, z.ZodOptional<typeof value>>),
});

type ConfigContent = z.infer<typeof configSchema>;

export interface ConfigFile {
	/** Absolute. */
	readonly path: string;
	/** As messages show it: relative to the working directory, without `./`. */
	readonly shown: string;
	readonly folder: string;
	readonly content: ConfigContent;
	/** `repot.config.json:4` for a key's path such as `/environments/dev/target`. */
	origin(path: string): string;
}

/** Reads the config file; null when none was asked for by name and none lies in the working directory. */
export async function readConfigFile(asked: string | null, cwd: string): Promise<ConfigFile | null> {
	const path = resolve(cwd, asked ?? configFileName);
	const shown = showPath(path, cwd).replace(/^\.\//, '');
	const text = await readText(path, shown, asked !== null);
	if (text === null) return null;
	const located = locate(text, shown);
	return { path, shown, folder: dirname(path), content: check(located, shown), origin: (key) => `${shown}:${lineOf(located, key)}` };
}

async function readText(path: string, shown: string, required: boolean): Promise<string | null> {
	try {
		return await readFile(path, 'utf8');
	} catch (thrown) {
		const code = (thrown as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' && !required) return null;
		throw new RepotError({
			kind: 'usage',
			code: 'CONFIG_UNREADABLE',
			message: 'The config file cannot be read',
			where: shown,
			why: code === 'ENOENT' ? 'there is no such file' : (thrown as Error).message,
			next: ['Check the path given by --config', 'repot init writes a new config file'],
			cause: thrown,
		});
	}
}

function locate(text: string, shown: string): LocatedJson {
	try {
		return parseLocatedJson(text);
	} catch (thrown) {
		if (!(thrown instanceof JsonFault)) throw thrown;
		throw new RepotError({
			kind: 'usage',
			code: 'CONFIG_SYNTAX',
			message: 'The config file is not valid JSON',
			where: `${shown}:${thrown.line}:${thrown.column}`,
			why: thrown.message,
			next: [`Mend line ${thrown.line} of ${shown}`],
		});
	}
}

function check(located: LocatedJson, shown: string): ConfigContent {
	const result = configSchema.safeParse(located.value);
	if (result.success) return result.data;
	const faults = result.error.issues.flatMap((issue) => faultsOf(issue, located));
	const first = faults[0];
	throw new RepotError({
		kind: 'usage',
		code: 'CONFIG_INVALID',
		message: faults.length > 1 ? `The config file has ${faults.length} mistakes` : 'The config file has a mistake',
		where: `${shown}:${first?.line ?? 1}`,
		why: faults.map((fault) => (faults.length > 1 ? `line ${fault.line}: ${fault.text}` : fault.text)).join('; '),
		next: [...new Set(faults.map((fault) => fault.next))],
	});
}

interface Fault {
	readonly line: number;
	readonly text: string;
	readonly next: string;
}

function faultsOf(issue: z.core.$ZodIssue, located: LocatedJson): readonly Fault[] {
	const path = issue.path.map((part) => `/${String(part)}`).join('');
	if (issue.code !== 'unrecognized_keys') {
		const place = path === '' ? 'the file' : `"${issue.path.map(String).join('.')}"`;
		return [
			{ line: lineOf(located, path), text: `${place}: ${wordsOf(issue)}`, next: `Mend ${place}; docs/configuration.md lists every key` },
		];
	}
	return issue.keys.map((key) => {
		const line = lineOf(located, `${path}/${key}`);
		const perRun = optionKeys.find((known) => known === key && options[known].perRun);
		if (perRun !== undefined) {
			return { line, text: `"${key}" is a decision for one run and has no place in a file`, next: `Remove "${key}" and give it as a flag` };
		}
		const near = nearest(key, knownKeys(issue.path));
		const known = near === null ? `Remove "${key}"; docs/configuration.md lists every key` : `Did you mean "${near}"?`;
		return { line, text: `unknown key "${key}"`, next: known };
	});
}

/** What is expected, as a person would say it. Messages of this file's own rules stay. */
function wordsOf(issue: z.core.$ZodIssue): string {
	switch (issue.code) {
		case 'invalid_type':
			return `write ${things[issue.expected] ?? `a value of kind ${issue.expected}`}`;
		case 'invalid_value':
			return `write ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}`;
		case 'invalid_key':
			return `the name cannot be used: ${issue.issues[0]?.message ?? 'choose another'}`;
		default:
			return issue.message;
	}
}

const things: Readonly<Record<string, string>> = {
	string: 'a text in double quotes',
	number: 'a number',
	boolean: 'true or false',
	object: 'an object in braces: { ... }',
	record: 'an object in braces: { "NAME": { ... } }',
};

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
	if (path[0] === 'environments') return Object.keys(environment.shape);
	if (path[0] === 'datasets') return Object.keys(dataset.shape);
	return ['environments', 'datasets', ...storedKeys];
}

/** The line of the key, or of the nearest thing that holds it. */
function lineOf(located: LocatedJson, path: string): number {
	for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
		const line = located.lines.get(at);
		if (line !== undefined) return line;
		if (at === '') return 1;
	}
}
