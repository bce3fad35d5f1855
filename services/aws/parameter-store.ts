import type { Parameter, SSMClient } from '@aws-sdk/client-ssm';
import { byNearness } from '../../source/core/edit-distance.js';
import { RepotError } from '../../source/core/errors.js';
import type { CloudParameter } from '../../source/core/ports/cloud.js';
import { Secret } from '../../source/core/secret.js';
import type { Asked } from './failed-call.js';
import { usageProblem } from './problem.js';
import { shapeOf } from './problems.js';
import { ask, type Session, settingsOf } from './session.js';

/** A client of Systems Manager for one piece of work. */
async function withClient<T>(session: Session, work: (client: SSMClient) => Promise<T>): Promise<T> {
	const { SSMClient } = await import('./sdk/ssm.js');
	const client = new SSMClient(settingsOf(session, 'SSM'));
	try {
		return await work(client);
	} finally {
		client.destroy();
	}
}

const askedFor = (action: string, names: readonly string[]): Asked => ({
	service: 'SSM',
	action,
	what: `Parameter Store for ${names.join(', ')}`,
	resources: ({ partition, region, account }) =>
		// A version or label after the name is no part of the ARN; the name may be an ARN itself.
		names.map((name) =>
			name.startsWith('arn:') ? name : `arn:${partition}:ssm:${region}:${account}:parameter/${name.replace(/^\//, '').replace(/:.*$/, '')}`,
		),
});

function parameterOf(given: Parameter, latencyMilliseconds: number): CloudParameter {
	return {
		name: given.Name ?? '',
		// Not told as a secret: host, port and user of the split form are words that stand everywhere. Whoever reads a password out of it tells that.
		value: new Secret(given.Value ?? ''),
		version: given.Version ?? 0,
		changedAt: given.LastModifiedDate?.toISOString() ?? null,
		latencyMilliseconds,
	};
}

const isMissing = (error: unknown): boolean => ['ParameterNotFound', 'ParameterVersionNotFound'].includes(shapeOf(error)?.name ?? '');

const badName = (name: string, why: string): RepotError =>
	usageProblem({
		code: 'BAD_PARAMETER_NAME',
		message: 'This cannot be the name of a parameter',
		where: name,
		why,
		next: ['Names are like /collections/dev/database-url: letters, digits and . - _ between slashes'],
	});

/** GetParameter with decryption; null: there is none of the name, or not in this version. */
export async function parameter(session: Session, name: string, signal?: AbortSignal): Promise<CloudParameter | null> {
	const { clock, secrecy } = session.setup;
	return await withClient(session, async (client) => {
		const { GetParameterCommand } = await import('./sdk/ssm.js');
		// Loading the credentials is no latency of the call.
		await ask(session, askedFor('ssm:GetParameter', [name]), () => session.credentials(), signal);
		const started = clock.now();
		const call = async (options: { readonly abortSignal?: AbortSignal }): Promise<Parameter | null> => {
			try {
				const answer = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }), options);
				return answer.Parameter ?? null;
			} catch (error) {
				if (isMissing(error)) return null;
				const shape = shapeOf(error);
				if (shape?.name === 'ValidationException') throw badName(name, secrecy.words(shape.message));
				throw error;
			}
		};
		const found = await ask(session, askedFor('ssm:GetParameter', [name]), call, signal);
		return found === null ? null : parameterOf(found, clock.now() - started);
	});
}

/** GetParameters takes ten names a call. */
const namesOfOneCall = 10;

export async function parameters(
	session: Session,
	names: readonly string[],
	signal?: AbortSignal,
): Promise<ReadonlyMap<string, CloudParameter>> {
	const found = new Map<string, CloudParameter>();
	const wanted = [...new Set(names)];
	const { clock } = session.setup;
	await withClient(session, async (client) => {
		const { GetParametersCommand } = await import('./sdk/ssm.js');
		for (let at = 0; at < wanted.length; at += namesOfOneCall) {
			const some = wanted.slice(at, at + namesOfOneCall);
			const started = clock.now();
			const call = (options: { readonly abortSignal?: AbortSignal }) =>
				client.send(new GetParametersCommand({ Names: some, WithDecryption: true }), options);
			const answer = await ask(session, askedFor('ssm:GetParameters', some), call, signal);
			const took = clock.now() - started;
			const given = new Map((answer.Parameters ?? []).map((one) => [one.Name ?? '', one]));
			// The service answers in an order of its own.
			for (const name of some) {
				const one = given.get(name);
				if (one !== undefined) found.set(name, parameterOf(one, took));
			}
		}
	});
	return found;
}

const mostNames = 500;
const mostNear = 5;

/**
 * Names that exist and resemble this one: those of its first folder, or else those that end alike. Empty also where DescribeParameters is not
 * allowed: the names are a help, not the matter.
 */
export async function parameterNames(session: Session, near: string, signal?: AbortSignal): Promise<readonly string[]> {
	const folder = /^\/[^/]+\//.exec(near)?.[0];
	const last = near.split('/').filter(Boolean).at(-1) ?? '';
	try {
		const beside = await listNames(session, folder === undefined ? null : { option: 'BeginsWith', value: folder }, signal);
		const close = nearest(near, beside);
		if (close.length > 0 || folder === undefined || last === '') return close;
		return nearest(near, await listNames(session, { option: 'Contains', value: last }, signal));
	} catch (error) {
		if (error instanceof RepotError && error.kind === 'aws') return [];
		throw error;
	}
}

/** The service lists names in an order of its own. */
const nearest = (near: string, names: readonly string[]): readonly string[] =>
	byNearness(near, [...names].sort())
		.filter(({ name, distance }) => name !== near && distance <= Math.max(near.length, name.length) / 2)
		.slice(0, mostNear)
		.map(({ name }) => name);

async function listNames(
	session: Session,
	filter: { readonly option: 'BeginsWith' | 'Contains'; readonly value: string } | null,
	signal: AbortSignal | undefined,
): Promise<readonly string[]> {
	const names: string[] = [];
	const asked: Asked = { service: 'SSM', action: 'ssm:DescribeParameters', what: 'Parameter Store for names' };
	await withClient(session, async (client) => {
		const { DescribeParametersCommand } = await import('./sdk/ssm.js');
		let next: string | undefined;
		do {
			const command = new DescribeParametersCommand({
				MaxResults: 50,
				...(filter === null ? {} : { ParameterFilters: [{ Key: 'Name', Option: filter.option, Values: [filter.value] }] }),
				...(next === undefined ? {} : { NextToken: next }),
			});
			const page = await ask(session, asked, (options) => client.send(command, options), signal);
			names.push(...(page.Parameters ?? []).flatMap(({ Name }) => (Name === undefined ? [] : [Name])));
			next = page.NextToken;
		} while (next !== undefined && names.length < mostNames);
	});
	return names;
}
