import { formatDuration } from '../format.js';

/** Sooner than this it is worth saying, whatever the run takes. */
const soonMilliseconds = 15 * 60_000;

/**
 * What to know of a session that ends before the run does, or soon; null: nothing. `runMilliseconds`: the estimate; null: not known yet.
 * `tokens`: each new connection to the database needs the session.
 */
export function sessionWords(
	endsAt: number | null,
	now: number,
	runMilliseconds: number | null,
	tokens: boolean,
): { readonly state: 'look' | 'x'; readonly words: string } | null {
	if (endsAt === null) return null;
	const left = endsAt - now;
	const after = tokens ? 'no new connection can be made then' : 'what runs goes on; a resumed run needs a new login';
	if (left <= 0) return { state: tokens ? 'x' : 'look', words: `the AWS session has ended: ${after}` };
	if (runMilliseconds !== null && left < runMilliseconds) {
		return {
			state: 'look',
			words: `the AWS session ends in ${formatDuration(left)}, before the run of about ${formatDuration(runMilliseconds)} does: ${after}`,
		};
	}
	if (left < soonMilliseconds) return { state: 'look', words: `the AWS session ends in ${formatDuration(left)}` };
	return null;
}
