import { describe, expect, it } from 'vitest';
import { cloudContract } from '../contract/cloud-contract.js';
import { startProxy } from '../fakes/aws-front.js';

const endpoint = process.env.REPOT_TEST_AWS_ENDPOINT;

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has a server', () => {
	expect(endpoint, 'REPOT_TEST_AWS_ENDPOINT').toBeDefined();
});

describe.skipIf(endpoint === undefined)('AWS, a moto server (skipped without REPOT_TEST_AWS_ENDPOINT)', () => {
	cloudContract(() => startProxy(endpoint ?? ''));
});
