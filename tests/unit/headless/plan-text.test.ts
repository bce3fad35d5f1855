import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import { errorLines } from '../../../source/headless/error-text.js';
import { planLines, planSummaryLines } from '../../../source/headless/plan-text.js';
import { plainStyle } from '../../../source/headless/style.js';
import { blockingHazard, indexStep, itemsStep, samplePlan } from '../commands/fake-plan.js';

const text = (lines: readonly string[]): string => lines.join('\n');

describe('a plan as text', () => {
	it('tells hazards with place, keys and hint, those that block first', () => {
		const look = {
			...blockingHazard,
			severity: 'warn' as const,
			column: 'trace_id',
			message: 'empty in all 55 rows',
			count: 1,
			sample: ['\u001b[31mred'],
		};
		const shown = text(planSummaryLines(samplePlan({ hazards: [look, blockingHazard] }), plainStyle));
		expect(shown.indexOf('X items.id: 7 keys')).toBeLessThan(shown.indexOf('! items.trace_id'));
		expect(shown).toContain('keys  i-1, i-2, ...');
		expect(shown).toContain('next  repot migrate --on-conflict update overwrites them');
		expect(shown).toContain('X Blocked by 1 hazard');
		expect(shown).not.toContain('\u001b');
	});

	it('counts what is set aside and what is there already', () => {
		const step = { ...itemsStep, rejected: 2, state: { exists: true, rowsBefore: 9, tenantRowsBefore: 3, equal: 3, differing: 1 } };
		const shown = text(
			planSummaryLines(
				samplePlan({ steps: [step, { ...indexStep, needed: false }], totals: { records: 55, rejected: 2, bytes: 1, seconds: 1 } }),
				plainStyle,
			),
		);
		expect(shown).toContain('2 set aside, 9 rows there before, 3 already the same, 1 differs');
		expect(shown).toContain('Quarantine: 2 expected');
		expect(shown).toContain('exactly the 50 records of this run');
		expect(shown).toMatch(/= +vector index/);
	});

	it('marks what has no records neither as made nor as there already', () => {
		const empty = { ...itemsStep, rows: 0, state: { exists: true, rowsBefore: 0, tenantRowsBefore: 0, equal: 0, differing: 0 } };
		const plan = samplePlan({ steps: [empty], doneBy: '-' });
		const shown = text(planSummaryLines(plan, plainStyle));
		expect(shown).toMatch(/^ *- +items/m);
		expect(shown).toContain('Nothing to do: there is no record to move');
		expect(text(planSummaryLines(plan, { ...plainStyle, tables: false }))).toContain('nothing to move');
	});

	it('cuts keys that are as long as documents, in the middle', () => {
		const long = { ...blockingHazard, count: 1, sample: [`head${'x'.repeat(3000)}tail`] };
		const shown = planSummaryLines(samplePlan({ hazards: [long] }), plainStyle).find((line) => line.includes('keys  ')) ?? '';
		expect(shown).toMatch(/keys {2}head.*\.\.\..*tail$/);
		expect(shown.length).toBeLessThan(80);
	});

	it('says the marks of notes and columns as words where there are no tables', () => {
		const note = { ...blockingHazard, severity: 'info' as const };
		const spoken = planLines(samplePlan({ hazards: [note] }), { ...plainStyle, tables: false });
		expect(spoken.find((line) => line.includes(blockingHazard.message))).toMatch(/^note /);
		expect(text(spoken)).not.toMatch(/^ *[~+]/m);
		expect(text(spoken)).toMatch(/^ *(new|change|unchanged), column/m);
	});

	it('says nothing of undoing what cannot be written, and no count where no record is', () => {
		expect(text(planSummaryLines(samplePlan({ hazards: [blockingHazard] }), plainStyle))).not.toContain('Undo');
		expect(text(planSummaryLines(samplePlan({ steps: [indexStep] }), plainStyle))).toContain('removes what the run creates');
	});

	it('tells rows that differ and stay, by choice, from rows that are the same', () => {
		const state = { exists: true, rowsBefore: 9, tenantRowsBefore: 9, equal: 54, differing: 1 };
		const skipped = samplePlan({
			doneBy: 'r-1',
			policies: { ...samplePlan().policies, onConflict: 'skip' },
			steps: [{ ...itemsStep, state }],
		});
		const shown = text(planSummaryLines(skipped, plainStyle));
		expect(shown).toContain('Nothing to do: 1 row differs in the target and stays as it is, as chosen (--on-conflict skip)');
		expect(shown).not.toContain('exactly this');
	});

	it('names the run that did it, or goes on with one', () => {
		expect(text(planSummaryLines(samplePlan({ doneBy: '-' }), plainStyle))).toContain('the target already holds exactly this');
		expect(text(planSummaryLines(samplePlan({ resumes: 'r-7' }), plainStyle))).toContain('Run r-7 goes on from where it stopped');
	});

	it('says DRY RUN only when it is one, and signs notes as the wizard does', () => {
		const note = { ...blockingHazard, severity: 'info' as const };
		const about = (dryRun?: boolean) => text(planSummaryLines(samplePlan({ hazards: [note] }), plainStyle, dryRun));
		expect(about()).toContain('DRY RUN');
		expect(about(false)).not.toContain('DRY RUN');
		expect(about()).toContain('i items.id: 7 keys');
	});

	it('holds every column and every statement', () => {
		const shown = text(planLines(samplePlan(), plainStyle));
		for (const column of itemsStep.columns) expect(shown).toContain(column.name);
		expect(shown).toContain('CREATE INDEX langchain_pg_embedding_hnsw');
		// As it stands it can be given to psql.
		expect(shown).toContain('USING hnsw (embedding vector_cosine_ops);');
		expect(shown).toContain('~ change');
	});
});

describe('an error as text', () => {
	it('is what, where, why and next, with commands on lines of their own', () => {
		const error = new RepotError({
			kind: 'target',
			code: 'NO_PGVECTOR',
			message: 'pgvector is not installed',
			where: 'db:5432/app',
			why: 'the role may not create extensions',
			next: ['CREATE EXTENSION vector;', 'repot doctor'],
		});
		expect(errorLines(error.toJSON(), plainStyle)).toEqual([
			'X pgvector is not installed',
			'  where  db:5432/app',
			'  why    the role may not create extensions',
			'  next   CREATE EXTENSION vector;',
			'         repot doctor',
		]);
	});

	it('begins with a capital, unless it begins with a name', () => {
		const title = (message: string) => errorLines({ kind: 'source', code: 'X', message }, plainStyle)[0];
		expect(title("the target's ledger knows no run")).toBe("X The target's ledger knows no run");
		expect(title('--confirm names "dev"')).toBe('X --confirm names "dev"');
		expect(title('repot rollback needs a run')).toBe('X repot rollback needs a run');
	});
});
