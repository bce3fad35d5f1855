/** One wording for the states of runs, environments and checks, on every screen and in the closing lines. */

import type { RunOutcome } from '../source/core/events.js';
import { setAsideWords } from '../source/core/outcome-words.js';
import type { LedgerRun } from '../source/core/ports.js';
import type { RunState } from '../source/core/run-state.js';
import type { Tone } from './theme.js';

export const dryRunMode = 'DRY RUN - nothing has been written';

export const statusWords: Record<LedgerRun['status'], { readonly text: string; readonly tone: Tone }> = {
	running: { text: 'running', tone: 'accent' },
	done: { text: 'ok', tone: 'good' },
	quarantined: { text: 'ok, some set aside', tone: 'warn' },
	'verification-failed': { text: 'X checks failed', tone: 'bad' },
	failed: { text: 'X failed', tone: 'bad' },
	interrupted: { text: '! stopped', tone: 'warn' },
	'rolled-back': { text: 'undone', tone: 'dim' },
	'partly-rolled-back': { text: '! partly undone', tone: 'warn' },
};

const outcomeWords: Record<RunOutcome, { readonly text: string; readonly tone: Tone }> = {
	done: { text: 'ALL CHECKS PASS', tone: 'good' },
	quarantined: { text: 'SOME RECORDS SET ASIDE', tone: 'warn' },
	'nothing-to-do': { text: 'NOTHING TO DO', tone: 'good' },
	'verification-failed': { text: 'A CHECK FAILED', tone: 'bad' },
	failed: { text: 'FAILED', tone: 'bad' },
	interrupted: { text: 'STOPPED SAFELY', tone: 'warn' },
};

/** The verdict over a whole run. Records set aside are named as loudly as the checks are. */
export function headlineOf(state: RunState): { readonly text: string; readonly tone: Tone } | null {
	if (state.outcome === null) return null;
	const { text, tone } = outcomeWords[state.outcome];
	const aside = setAsideWords(state)?.toUpperCase() ?? null;
	const isChecked = state.checks.length > 0;
	if (state.outcome === 'done' && aside === null) return isChecked ? { text, tone } : { text: 'DONE, NOT CHECKED', tone: 'warn' };
	if (state.outcome === 'done' || state.outcome === 'quarantined') {
		return { text: `${isChecked ? 'CHECKS PASS' : 'DONE, NOT CHECKED'}, ${aside ?? 'SOME RECORDS SET ASIDE'}`, tone: 'warn' };
	}
	return { text: aside === null || state.outcome === 'nothing-to-do' ? text : `${text}, ${aside}`, tone };
}

export const checkWords: Record<'pass' | 'fail' | 'skipped', { readonly text: string; readonly tone: Tone }> = {
	pass: { text: 'PASS', tone: 'good' },
	fail: { text: 'FAIL', tone: 'bad' },
	skipped: { text: 'skipped', tone: 'dim' },
};

/** Runs that can still be undone. */
export const isUndoable = (status: LedgerRun['status']): boolean => status !== 'rolled-back' && status !== 'running';
