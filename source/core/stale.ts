import { RepotError } from './errors.js';
import { formatCount, formatQuantity } from './format.js';
import { collectionTable } from './plan/langchain-tables.js';
import { isCopyStep, type Plan } from './plan/types.js';
import type { Source, SourceDescription, Target } from './ports.js';

/** Refuses a plan whose source or target is no longer what was planned on; names what changed. */
export async function refuseStale(plan: Plan, source: Source, target: Target, signal?: AbortSignal): Promise<void> {
	const changes = [...(await sourceChanges(plan, source, signal)), ...(await targetChanges(plan, target, signal))];
	if (changes.length === 0) return;
	throw new RepotError({
		kind: 'stale-plan',
		code: 'STALE_PLAN',
		message: `plan ${plan.id} no longer matches what it was made for; nothing was written`,
		why: changes.join('; '),
		next: ['Make a new plan: repot plan', 'Then look at it and run it: repot migrate'],
	});
}

/** Only the source half: a resumed run has changed its target itself. */
export async function sourceChanges(plan: Plan, source: Source, signal?: AbortSignal): Promise<string[]> {
	const now = await source.fingerprints(signal);
	const description = await source.describe(signal);
	const changes: string[] = [];
	if (plan.sources.sqlite !== undefined && now.sqlite !== plan.sources.sqlite.fingerprint) {
		const counts = plan.steps.filter(isCopyStep).flatMap((step) => {
			if (step.source.kind !== 'sqlite') return [];
			const name = step.source.table;
			const rows = description.sqlite?.tables.find((table) => table.name === name)?.rows;
			return rows === step.rows ? [] : [`${name} had ${step.rows} rows and has ${rows ?? 'none'}`];
		});
		changes.push(
			`the SQLite database changed since the plan (${counts.length > 0 ? counts.join(', ') : 'same row counts, other content'})`,
		);
	}
	if (plan.sources.chroma !== undefined && now.chroma !== plan.sources.chroma.fingerprint) {
		changes.push(`the Chroma ${description.chroma?.from ?? 'directory'} changed since the plan (${chromaChanges(plan, description)})`);
	}
	return changes;
}

function chromaChanges(plan: Plan, description: SourceDescription): string {
	const steps = plan.steps.filter(isCopyStep).flatMap((step) => (step.source.kind === 'chroma' ? [{ step, source: step.source }] : []));
	const counts = steps.flatMap(({ step, source }) => {
		const records = description.chroma?.collections.find(({ id }) => id === source.collectionId)?.records;
		const name = steps.length === 1 ? '' : `${source.collection}: `;
		return records === step.rows ? [] : [`${name}${step.rows} records then, ${records ?? 'no such collection'} now`];
	});
	return counts.length === 0 ? 'same record count, other content' : counts.join(', ');
}

async function targetChanges(plan: Plan, target: Target, signal?: AbortSignal): Promise<string[]> {
	const copies = plan.steps.filter(isCopyStep);
	const vectors = copies.filter((step) => step.collection !== undefined);
	const now = await target.describe(
		{
			tables: [
				...copies.filter((step) => step.collection === undefined).map((step) => step.table),
				...(vectors[0] === undefined ? [] : [collectionTable, vectors[0].table]),
			],
			collections: vectors.flatMap(({ collection }) => collection?.name ?? []),
			tenant: plan.tenant,
		},
		signal,
	);
	if (now.facts.identity !== plan.target.identity) return [`the plan was made for ${plan.target.label}, not for ${now.facts.label}`];
	if (now.facts.fingerprint === plan.target.fingerprint) return [];
	const counts = copies.flatMap((step) => {
		const table = now.tables.find((candidate) => candidate.name === step.table);
		if ((table !== undefined) !== step.state.exists) return [`table ${step.table} ${table === undefined ? 'is gone' : 'appeared'}`];
		// Rows of other users are no part of what the plan was made on.
		const there = step.collection === undefined ? table : now.collections.find((collection) => collection.name === step.collection?.name);
		const rows = there?.tenantRows ?? 0;
		const before = step.state.tenantRowsBefore;
		return rows === before
			? []
			: [
					`${vectors.length > 1 && step.collection !== undefined ? step.id : step.table} held ${formatQuantity(before, 'row')} of this user and holds ${formatCount(rows)}`,
				];
	});
	return [`the target changed since the plan (${counts.length > 0 ? counts.join(', ') : 'its tables or constraints were altered'})`];
}
