import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { RepotError } from '../core/errors.js';
import { castNames } from '../core/mapping/cast-names.js';
import { planId } from '../core/plan/hash.js';
import { type Plan, planFormat } from '../core/plan/types.js';

const text = z.string();
const count = z.number().int().nonnegative();
const number = z.number().nonnegative();
const names = z.array(text);

// Loose objects: a field that a later version adds is part of the content and so of the id.
const column = z.looseObject({
	name: text,
	source: text.nullable(),
	sourceType: text.nullable(),
	targetType: text,
	nullable: z.boolean(),
	cast: z.enum(castNames),
	constant: text.optional(),
	keeps: z.looseObject({ field: text, key: text, held: z.literal(true).optional() }).optional(),
	defaultSql: text.optional(),
	note: text.optional(),
});

const policies = z.looseObject({
	onConflict: z.enum(['fail', 'skip', 'update']),
	onInvalidJson: z.enum(['quarantine', 'fail', 'null']),
	onBadTimestamp: z.enum(['quarantine', 'fail', 'null']),
	onNul: z.enum(['quarantine', 'fail', 'strip']),
	onIdCollision: z.enum(['prefix', 'uuid']).optional(),
	onMissingVector: z.literal('null').optional(),
	maxQuarantined: count.nullable(),
});

const copyStep = z.looseObject({
	id: text,
	kind: z.literal('copy'),
	source: z.discriminatedUnion('kind', [
		z.looseObject({ kind: z.literal('sqlite'), table: text, cursor: names }),
		z.looseObject({
			kind: z.literal('chroma'),
			collection: text,
			collectionId: text,
			dimension: count.nullable(),
			space: z.enum(['l2', 'ip', 'cosine']),
		}),
	]),
	table: text,
	columns: z.array(column),
	key: names,
	foreignKeys: z.array(z.looseObject({ columns: names, parent: text, parentColumns: names, onDelete: text })),
	format: z.enum(['text', 'binary']),
	policies,
	write: z.enum(['copy', 'merge']),
	collection: z
		.looseObject({ name: text, uuid: text, exists: z.boolean(), metadata: text.nullable(), indexedAs: text.optional() })
		.optional(),
	rows: count,
	rejected: count,
	withoutVector: count.optional(),
	bytes: count,
	state: z.looseObject({ exists: z.boolean(), rowsBefore: count, tenantRowsBefore: count, equal: count, differing: count }),
	batchRecords: count,
	batchBytes: count,
	seconds: number,
});

const schemaStep = z.looseObject({
	id: text,
	kind: z.literal('schema'),
	phase: z.enum(['before', 'after']),
	what: z.enum(['extension', 'table', 'primary-key', 'foreign-key', 'index', 'vector-index', 'analyze']),
	object: text,
	table: text,
	sql: text,
	needed: z.boolean(),
	seconds: number,
	vectorIndex: z
		.looseObject({
			method: z.enum(['hnsw', 'halfvec', 'none']),
			operatorClass: text,
			step: text.optional(),
			memoryBytes: number,
			workers: count,
		})
		.optional(),
});

const sourceFile = z.looseObject({ path: text, bytes: count, fingerprint: text }).optional();

const planSchema = z.looseObject({
	format: z.literal(planFormat),
	id: text,
	intent: text,
	createdAt: z.iso.datetime(),
	environment: text,
	profile: text,
	tenant: z.looseObject({ column: text, value: text }),
	sources: z.looseObject({ sqlite: sourceFile, chroma: sourceFile }),
	target: z.looseObject({
		label: text,
		identity: text,
		embedded: z.boolean(),
		serverVersion: text,
		pgvectorVersion: text.nullable(),
		fingerprint: text,
	}),
	policies,
	steps: z.array(z.discriminatedUnion('kind', [copyStep, schemaStep])),
	hazards: z.array(
		z.looseObject({
			code: text,
			severity: z.enum(['block', 'warn', 'info']),
			step: text.nullable(),
			column: text.optional(),
			count,
			sample: names,
			message: text,
			hint: text.optional(),
		}),
	),
	totals: z.looseObject({ records: count, rejected: count, bytes: count, seconds: number }),
	doneBy: text.optional(),
	resumes: text.optional(),
});

/** A plan as its file holds it. */
export const planFileText = (plan: Plan): string => `${JSON.stringify(plan, null, '\t')}\n`;

/**
 * Reads a saved plan. Throws RepotError (usage) when the file cannot be read, is not a plan of this format, or was edited: the id is the
 * hash of the content, and what runs must be what was looked at.
 */
export async function readPlanFile(path: string, cwd: string): Promise<Plan> {
	const content = await readJson(path, cwd);
	const format = (content as { format?: unknown } | null)?.format;
	if (typeof format === 'number' && format !== planFormat) {
		throw refusal(path, 'PLAN_FORMAT', 'The plan file is of another format', `it says format ${format}, this version reads ${planFormat}`);
	}
	const result = planSchema.safeParse(content);
	if (!result.success) {
		const issue = result.error.issues[0];
		const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
		throw refusal(path, 'PLAN_INVALID', 'The file is not a saved plan', `${place}${issue?.message ?? 'it does not fit'}`);
	}
	const plan = result.data as unknown as Plan;
	const { id, ...identified } = plan;
	if (planId(identified) !== id) {
		throw refusal(path, 'PLAN_EDITED', 'The plan file was changed after it was made', `its content no longer has the id ${id}`);
	}
	return plan;
}

async function readJson(path: string, cwd: string): Promise<unknown> {
	const content = await readFile(resolve(cwd, path), 'utf8').catch((thrown: NodeJS.ErrnoException) => {
		throw refusal(
			path,
			'PLAN_UNREADABLE',
			'The plan file cannot be read',
			thrown.code === 'ENOENT' ? 'there is no such file' : thrown.message,
		);
	});
	try {
		return JSON.parse(content) as unknown;
	} catch (thrown) {
		throw refusal(path, 'PLAN_INVALID', 'The file is not a saved plan', `it is not JSON: ${(thrown as Error).message}`);
	}
}

function refusal(path: string, code: string, message: string, why: string): RepotError {
	return new RepotError({ kind: 'usage', code, message, where: path, why, next: ['Make the plan again: repot plan --out FILE'] });
}
