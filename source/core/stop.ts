import { RepotError } from './errors.js';
import type { RunSignals } from './operations.js';

/** @throws RepotError interrupted, once the operator asked to stop. */
export function stopWhenAsked(signals: RunSignals): void {
	if (!signals.stop.aborted && !signals.abort.aborted) return;
	throw new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'stopped as asked' });
}
