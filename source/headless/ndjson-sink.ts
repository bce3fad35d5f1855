import type { EventSink } from './sink.js';

/** Version of the event lines. A minor step adds fields or types; a major one changes what is there. */
const eventsVersion = '1.0';

/** The first line of every stream. */
export const versionLine = (version: string): string => JSON.stringify({ type: 'version', repot: version, events: eventsVersion });

/** Events as they are, one JSON object a line. The caller has written the version line. */
export function ndjsonSink(write: (line: string) => void): EventSink {
	return { handle: (event) => write(JSON.stringify(event)), close() {} };
}
