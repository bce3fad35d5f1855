import { partitionOfRegion } from '../../source/core/aws-places.js';
import type { RepotError } from '../../source/core/errors.js';
import type { Asked, Caller, ErrorShape, Facts } from './failed-call.js';
import { awsProblem } from './problem.js';

interface Statement {
	readonly actions: readonly string[];
	readonly resources: readonly string[];
}

const oneOrAll = (values: readonly string[]): string | readonly string[] => (values.length === 1 ? (values[0] ?? '') : values);

/** An IAM policy in one line ("IAM JSON policy reference"). */
const policyOf = (statements: readonly Statement[]): string =>
	JSON.stringify({
		Version: '2012-10-17',
		Statement: statements.map(({ actions, resources }) => ({ Effect: 'Allow', Action: oneOrAll(actions), Resource: oneOrAll(resources) })),
	});

/** Where the caller is at home. */
const partitionOf = (caller: Caller | null, region: string): string =>
	/^arn:([\w-]+):/.exec(caller?.arn ?? '')?.[1] ?? partitionOfRegion(region);

/** Words like `User: ARN is not authorized to perform: ACTION on resource: ARN because ...`. */
function namedBy(words: string) {
	return {
		caller: /User: (arn:\S+)/.exec(words)?.[1],
		action: /perform: ([\w-]+:\w+)/.exec(words)?.[1],
		resource: /on resource: (arn:[^\s,]+|\*)/.exec(words)?.[1],
	};
}

export function accessDenied(shape: ErrorShape, asked: Asked, facts: Facts): RepotError {
	const words = facts.setup.secrecy.words(shape.message);
	const named = namedBy(words);
	const place = {
		partition: partitionOf(facts.caller, facts.region),
		region: facts.region,
		account: facts.caller?.account ?? '*',
	};
	const wanted: Statement = { actions: [asked.action], resources: asked.resources?.(place) ?? ['*'] };
	const isKey = named.action?.startsWith('kms:') === true || /ciphertext|kms|key id/i.test(words);
	const key = named.resource?.includes(':kms:') ? named.resource : `arn:${place.partition}:kms:${place.region}:${place.account}:key/*`;
	const action = isKey ? 'kms:Decrypt' : (named.action ?? asked.action);
	const refused = isKey ? [key] : named.resource !== undefined && named.resource !== '*' ? [named.resource] : wanted.resources;
	const caller = named.caller ?? facts.caller?.arn;
	const policy = policyOf(
		isKey
			? [wanted, { actions: ['kms:Decrypt'], resources: [key] }]
			: [{ actions: [action], resources: action === asked.action && refused.length === 1 ? refused : wanted.resources }],
	);
	const isDenied = /explicit deny/i.test(words);
	return awsProblem({
		code: 'AWS_ACCESS_DENIED',
		message: `AWS does not allow ${action}`,
		where: refused.join(', '),
		why: caller === undefined || words.includes(caller) ? words : `${caller}: ${words}`,
		next: [
			...(isDenied ? ['A policy denies it outright: have that one changed, allowing it elsewhere does not help'] : []),
			`Have ${caller ?? 'the caller'} allowed: ${policy}`,
			...(isKey && key.endsWith('/*') ? ["Instead of * name the key that encrypts the parameter; the key's own policy must agree"] : []),
			'Or use other credentials: --aws-profile NAME',
		],
	});
}
