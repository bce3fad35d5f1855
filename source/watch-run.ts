import { formatClock, formatCount, formatDuration, formatPercent } from './core/format.js';
import type { Clock } from './core/ports.js';
import { elapsed, runFraction, runTotals, timeLeft } from './core/run-progress.js';
import type { Prompter } from './prompter.js';
import type { Session } from './session.js';

const progressEvery = 5000;
const heartbeatEvery = 30_000;

/** Tells what is new: notable events at once, figures every few seconds when they moved, a heartbeat when nothing does. */
export async function watchRun(
	{ session, clock }: { readonly session: Session; readonly clock: Clock },
	prompter: Pick<Prompter, 'say'>,
): Promise<void> {
	let told = 0;
	let toldAt = clock.now();
	let toldRows = -1;
	const tell = () => {
		const { state } = session.store.getSnapshot();
		for (const entry of state.log.filter(({ number }) => number >= told)) {
			prompter.say(`${entry.label === null ? '' : `${entry.label}: `}${entry.text}`);
		}
		told = state.logged;
		const { rowsDone, rows } = runTotals(state);
		const now = clock.now();
		const isDue = (rowsDone !== toldRows && now - toldAt >= progressEvery) || now - toldAt >= heartbeatEvery;
		if (!isDue || state.phase !== 'copying') return;
		const left = timeLeft(state, now);
		prompter.say(
			`${formatPercent(runFraction(state))}, ${formatCount(rowsDone)} of ${formatCount(rows)} records, ${formatClock(elapsed(state, now))} gone${left === null ? '' : `, about ${formatDuration(left)} left`}`,
		);
		toldRows = rowsDone;
		toldAt = now;
	};
	const unsubscribe = session.store.subscribe(tell);
	const heartbeat = setInterval(tell, 1000);
	await session.settled();
	clearInterval(heartbeat);
	unsubscribe();
	tell();
}
