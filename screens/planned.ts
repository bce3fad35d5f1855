import type { PlanRequest } from '../source/core/operations.js';
import type { Plan } from '../source/core/plan/types.js';

/** A plan with the request that it was made for. */
export interface Planned {
	readonly plan: Plan;
	readonly request: PlanRequest;
}
