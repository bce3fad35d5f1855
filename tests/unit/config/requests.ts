import { headlessChoices } from '../../../source/config/choices.js';
import type { Settings } from '../../../source/config/settings.js';
import type { PlanRequest, WizardChoices } from '../../../source/core/operations.js';
import type { Cloud, RunSummary, TargetTest } from '../../../source/core/ports.js';
import { CredentialFinder } from '../../../source/credential-finder.js';
import { fakeCloud } from '../../fakes/cloud.js';

/** The finder of these settings, over an AWS where nobody is logged in, unless another is given. */
export function finderOf(
	settings: Settings,
	cloud: Cloud = fakeCloud().cloud,
	test: () => Promise<TargetTest> = () => Promise.reject(new Error('No test of the target was expected')),
	runs: readonly RunSummary[] = [],
): CredentialFinder {
	return new CredentialFinder(settings, { cloud, test, onSecret: () => {}, runs: async () => runs });
}

export async function requestOf(settings: Settings, choices?: WizardChoices, cloud?: Cloud): Promise<PlanRequest> {
	return finderOf(settings, cloud).request(choices ?? headlessChoices(settings), {}, () => {});
}
