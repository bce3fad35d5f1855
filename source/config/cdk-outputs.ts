import { readFile } from 'node:fs/promises';
import { RepotError } from '../core/errors.js';
import { JsonFault, parseLocatedJson } from './json-lines.js';

export type PoolInOutputs =
	/** `output`: the key it stands under, with its stack where the file names one: `AuthStack.UserPoolId`. */
	| { readonly kind: 'found'; readonly id: string; readonly output: string }
	| { readonly kind: 'no-file' }
	/** `outputs`: the keys that the file has instead. */
	| { readonly kind: 'no-pool'; readonly outputs: readonly string[] };

/** `REGION_` and letters and digits (Cognito API, UserPoolType.Id). */
const poolId = /^[a-z]{2}(?:-[a-z]+)+-\d+_[0-9A-Za-z]+$/;
const ofPool = /user[-_]?pool/i;
const ofSomethingElse = /client|arn|domain|provider|endpoint|url/i;

/** The region that a pool lies in, as its id says; null for what is no id. */
export const regionOfPool = (id: string): string | null => (poolId.test(id) ? (id.split('_')[0] ?? null) : null);

/**
 * The id of the Cognito user pool in a file of outputs (absolute path): a list of `{OutputKey, OutputValue}` as CloudFormation prints them, also
 * under `Stacks[].Outputs`; one object of keys and values; or the same nested by stack, as `cdk deploy --outputs-file` writes it. Throws
 * RepotError (usage) when the file cannot be read or names several pools.
 */
export async function readUserPoolId(path: string, shown = path): Promise<PoolInOutputs> {
	const text = await textOf(path, shown);
	if (text === null) return { kind: 'no-file' };
	const outputs = [...outputsIn(parsed(text, shown), '')];
	const pools = outputs.filter(({ key, value }) => ofPool.test(key) && !ofSomethingElse.test(key) && poolId.test(value));
	const [first] = pools;
	if (first === undefined) return { kind: 'no-pool', outputs: outputs.map(placeOf) };
	if (new Set(pools.map(({ value }) => value)).size > 1) throw severalPools(pools, shown);
	return { kind: 'found', id: first.value, output: placeOf(first) };
}

interface Output {
	/** Empty where the file names no stack. */
	readonly stack: string;
	readonly key: string;
	readonly value: string;
}

const placeOf = ({ stack, key }: Output): string => (stack === '' ? key : `${stack}.${key}`);

function* outputsIn(value: unknown, stack: string): Iterable<Output> {
	if (Array.isArray(value)) for (const one of value) yield* outputsIn(one, stack);
	else if (typeof value === 'object' && value !== null) yield* outputsOf(value as Readonly<Record<string, unknown>>, stack);
}

function* outputsOf(one: Readonly<Record<string, unknown>>, stack: string): Iterable<Output> {
	const { OutputKey, OutputValue, Outputs, StackName } = one;
	if (typeof OutputKey === 'string') {
		if (typeof OutputValue === 'string') yield { stack, key: OutputKey, value: OutputValue };
	} else if (Array.isArray(Outputs)) {
		yield* outputsIn(Outputs, typeof StackName === 'string' ? StackName : stack);
	} else {
		for (const [key, value] of Object.entries(one)) {
			if (typeof value === 'string') yield { stack, key, value };
			else yield* outputsIn(value, Array.isArray(value) ? stack : key);
		}
	}
}

async function textOf(path: string, shown: string): Promise<string | null> {
	try {
		return await readFile(path, 'utf8');
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw new RepotError({
			kind: 'usage',
			code: 'OUTPUTS_UNREADABLE',
			message: 'The file of CDK outputs cannot be read',
			where: shown,
			why: (thrown as Error).message,
			next: ['Check who may read it', '--cdk-outputs FILE names another one', '--user-pool-id ID names the pool without it'],
			cause: thrown,
		});
	}
}

function parsed(text: string, shown: string): unknown {
	try {
		return parseLocatedJson(text).value;
	} catch (thrown) {
		if (!(thrown instanceof JsonFault)) throw thrown;
		throw new RepotError({
			kind: 'usage',
			code: 'OUTPUTS_SYNTAX',
			message: 'The file of CDK outputs is not valid JSON',
			where: `${shown}:${thrown.line}:${thrown.column}`,
			why: thrown.message,
			next: ['Write it again: cdk deploy --outputs-file FILE', '--user-pool-id ID names the pool without it'],
		});
	}
}

const severalPools = (pools: readonly Output[], shown: string): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'SEVERAL_USER_POOLS',
		message: 'The file of CDK outputs names several Cognito user pools',
		where: shown,
		why: pools.map((one) => `${placeOf(one)} is ${one.value}`).join(', '),
		next: ['--user-pool-id ID says which one holds the user'],
	});
