/**
 * Runs `work`, which reports by calling back, as a stream: yields what it reported in order and returns its result.
 * Reports wait in a short queue while the consumer is busy; a progress report replaces the one that still waits.
 */
export async function* reporting<Report, Result>(
	work: (report: (fact: Report, replaces?: boolean) => void) => Promise<Result>,
): AsyncGenerator<Report, Result, void> {
	const waiting: { fact: Report; replaceable: boolean }[] = [];
	let wake = (): void => {};
	const running = work((fact, replaceable = false) => {
		if (replaceable && waiting.at(-1)?.replaceable === true) waiting.pop();
		waiting.push({ fact, replaceable });
		wake();
	});
	let settled = false;
	const end = running
		.then(
			() => {},
			() => {},
		)
		.then(() => {
			settled = true;
			wake();
		});
	while (true) {
		const next = waiting.shift();
		if (next !== undefined) {
			yield next.fact;
		} else if (settled) {
			await end;
			return await running;
		} else {
			await new Promise<void>((resolve) => {
				wake = resolve;
				if (settled || waiting.length > 0) resolve();
			});
		}
	}
}
