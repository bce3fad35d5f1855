/**
 * Does the work of all items, at most `width` at once and otherwise in their order; an item waits until every earlier one that shares one
 * of its names is done. After a failure nothing more begins, what is under way is waited for, and the first error is thrown.
 */
export async function sideBySide<Item>(
	items: readonly Item[],
	width: number,
	namesOf: (item: Item) => readonly string[],
	work: (item: Item) => Promise<void>,
): Promise<void> {
	const waiting = items.map((item) => ({ names: namesOf(item), item }));
	const running = new Map<readonly string[], Promise<void>>();
	let failure: { readonly thrown: unknown } | null = null;
	const start = ({ names, item }: { readonly names: readonly string[]; readonly item: Item }): void => {
		const task = (async () => work(item))()
			.catch((thrown: unknown) => {
				failure ??= { thrown };
			})
			.finally(() => running.delete(names));
		running.set(names, task);
	};
	while ((waiting.length > 0 && failure === null) || running.size > 0) {
		while (failure === null && running.size < Math.max(1, width)) {
			const at = nextFree(
				waiting.map(({ names }) => names),
				[...running.keys()],
			);
			const next = at === null ? undefined : waiting.splice(at, 1)[0];
			if (next === undefined) break;
			start(next);
		}
		await Promise.race(running.values());
	}
	if (failure !== null) throw (failure as { readonly thrown: unknown }).thrown;
}

/** Place of the first item that shares no name with a running or an earlier waiting one; null when there is none. */
function nextFree(waiting: readonly (readonly string[])[], running: readonly (readonly string[])[]): number | null {
	const taken = new Set(running.flat());
	for (const [place, names] of waiting.entries()) {
		if (!names.some((name) => taken.has(name))) return place;
		for (const name of names) taken.add(name);
	}
	return null;
}
