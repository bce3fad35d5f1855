import { afterEach } from 'vitest';
import type { Operations, RunSignals } from '../../../source/core/operations.js';
import { fakeOperations, type Script } from '../../fakes/operations.js';
import { keys, openWizard, type WizardScreenHandle, type WizardScreenOptions } from '../../fakes/wizard-screen.js';

const opened = new Set<WizardScreenHandle>();

afterEach(() => {
	for (const wizard of opened) wizard.close();
	opened.clear();
});

/** The wizard over scripted operations; closed when the test ends. */
export function open(script: Script = {}, options: Omit<WizardScreenOptions, 'operations'> = {}) {
	const { operations, calls } = fakeOperations(script);
	return { opened: openOn(operations, options), calls };
}

/** The same over operations of the test's own. */
export function openOn(operations: Operations, options: Omit<WizardScreenOptions, 'operations'> = {}): WizardScreenHandle {
	const wizard = openWizard({ operations, ...options });
	opened.add(wizard);
	return wizard;
}

/** From the first frame to the preview, by keys. */
export async function toPreview(opened: WizardScreenHandle, environment = 'dev'): Promise<void> {
	const below = ['local', 'dev', 'test', 'prod'].indexOf(environment);
	await opened.until('> local');
	for (let step = 0; step < below; step += 1) opened.press(keys.down);
	await opened.until(`> ${environment}`);
	opened.press(keys.enter);
	await opened.until('165 rows');
	opened.press(keys.enter);
	await opened.until('PG 17.5');
	opened.press(keys.enter);
	await opened.until('about 2 s');
}

export async function toRun(opened: WizardScreenHandle): Promise<void> {
	await toPreview(opened);
	opened.press(keys.enter);
	await opened.until('Press Enter to start writing.');
	opened.press(keys.enter);
}

/** A run that waits before its second batch until it is let go or stopped. */
export function heldRun() {
	let letGo: () => void = () => {};
	const gate = new Promise<void>((resolve) => {
		letGo = resolve;
	});
	const beforeBatch = async (batch: number, signals: RunSignals) => {
		if (batch !== 1) return;
		await Promise.race([gate, new Promise<void>((resolve) => signals.abort.addEventListener('abort', () => resolve()))]);
	};
	return { beforeBatch, letGo: () => letGo() };
}
