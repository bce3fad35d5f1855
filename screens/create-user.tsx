import { Frame } from './components/frame.js';
import type { Binding } from './key-router.js';
import { blank, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

interface CreateUserProps {
	readonly place: Place;
	/** What failed: it names the user and the pool. */
	readonly missing: string;
	readonly onCreate: () => void;
	readonly onCancel: () => void;
}

/** Asked before a user is made: no single key writes anywhere. */
export function CreateUser({ place, missing, onCreate, onCancel }: CreateUserProps) {
	const { width } = useCanvas();
	const body = [
		line({ text: 'Create the user in Cognito?', tone: 'strong' }),
		blank,
		...paragraph(`${missing}.`, width),
		blank,
		...paragraph('No message is sent; an e-mail address counts as verified. A rollback does not take the user away again.', width, 'dim'),
	];
	const bindings: readonly Binding[] = [
		{ keys: ['enter'], label: 'enter', does: 'create it', run: onCreate },
		{ keys: ['esc'], label: 'esc', does: 'back', run: onCancel },
	];
	return <Frame {...place} body={body} bindings={bindings} />;
}
