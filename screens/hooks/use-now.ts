import { useEffect, useState } from 'react';
import { useShell } from '../shell-context.js';

export interface Beat {
	/** The shell's clock. */
	readonly now: number;
	/** Counts up with every beat. */
	readonly tick: number;
}

/** The time, told again every `milliseconds` while `active`. */
export function useNow(milliseconds: number, active = true): Beat {
	const { clock } = useShell();
	const [tick, setTick] = useState(0);
	useEffect(() => {
		if (!active) return;
		const timer = setInterval(() => setTick((count) => count + 1), milliseconds);
		return () => clearInterval(timer);
	}, [milliseconds, active]);
	return { now: clock.now(), tick };
}
