import type { Prompter } from './prompter.js';
import type { Session } from './session.js';
import type { WizardAction, WizardState } from './wizard.js';
import type { WizardContext, WizardIo } from './wizard-io.js';

export type TextContext = WizardContext & { readonly io: WizardIo; readonly session: Session };

/** What a step ends in: an action of the reducer, the end, or the same step again. */
export type Turn = readonly WizardAction[] | 'quit' | 'again';

export interface Talk {
	readonly context: TextContext;
	readonly prompter: Prompter;
	readonly state: WizardState;
	/** Ctrl+C while nothing runs. */
	readonly stopped: AbortSignal;
}

export const backOrQuit = (kind: 'back' | 'quit'): Turn => (kind === 'quit' ? 'quit' : [{ type: 'back' }]);
