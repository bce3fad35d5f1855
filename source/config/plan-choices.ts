import { resolve } from 'node:path';
import { chromaAddress } from '../core/chroma-address.js';
import type { WizardChoices } from '../core/operations.js';
import { usualCollectionName } from '../core/plan/collection-names.js';
import type { Plan } from '../core/plan/types.js';
import { Secret } from '../core/secret.js';
import { isNameAlone } from './collection-flags.js';
import { flagOf, type OptionKey, optionsOf } from './options.js';
import { collectionsOf, vectorSteps } from './plan-collections.js';
import type { Settings } from './settings.js';

/** What a saved plan says, as choices: only the target's URL and what is done around the copy come from the settings. */
export function choicesOfPlan(plan: Plan): WizardChoices {
	return {
		environment: plan.environment,
		sqlitePath: plan.sources.sqlite?.path ?? null,
		chromaPath: plan.sources.chroma?.path ?? null,
		collections: collectionsOf(plan),
		tenant: plan.tenant.value,
		target: null,
	};
}

/** Flags of this command line that say something else than a saved plan, or something that only making a plan could follow. */
export function contradictions(settings: Settings, plan: Plan): readonly OptionKey[] {
	const said = saidBy(plan);
	const followed = new Set<OptionKey>(optionsOf('plan').filter((key) => !besidePlan.has(key)));
	return [...followed].filter(
		(key) => settings.values[key].level === 'flag' && !(key in said && isSaid(settings, key, said[key], settings.values[key].value)),
	);
}

function isSaid(settings: Settings, key: OptionKey, planned: unknown, given: unknown): boolean {
	if (given instanceof Secret) return sameServer(planned, given);
	if (!Array.isArray(planned) || !Array.isArray(given)) return samePlace(settings, planned, given);
	// A name may be left to the plan, a collection that the plan moves may not be left out.
	return given.every((one) => planned.includes(one)) && (key !== 'collection' || new Set(given).size === planned.length);
}

/** What a plan says where a flag says something else: `the plan is for user ana`. */
export function saidOfPlan(plan: Plan, key: OptionKey): string {
	const said = saidBy(plan);
	if (key === 'env') return `the plan is for environment ${plan.environment}`;
	if (key === 'userId') return `the plan is for user ${plan.tenant.value}`;
	if (key === 'pgvectorCollection' && key in said) return `the plan was made with ${flagOf(key)} ${namesOfPlan(plan)}`;
	if (!(key in said)) return `${flagOf(key)} counts only while a plan is made; what it would choose is in the file`;
	return `the plan was made with ${flagOf(key)} ${said[key] === null ? 'not set' : shown(said[key])}`;
}

function saidBy(plan: Plan): Partial<Record<OptionKey, unknown>> {
	const { environment, sqlitePath, chromaPath, collections, tenant } = choicesOfPlan(plan);
	const said: Partial<Record<OptionKey, unknown>> = {
		env: environment,
		sqliteDb: sqlitePath,
		...chromaOf(chromaPath),
		collection: collections,
		userId: tenant,
		onIdCollision: 'fail',
		onMissingVector: 'quarantine',
		...plan.policies,
	};
	if (vectorSteps(plan).length > 0) said.pgvectorCollection = targetNames(plan);
	return said;
}

/** A plan names a server with its tenant and its database; they may be repeated by flags of their own. */
function chromaOf(place: string | null): Partial<Record<OptionKey, string | null>> {
	const address = place === null ? null : chromaAddress(place);
	if (address === null) return { chromaPath: place, chromaUrl: null };
	return { chromaPath: null, chromaUrl: place, chromaTenant: address.tenant, chromaDatabase: address.database };
}

/** The same server, and no other tenant or database. */
function sameServer(planned: unknown, given: Secret): boolean {
	const [a, b] = [chromaAddress(String(planned)), chromaAddress(given.reveal())];
	if (a === null || b === null) return false;
	return a.base === b.base && (b.tenant ?? a.tenant) === a.tenant && (b.database ?? a.database) === a.database;
}

/** Flags of `repot plan` that a saved plan does not hold. */
const besidePlan: ReadonlySet<OptionKey> = new Set([
	...(['postgresUrl', 'chromaToken', 'out', 'json', 'config', 'stateDir', 'logLevel', 'logFile'] as const),
	...(['noInput', 'plain', 'ascii', 'screenReader', 'noColor'] as const),
]);

/** Every way in which the flag can name what the plan writes: of a single collection its name, of each SOURCE=TARGET. */
function targetNames(plan: Plan): readonly string[] {
	const steps = vectorSteps(plan);
	const mapped = steps.flatMap(({ source, collection }) =>
		[source.collection, source.collectionId].map((name) => `${name}=${collection?.name ?? ''}`),
	);
	const [name] = steps.map(({ collection }) => collection?.name ?? usualCollectionName);
	return steps.length === 1 && name !== undefined && isNameAlone(name) ? [name, ...mapped] : mapped;
}

const namesOfPlan = (plan: Plan): string =>
	vectorSteps(plan)
		.map(({ source, collection }, _, { length }) => {
			const name = collection?.name ?? '';
			return length === 1 && isNameAlone(name) ? name : `${source.collection}=${name}`;
		})
		.join(', ');

const shown = (said: unknown): string => (Array.isArray(said) ? said.join(', ') : String(said));

/** Equal values, or two ways to write one path. */
function samePlace(settings: Settings, planned: unknown, given: unknown): boolean {
	if (planned === given) return true;
	return typeof planned === 'string' && typeof given === 'string' && resolve(settings.cwd, planned) === resolve(settings.cwd, given);
}
