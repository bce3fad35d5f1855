import type { AwsAccess } from '../../source/core/ports/cloud.js';
import type { Choice } from './chain.js';
import { usageProblem } from './problem.js';
import type { Setup } from './setup.js';
import type { SharedFiles } from './shared-files.js';

export interface Region {
	readonly name: string;
	/** `setting region`, `env AWS_REGION`, `profile dev`, `instance metadata`. */
	readonly from: string;
}

export async function regionOf(setup: Setup, files: SharedFiles, access: AwsAccess, choice: Choice): Promise<Region> {
	if (access.region !== null) return { name: access.region, from: 'setting region' };
	for (const variable of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
		const name = setup.env[variable];
		if (name) return { name, from: `env ${variable}` };
	}
	const profile = choice.profile ?? (setup.env.AWS_PROFILE || 'default');
	const own = files.profiles.get(profile)?.region;
	if (own) return { name: own, from: `profile ${profile}` };
	const instance = choice.kind === 'instance' ? await instanceRegion(setup.env) : null;
	if (instance !== null) return { name: instance, from: 'instance metadata' };
	throw usageProblem({
		code: 'NO_REGION',
		message: 'No AWS region is set',
		why: `neither a setting, AWS_REGION, AWS_DEFAULT_REGION nor profile ${profile} names one`,
		next: ['Name it: --region us-east-1', `Or keep it in the profile: aws configure set region us-east-1 --profile ${profile}`],
	});
}

/** Milliseconds. */
const metadataTimeout = 1000;

/** From the instance metadata service, version 2 ("Use the Instance Metadata Service to access instance metadata" of the EC2 user guide). */
async function instanceRegion(env: Setup['env']): Promise<string | null> {
	const base = (env.AWS_EC2_METADATA_SERVICE_ENDPOINT || 'http://169.254.169.254').replace(/\/+$/, '');
	const ask = async (path: string, options: RequestInit): Promise<string> => {
		const answer = await fetch(`${base}/latest/${path}`, { ...options, signal: AbortSignal.timeout(metadataTimeout) });
		if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
		return (await answer.text()).trim();
	};
	try {
		const token = await ask('api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } });
		const region = await ask('meta-data/placement/region', { headers: { 'x-aws-ec2-metadata-token': token } });
		return /^[a-z0-9-]+$/.test(region) ? region : null;
	} catch {
		return null;
	}
}
