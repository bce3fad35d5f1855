import { describe, expect, it } from 'vitest';
import { plainText } from '../../../screens/lines.js';
import { rollbackLines, undoVerdict } from '../../../screens/rollback-lines.js';
import { rollbackCommand, sameFlags } from '../../../screens/same-flags.js';
import { foldUndo, noUndo } from '../../../screens/undo-state.js';
import type { RollbackCount, RollbackEvent, RollbackPreview } from '../../../source/core/ports.js';
import { textWidth } from '../../../source/core/text-width.js';
import { rollbackLines as runRollback } from '../../../source/headless/history-text.js';

const at = '2026-01-01T00:00:00.000Z';
const table: RollbackCount = {
	step: 'items',
	table: 'items',
	written: 55,
	removable: 50,
	restorable: 0,
	changed: 3,
	changedSample: ['it-0001', 'it-0002', 'it-0003'],
	referenced: 2,
	gone: 0,
};
const preview = (tables: readonly RollbackCount[]): RollbackPreview => ({
	run: {
		id: 'r-1',
		plan: 'p',
		intent: 'i',
		status: 'done',
		environment: 'dev',
		tenant: 't',
		operator: 'ana',
		startedAt: '2025-03-07T12:00:00.000Z',
		finishedAt: null,
		written: 55,
		quarantined: 0,
	},
	tables,
	drops: [],
	stays: ['extension vector: an extension may be in use by others and is never dropped'],
});
const plainStyle = { unicode: false, colour: false, tables: true, rules: true };
const text = (tables: readonly RollbackCount[], width: number) => plainText(rollbackLines(preview(tables), width));

describe('what a rollback keeps', () => {
	it('tells rows that others refer to apart from rows that changed', () => {
		expect(text([table], 79)).toContain('Kept, never removed: 3 rows changed since, 2 rows that other rows refer to.');
		expect(text([{ ...table, changed: 0, changedSample: [] }], 79)).toContain('Kept, never removed: 2 rows that other rows refer to.');
	});

	it('says what happened, not what was counted before', () => {
		const events: readonly RollbackEvent[] = [
			{ type: 'rollback-started', at, run: 'r-1', tables: [{ ...table, changed: 0, referenced: 0 }] },
			{ type: 'rows-removed', at, step: 'items', removed: 49, restored: 0, kept: 6, changed: 1, referenced: 2, unrestored: 3 },
			{ type: 'rollback-finished', at, run: 'r-1', outcome: 'kept-some', removed: 49, restored: 0, kept: 6 },
		];
		expect(plainText([undoVerdict(events.reduce(foldUndo, noUndo))]).trim()).toBe(
			'PARTLY UNDONE: 6 ROWS STAY   1 row changed since, 2 rows that other rows refer to, 3 rows whose former values the table refuses',
		);
		const [, , finished] = events;
		const nothingKept = [...events.slice(0, 1), ...(finished === undefined ? [] : [{ ...finished, kept: 0, stays: 3 }])].reduce(
			foldUndo,
			noUndo,
		);
		expect(plainText([undoVerdict(nothingKept)]).trim()).toBe('PARTLY UNDONE: 3 OBJECTS STAY   something of others is in them');
	});

	it('shows what an earlier rollback undid of the run, in a column of its own', () => {
		const done: RollbackCount = { ...table, removable: 0, changed: 0, changedSample: [], referenced: 0 };
		const undone = { ...preview([done]), run: { ...preview([done]).run, status: 'rolled-back' as const } };
		const shown = plainText(rollbackLines(undone, 79));
		expect(shown).toMatch(/UNDONE BEFORE\n.* 55$/m);
		expect(shown).toContain('Nothing of its rows is left to undo.');
		expect(runRollback(undone, plainStyle).join('\n')).toMatch(/items +55 +0 +0 +0 +0 +0 +55/);
		expect(text([table], 79)).not.toContain('UNDONE BEFORE');
	});

	it.each([59, 79])('cuts no sentence at %i cells', (width) => {
		const all = text([table], width);
		expect(all.replace(/\s+/g, ' ')).toContain('an extension may be in use by others and is never dropped');
		expect(Math.max(...all.split('\n').map(textWidth))).toBeLessThanOrEqual(width);
	});
});

describe('further commands', () => {
	it('keep the flags that say where, in either spelling, and nothing else', () => {
		const command = ['migrate', '--config', 'a b.json', '--env', 'dev', '--postgres-url=-odd', '--state-dir', 'state', '--yes'];
		expect(sameFlags(command)).toEqual(['--config', 'a b.json', '--postgres-url=-odd', '--state-dir', 'state']);
		expect(rollbackCommand('r-1', ['migrate', '--env', 'dev'])).toEqual(['rollback', 'r-1']);
	});
});
