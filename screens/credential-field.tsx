import { useState } from 'react';
import { readTypedUrl } from '../source/core/postgres-url.js';
import { Frame } from './components/frame.js';
import { fieldParts } from './components/text-field.js';
import { useTextField } from './hooks/use-text-field.js';
import type { Binding } from './key-router.js';
import { blank, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

export type TypedCredential = 'url' | 'user-id' | 'mfa';

const fields: Record<TypedCredential, { readonly title: string; readonly masked: boolean; readonly help: string }> = {
	url: {
		title: 'Target URL',
		masked: true,
		help: 'postgresql://user:password@host:5432/database or pglite:DIRECTORY. Typed or pasted text is shown as stars and kept in memory only.',
	},
	'user-id': {
		title: 'User id',
		masked: false,
		help: 'Goes into user_id of every row and every vector. Other tenants in the target stay untouched.',
	},
	mfa: { title: 'Code of the MFA device', masked: true, help: 'The digits that the device shows now. A code is taken once.' },
};

interface CredentialFieldProps {
	readonly place: Place;
	readonly what: TypedCredential;
	readonly initial: string;
	readonly onDone: (text: string) => void;
	readonly onCancel: () => void;
}

/** Why the text cannot be taken; repeats nothing of it. */
function faultOf(what: TypedCredential, text: string): string | null {
	if (what === 'user-id') return /^[a-z+]+:\/\//i.test(text) ? 'This is a URL, and may hold a password: it is no user id.' : null;
	if (what !== 'url' || text === '') return null;
	const read = readTypedUrl(text);
	return 'refused' in read ? `This cannot be used: ${read.refused}.` : null;
}

/** One answer that is typed. */
export function CredentialField({ place, what, initial, onDone, onCancel }: CredentialFieldProps) {
	const canvas = useCanvas();
	const field = useTextField(initial);
	const text = field.text.trim();
	const { title, masked, help } = fields[what];
	// Of a URL it is said when it is finished, of a user id at once: it would stand there readable.
	const [tried, setTried] = useState('');
	const fault = faultOf(what, text);
	const refused = what === 'user-id' || tried === text ? fault : null;
	const bindings: readonly Binding[] = [
		{
			keys: ['enter'],
			label: 'enter',
			does: 'accept',
			run: () => {
				setTried(text);
				if (text !== '' && fault === null) onDone(text);
			},
		},
		{ keys: ['esc'], label: 'esc', does: 'back, unchanged', run: onCancel },
		{ keys: ['ctrl+u'], label: 'ctrl+u', does: 'clear', run: () => field.set('') },
	];
	const body = [
		line({ text: title, tone: 'strong' }),
		blank,
		line(
			{ text: '> ', tone: 'accent' },
			...fieldParts({
				field: field.state,
				width: canvas.width - 4,
				active: true,
				masked: masked || refused !== null,
				colour: canvas.colour,
			}),
		),
		blank,
		...(refused === null ? paragraph(help, canvas.width, 'dim') : paragraph(refused, canvas.width, 'warn')),
	];
	return <Frame {...place} body={body} bindings={bindings} capture={field.capture} />;
}
