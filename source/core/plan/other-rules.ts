import { keyRule } from '../mapping/id-casts.js';
import type { CastRecord, Target } from '../ports.js';
import type { CopyStep, IdCollisionPolicy } from './types.js';
import { idColumn } from './vectors.js';

/** Records that the target holds under the id which another rule than the step's gives them. */
export type OtherRules = Readonly<Partial<Record<IdCollisionPolicy, { readonly count: number; readonly sample: readonly string[] }>>>;

const rules: readonly IdCollisionPolicy[] = ['fail', 'prefix', 'uuid'];
const sampleSize = 5;

/**
 * Looks for records that are new under the step's rule among the rows that the other rules would have written: those are the same records, and
 * would be there twice. Asks the target by its primary key, two columns a row.
 */
export class OtherRuleSearch {
	readonly #step: CopyStep;
	readonly #tenant: string;
	readonly #target: Pick<Target, 'compare'>;
	readonly #found: Partial<Record<IdCollisionPolicy, { count: number; sample: string[] }>> = {};

	constructor(step: CopyStep, tenant: string, target: Pick<Target, 'compare'>) {
		this.#step = step;
		this.#tenant = tenant;
		this.#target = target;
	}

	/** `records`: those that the target does not hold under the step's own rule. */
	async look(records: readonly CastRecord[], signal: AbortSignal | undefined): Promise<void> {
		const { collection, policies, state } = this.#step;
		if (collection === undefined || records.length === 0 || state.tenantRowsBefore === 0) return;
		for (const rule of rules) {
			if (rule === (policies.onIdCollision ?? 'fail')) continue;
			const id = idColumn(rule, collection);
			const toId = keyRule(id);
			const columns = [id, ...this.#step.columns.filter(({ name }) => name === 'collection_id')];
			const renamed = records.map(({ key, sourceKey }): CastRecord => {
				const own = toId(sourceKey ?? key[0] ?? '');
				return { key: [own], values: [own, collection.uuid] };
			});
			const states = await this.#target.compare({ ...this.#step, columns }, this.#tenant, renamed, signal);
			for (const [at, found] of states.entries()) {
				if (found.state === 'equal' || found.state === 'differs') this.#count(rule, records[at] as CastRecord);
			}
		}
	}

	#count(rule: IdCollisionPolicy, { key, sourceKey }: CastRecord): void {
		const counted = this.#found[rule] ?? { count: 0, sample: [] };
		this.#found[rule] = counted;
		counted.count++;
		if (counted.sample.length < sampleSize) counted.sample.push(sourceKey ?? key.join(', '));
	}

	found(): OtherRules {
		return this.#found;
	}
}
