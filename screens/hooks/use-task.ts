import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { asRepotError, type RepotError } from '../../source/core/errors.js';

export type TaskState<Value> =
	| { readonly state: 'idle' }
	| { readonly state: 'working' }
	| { readonly state: 'ok'; readonly value: Value }
	| { readonly state: 'failed'; readonly error: RepotError };

interface Settled<Value> {
	readonly attempt: string;
	readonly result: TaskState<Value>;
}

/**
 * Runs something asynchronous whenever `key` changes; null: not now. What it throws becomes a state, never a crash. The signal is aborted
 * when the key changes or the screen goes, and a late answer is dropped.
 */
export function useTask<Value>(
	key: string | null,
	run: (signal: AbortSignal) => Promise<Value> | Value,
): { readonly task: TaskState<Value>; readonly retry: () => void } {
	const [retries, setRetries] = useState(0);
	const [settled, setSettled] = useState<Settled<Value> | null>(null);
	const latest = useRef(run);
	useLayoutEffect(() => {
		latest.current = run;
	});
	const attempt = key === null ? null : `${retries} ${key}`;
	useEffect(() => {
		if (attempt === null) return;
		const controller = new AbortController();
		const settle = (result: TaskState<Value>) => {
			if (!controller.signal.aborted) setSettled({ attempt, result });
		};
		const start = async () => latest.current(controller.signal);
		start().then(
			(value) => settle({ state: 'ok', value }),
			(thrown: unknown) => settle({ state: 'failed', error: asRepotError(thrown) }),
		);
		return () => controller.abort();
	}, [attempt]);
	const retry = () => setRetries((count) => count + 1);
	if (attempt === null) return { task: { state: 'idle' }, retry };
	return { task: settled?.attempt === attempt ? settled.result : { state: 'working' }, retry };
}
