import { useState } from 'react';
import type { CredentialRow, Way } from '../source/core/credentials/rows.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { credentialLines } from './credential-lines.js';
import type { CredentialSearch } from './hooks/use-credentials.js';
import type { Binding } from './key-router.js';
import { words } from './lines.js';
import type { Place } from './place.js';
import { useCanvas, useShell } from './shell-context.js';

interface CredentialTableProps {
	readonly place: Place;
	readonly command: readonly string[];
	/** What the plan of these choices says that the run takes; null: there is none yet. */
	readonly runMilliseconds: number | null;
	readonly search: CredentialSearch;
	readonly onDo: (way: Way) => void;
	/** `said` is what the scrollback keeps. */
	readonly onNext: (said: string) => void;
	readonly onBack: () => void;
}

/** What is needed, as far as it is known, and the ways on from what failed. */
export function CredentialTable({ place, command, runMilliseconds, search, onDo, onNext, onBack }: CredentialTableProps) {
	const canvas = useCanvas();
	const { clock } = useShell();
	const { rows, found, error, again } = search;
	const failed = rows.filter(({ state }) => state === 'x');
	const [at, setAt] = useState(0);
	const failing = failed[Math.min(at, failed.length - 1)];
	const ready = found !== null && failed.length === 0 && found.target !== null && found.tenant !== null;
	const body =
		error !== null
			? errorLines(error.toJSON(), canvas.width)
			: rows.length === 0
				? [words('Looking ...', 'dim')]
				: credentialLines({ rows, failing, now: clock.now(), runMilliseconds }, canvas);
	const bindings = uniqueKeys([
		...moveBindings(failed.length, (by) => setAt((Math.min(at, failed.length - 1) + failed.length + by) % failed.length)),
		...enterBinding(ready, found === null, failing, onDo, () => onNext(saidOf(rows))),
		...(failing?.ways ?? []).filter((way) => !always.includes(way)).map((way) => ({ ...wayKeys[way], run: () => onDo(way) })),
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
		...always.map((way) => ({ ...wayKeys[way], run: () => onDo(way), bar: failing?.ways?.includes(way) ?? true })),
		{ ...wayKeys.profile, run: () => onDo('profile'), bar: false },
		{ keys: ['r'], label: 'r', does: 'test again', run: () => again({ fresh: true }) },
	]);
	return <Frame {...place} body={body} bindings={bindings} command={command} />;
}

function moveBindings(count: number, move: (by: number) => void): readonly Binding[] {
	if (count < 2) return [];
	return [
		{ keys: ['down', 'j'], label: 'down', does: 'what else failed', run: () => move(1) },
		{ keys: ['up', 'k'], label: '', does: 'the one before', run: () => move(-1), bar: false },
	];
}

/** What can simply be typed is asked for by Enter; nothing that acts outside is, and nothing is offered that does nothing. */
function enterBinding(
	ready: boolean,
	searching: boolean,
	failing: CredentialRow | undefined,
	onDo: (way: Way) => void,
	onNext: () => void,
): readonly Binding[] {
	const enter = { keys: ['enter'], label: 'enter' };
	if (ready) return [{ ...enter, does: 'next', run: onNext }];
	if (searching && failing === undefined) return [{ ...enter, does: 'next (when the test is ok)', run: () => undefined }];
	const typable = failing === undefined || failing.shown !== null ? undefined : typedWays.find((way) => way === failing.ways?.[0]);
	return typable === undefined ? [] : [{ ...enter, does: wayKeys[typable].does, run: () => onDo(typable) }];
}

const uniqueKeys = (bindings: readonly Binding[]): readonly Binding[] =>
	bindings.filter((binding, index) => bindings.findIndex(({ keys }) => keys[0] === binding.keys[0]) === index);

const wayKeys: Record<Way, { readonly keys: readonly string[]; readonly label: string; readonly does: string }> = {
	login: { keys: ['l'], label: 'l', does: 'aws sso login' },
	profile: { keys: ['p'], label: 'p', does: 'AWS profile' },
	mfa: { keys: ['m'], label: 'm', does: 'type the code' },
	url: { keys: ['u'], label: 'u', does: 'type a URL' },
	'user-id': { keys: ['t'], label: 't', does: 'type a user id' },
	'create-user': { keys: ['c'], label: 'c', does: 'create the user' },
	pool: { keys: ['o'], label: 'o', does: 'another pool' },
};

/** Can be typed whatever is found. */
const always: readonly Way[] = ['user-id', 'url'];

/** Asked for by Enter, where it is the first way on and nothing was found that could be mended. */
const typedWays: readonly Way[] = ['mfa', 'url', 'user-id'];

const saidOf = (rows: readonly CredentialRow[]): string => {
	const shown = (name: CredentialRow['name']) => rows.find((row) => row.name === name)?.shown ?? '';
	return `${shown('postgres')}   user id ${shown('user')}`;
};
