import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { CredentialOptions, FoundCredentials } from '../../source/core/credentials/find.js';
import { type CredentialRow, credentialNames } from '../../source/core/credentials/rows.js';
import { asRepotError, type RepotError } from '../../source/core/errors.js';

export interface CredentialSearch {
	/** In their order, each as far as it is known. */
	readonly rows: readonly CredentialRow[];
	/** Null until the search has ended. */
	readonly found: FoundCredentials | null;
	/** The search could not be made at all. */
	readonly error: RepotError | null;
	/** Searches again; what was found before counts unless `fresh` is asked for. */
	readonly again: (options: CredentialOptions) => void;
}

type Search = (options: CredentialOptions, onRow: (row: CredentialRow) => void, signal: AbortSignal) => Promise<FoundCredentials>;

interface Round {
	readonly count: number;
	readonly key: string;
	readonly options: CredentialOptions;
}

interface Told {
	readonly attempt: string;
	readonly rows: readonly CredentialRow[];
	readonly found: FoundCredentials | null;
	readonly error: RepotError | null;
}

/** Searches whenever `key` changes, and on `again`. The signal is aborted when the screen goes or another search begins; late rows are dropped. */
export function useCredentials(key: string, search: Search): CredentialSearch {
	const [round, setRound] = useState<Round>({ count: 0, key, options: {} });
	const attempt = `${round.count} ${key}`;
	// What was asked for once, as to create a user, counts for the choices that it was asked for with.
	const options = round.key === key ? round.options : {};
	const [told, setTold] = useState<Told | null>(null);
	const latest = useRef({ search, options });
	useLayoutEffect(() => {
		latest.current = { search, options };
	});
	useEffect(() => {
		const controller = new AbortController();
		let rows: readonly CredentialRow[] = [];
		const tell = (more: Partial<Told>) => {
			if (!controller.signal.aborted) setTold({ attempt, rows, found: null, error: null, ...more });
		};
		const onRow = (row: CredentialRow) => {
			rows = inOrder([...rows.filter(({ name }) => name !== row.name), row]);
			tell({});
		};
		const start = async () => latest.current.search(latest.current.options, onRow, controller.signal);
		start().then(
			(found) => tell({ rows: found.rows, found }),
			(thrown: unknown) => tell({ error: asRepotError(thrown) }),
		);
		return () => controller.abort();
	}, [attempt]);
	const current = told?.attempt === attempt ? told : null;
	return {
		rows: current?.rows ?? [],
		found: current?.found ?? null,
		error: current?.error ?? null,
		again: (asked) => setRound(({ count }) => ({ count: count + 1, key, options: asked })),
	};
}

const inOrder = (rows: readonly CredentialRow[]): readonly CredentialRow[] =>
	credentialNames.flatMap((name) => rows.find((row) => row.name === name) ?? []);
