import { useSyncExternalStore } from 'react';

interface Readable<Value> {
	readonly subscribe: (listener: () => void) => () => void;
	readonly getSnapshot: () => Value;
}

/** The present value of a store that lives outside React. */
export function useStore<Value>(store: Readable<Value>): Value {
	return useSyncExternalStore(store.subscribe, store.getSnapshot);
}
