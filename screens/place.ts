import type { EnvironmentLabel } from './components/header.js';
import type { RailStep } from './components/step-rail.js';

/** Where a screen stands: what its header and rail say. Every screen gets one from the shell. */
export interface Place {
	readonly environment: EnvironmentLabel | null;
	readonly rail: readonly RailStep[];
}
