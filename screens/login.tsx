import { useEffect, useState } from 'react';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { useTask } from './hooks/use-task.js';
import type { Binding } from './key-router.js';
import { blank, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

interface LoginScreenProps {
	readonly place: Place;
	/** Null: the profile that the AWS CLI takes by itself. */
	readonly profile: string | null;
	readonly login: (onLine: (text: string) => void, signal: AbortSignal) => Promise<void>;
	readonly onDone: () => void;
	readonly onCancel: () => void;
}

/** `aws sso login` runs, and what it says is shown: the address to open and the code to compare there. */
export function LoginScreen({ place, profile, login, onDone, onCancel }: LoginScreenProps) {
	const canvas = useCanvas();
	const [said, setSaid] = useState<readonly string[]>([]);
	const { task, retry } = useTask('login', async (signal) => {
		setSaid([]);
		await login((text) => {
			if (!signal.aborted) setSaid((before) => [...before, text]);
		}, signal);
		return true;
	});
	const done = task.state === 'ok';
	useEffect(() => {
		if (done) onDone();
	}, [done, onDone]);
	const failed = task.state === 'failed' ? task.error : null;
	const lines = said.filter((text) => text.trim() !== '').flatMap((text) => paragraph(text, canvas.width - 2, 'plain', 3));
	const room = Math.max(3, canvas.lines - 6);
	const body = [
		line({ text: 'Logging in to AWS', tone: 'strong' }, { text: profile === null ? '' : `   profile ${profile}`, tone: 'dim' }),
		blank,
		...(failed === null ? lines.slice(-room) : errorLines(failed.toJSON(), canvas.width)),
		...(failed === null
			? [
					blank,
					line(
						{ text: '-', tone: 'accent', spinner: true },
						{ text: ' waiting for the login in the browser; it is tested again by itself', tone: 'dim' },
					),
				]
			: []),
	];
	const bindings: readonly Binding[] = [
		...(failed === null ? [] : [{ keys: ['r'], label: 'r', does: 'try again', run: retry }]),
		{ keys: ['esc'], label: 'esc', does: 'back', run: onCancel },
	];
	return <Frame {...place} body={body} bindings={bindings} />;
}
