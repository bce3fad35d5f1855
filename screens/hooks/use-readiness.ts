import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { asRepotError } from '../../source/core/errors.js';
import { type ReadinessCheck, readinessNames } from '../../source/core/readiness.js';

/** The checks known so far. */
export type KnownChecks = readonly ReadinessCheck[];

/**
 * Runs the checks when the screen opens, and anew on `again`; each is told as soon as it is known. The signal is aborted when the screen
 * goes or the checks begin anew.
 */
export function useReadiness(check: (signal: AbortSignal) => AsyncIterable<ReadinessCheck>): {
	readonly checks: KnownChecks;
	readonly again: () => void;
} {
	const [round, setRound] = useState(0);
	const [known, setKnown] = useState<{ readonly round: number; readonly checks: KnownChecks }>({ round, checks: [] });
	const latest = useRef(check);
	useLayoutEffect(() => {
		latest.current = check;
	});
	useEffect(() => {
		const controller = new AbortController();
		let checks: KnownChecks = [];
		const tell = (more: KnownChecks) => {
			checks = [...checks, ...more];
			if (!controller.signal.aborted) setKnown({ round, checks });
		};
		const run = async () => {
			for await (const one of latest.current(controller.signal)) tell([one]);
		};
		run().catch((thrown: unknown) => tell(untold(checks, asRepotError(thrown).message)));
		return () => controller.abort();
	}, [round]);
	return { checks: known.round === round ? known.checks : [], again: () => setRound(round + 1) };
}

/** What could not be checked is said, and keeps nobody from going on: the run checks for itself. */
function untold(known: KnownChecks, why: string): KnownChecks {
	return readinessNames
		.filter((name) => known.every((check) => check.name !== name))
		.map((name) => ({ name, result: 'look', words: `could not be checked: ${why}` }));
}
