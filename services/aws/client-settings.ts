import { type ConfiguredEndpoint, endpointOf, type ServiceId } from './endpoints.js';
import { mostAttempts, retryStrategy } from './retry-strategy.js';
import type { Setup } from './setup.js';
import type { SharedFiles } from './shared-files.js';

/** Milliseconds. */
const connectionTimeout = 5000;
const requestTimeout = 20_000;

/** Settings that every client is made with. Endpoints and region are given outright: the SDK would look into the process's environment. */
export function clientSettings(setup: Setup, files: SharedFiles, service: ServiceId, region: string, profile: string | null) {
	const endpoint: ConfiguredEndpoint | null = endpointOf(service, setup.env, files, profile);
	return {
		region,
		...(endpoint === null ? { ignoreConfiguredEndpointUrls: true } : { endpoint: endpoint.url }),
		maxAttempts: mostAttempts,
		retryMode: 'standard',
		retryStrategy: retryStrategy(setup.retryDelayMilliseconds),
		requestHandler: { connectionTimeout, requestTimeout, throwOnRequestTimeout: true },
	};
}

/**
 * On Node 20 the SDK writes a notice about its future support to stderr, where it would stand in the middle of a screen. The variable is the
 * SDK's own, and it reads it from the process alone.
 */
export function quietenNotice(): void {
	process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
}
