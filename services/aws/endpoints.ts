import { usageProblem } from './problem.js';
import type { Setup } from './setup.js';
import type { SharedFiles } from './shared-files.js';

/** Service ids by which endpoints are set ("Service-specific endpoints" of the AWS SDKs and Tools reference guide). */
export type ServiceId = 'STS' | 'SSM' | 'Cognito Identity Provider' | 'SSO' | 'SSO OIDC' | 'SIGNIN';

export interface ConfiguredEndpoint {
	readonly url: string;
	/** What set it: `AWS_ENDPOINT_URL_SSM`, `endpoint_url of profile dev`. */
	readonly from: string;
}

/** Which of a service's endpoints are asked for ("FIPS endpoints" and "Dual-stack and FIPS endpoints" of the reference guide). */
export interface EndpointKinds {
	readonly fips: boolean;
	readonly dualStack: boolean;
}

/** The SDK does the same from the process's environment alone. @throws RepotError usage for a word that is neither true nor false */
export function endpointKinds(env: Setup['env'], files: SharedFiles, profile: string | null): EndpointKinds {
	const name = profile ?? 'default';
	const wants = (setting: 'use_fips_endpoint' | 'use_dualstack_endpoint'): boolean => {
		const variable = `AWS_${setting.toUpperCase()}`;
		const said = env[variable] || files.profiles.get(name)?.[setting] || 'false';
		if (/^(true|false)$/i.test(said)) return said.toLowerCase() === 'true';
		throw usageProblem({
			code: 'BAD_ENDPOINT',
			message: 'It is not said whether this kind of AWS endpoint is wanted',
			where: env[variable] ? variable : `${setting} of profile ${name}`,
			next: ['Write true or false, or unset it'],
		});
	};
	return { fips: wants('use_fips_endpoint'), dualStack: wants('use_dualstack_endpoint') };
}

/**
 * The endpoint that stands in for the service's own, or null: the service's variable, the general variable, the profile's services section, the
 * profile. The SDK does the same from the process's environment alone.
 */
export function endpointOf(service: ServiceId, env: Setup['env'], files: SharedFiles, profile: string | null): ConfiguredEndpoint | null {
	const name = profile ?? 'default';
	const section = files.profiles.get(name) ?? {};
	const ignored = env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS ?? section.ignore_configured_endpoint_urls ?? '';
	if (ignored.toLowerCase() === 'true') return null;
	const id = service.replaceAll(' ', '_');
	const variables = [`AWS_ENDPOINT_URL_${id.toUpperCase()}`, 'AWS_ENDPOINT_URL'];
	for (const variable of variables) {
		const url = env[variable];
		if (url) return { url, from: variable };
	}
	const own = section.services === undefined ? undefined : files.services.get(section.services)?.[`${id.toLowerCase()}.endpoint_url`];
	if (own) return { url: own, from: `endpoint_url of services ${section.services}` };
	return section.endpoint_url ? { url: section.endpoint_url, from: `endpoint_url of profile ${name}` } : null;
}
