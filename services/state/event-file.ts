/** What the events of a run, kept beside it, tell of its earlier sessions. */

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { MigrationEvent } from '../../source/core/events.js';

export interface EventFigures {
	/** How often the run was started or resumed. */
	readonly sessions: number;
	/** Time that these took, from the first to the last event of each. */
	readonly milliseconds: number;
	/** Records that were committed; a kill may have kept the last batch from being told, so it is a lower bound. */
	readonly written: number;
}

const noEvents: EventFigures = { sessions: 0, milliseconds: 0, written: 0 };

/** Reads the file line by line; a file that is not there, or a line that is cut short, tells nothing. */
export async function eventFigures(path: string): Promise<EventFigures> {
	let [sessions, milliseconds, written] = [0, 0, 0];
	let [startedAt, lastAt] = [Number.NaN, Number.NaN];
	const endSession = (): void => {
		if (lastAt > startedAt) milliseconds += lastAt - startedAt;
	};
	try {
		for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })) {
			const event = parsed(line);
			if (event === null) continue;
			if (event.type === 'run-started') {
				endSession();
				sessions++;
				startedAt = Date.parse(event.at);
			}
			lastAt = Date.parse(event.at);
			if (event.type === 'batch-committed') written += event.rows - (event.skipped ?? 0);
		}
	} catch {
		return noEvents;
	}
	endSession();
	return { sessions, milliseconds, written };
}

function parsed(line: string): MigrationEvent | null {
	try {
		const event = JSON.parse(line) as MigrationEvent;
		return typeof event.type === 'string' ? event : null;
	} catch {
		return null;
	}
}
