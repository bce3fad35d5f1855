import { useState } from 'react';
import { asRepotError, type RepotError } from '../source/core/errors.js';
import { formatCommand } from '../source/core/format.js';
import { passwordNote } from '../source/core/headless-command.js';
import type { Plan } from '../source/core/plan/types.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { fieldParts } from './components/text-field.js';
import { useTextField } from './hooks/use-text-field.js';
import type { Binding } from './key-router.js';
import { blank, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

interface SavePlanProps {
	readonly place: Place;
	readonly plan: Plan;
	/** Flags that a further command needs to find the same place. */
	readonly same: readonly string[];
	/** Resolves with the path written. */
	readonly save: (path: string) => Promise<string>;
	/** What to say afterwards, or null when nothing was saved. */
	readonly onClose: (said: string | null) => void;
}

/** Asks where to, and writes the plan as a file that `repot migrate --plan` runs exactly. */
export function SavePlan({ place, plan, same, save, onClose }: SavePlanProps) {
	const canvas = useCanvas();
	const field = useTextField(`plan-${plan.id.slice(0, 8)}.json`);
	const [error, setError] = useState<RepotError | null>(null);
	const [busy, setBusy] = useState(false);
	const note = passwordNote(same);
	const migrate = (path: string) => formatCommand(['repot', 'migrate', '--plan', path, ...same]);
	const accept = () => {
		const path = field.text.trim();
		if (path === '' || busy) return;
		setBusy(true);
		save(path).then(
			(written) => onClose(`saved  ${written}   ${migrate(written)}`),
			(thrown: unknown) => {
				setBusy(false);
				setError(asRepotError(thrown));
			},
		);
	};
	const body = [
		line({ text: 'Save the plan', tone: 'strong' }),
		blank,
		line(
			{ text: '> ', tone: 'accent' },
			...fieldParts({ field: field.state, width: canvas.width - 4, active: true, colour: canvas.colour }),
		),
		blank,
		...(error === null
			? [
					...paragraph(`${migrate('FILE')} runs exactly this plan, or says what changed and stops.`, canvas.width, 'dim'),
					...(note === null ? [] : paragraph(note, canvas.width, 'dim')),
				]
			: errorLines(error.toJSON(), canvas.width)),
	];
	const bindings: readonly Binding[] = [
		{ keys: ['enter'], label: 'enter', does: 'save', run: accept },
		{ keys: ['esc'], label: 'esc', does: 'back', run: () => onClose(null) },
	];
	return <Frame {...place} body={body} bindings={bindings} capture={field.capture} />;
}
