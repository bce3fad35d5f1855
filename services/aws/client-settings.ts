import { type ConfiguredEndpoint, type EndpointKinds, endpointKinds, endpointOf, type ServiceId } from './endpoints.js';
import { usageProblem } from './problem.js';
import { mostAttempts, retryStrategy } from './retry-strategy.js';
import type { Setup } from './setup.js';
import type { SharedFiles } from './shared-files.js';

/** Milliseconds. */
const connectionTimeout = 5000;

/** Settings that every client is made with. Endpoints and region are given outright: the SDK would look into the process's environment. */
export function clientSettings(setup: Setup, files: SharedFiles, service: ServiceId, region: string, profile: string | null) {
	const kinds = endpointKinds(setup.env, files, profile);
	const endpoint = checked(endpointOf(service, setup.env, files, profile), kinds);
	return {
		region,
		useFipsEndpoint: kinds.fips,
		useDualstackEndpoint: kinds.dualStack,
		...(endpoint === null ? { ignoreConfiguredEndpointUrls: true } : { endpoint: endpoint.url }),
		maxAttempts: mostAttempts,
		retryMode: 'standard',
		retryStrategy: retryStrategy(setup.retryDelayMilliseconds),
		requestHandler: { connectionTimeout, requestTimeout: setup.requestTimeoutMilliseconds, throwOnRequestTimeout: true },
	};
}

function checked(endpoint: ConfiguredEndpoint | null, { fips, dualStack }: EndpointKinds): ConfiguredEndpoint | null {
	if (endpoint === null) return null;
	// The SDK would refuse both together, as a defect of this program.
	if (fips || dualStack) {
		throw usageProblem({
			code: 'BAD_ENDPOINT',
			message: `An endpoint is set for AWS, and ${fips ? 'FIPS' : 'dual-stack'} endpoints are asked for`,
			where: endpoint.from,
			why: 'which of its endpoints a service is asked at is said twice',
			next: [
				`Unset ${endpoint.from}, or ${fips ? 'use_fips_endpoint and AWS_USE_FIPS_ENDPOINT' : 'use_dualstack_endpoint and AWS_USE_DUALSTACK_ENDPOINT'}`,
			],
		});
	}
	if (/^https?:\/\/[^/]/.test(endpoint.url)) return endpoint;
	throw usageProblem({
		code: 'BAD_ENDPOINT',
		message: 'The endpoint that is set for AWS is no URL',
		where: endpoint.from,
		next: ['Write it with http:// or https://, or unset it'],
	});
}

/**
 * On Node 20 the SDK writes a notice about its future support to stderr, where it would stand in the middle of a screen. The variable is the
 * SDK's own, and it reads it from the process alone.
 */
export function quietenNotice(): void {
	process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
}
