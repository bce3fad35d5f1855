import type { MigrationEvent } from '../core/events.js';

/** One consumer of a run's events. Handling is synchronous: a sink never holds the engine up. */
export interface EventSink {
	handle(event: MigrationEvent): void;
	/** After the last event, or when the run threw. */
	close(): void;
}

/** Feeds every event to every sink in order; returns the last one. */
export async function drain(events: AsyncIterable<MigrationEvent>, sinks: readonly EventSink[]): Promise<MigrationEvent | null> {
	let last: MigrationEvent | null = null;
	try {
		for await (const event of events) {
			last = event;
			for (const sink of sinks) sink.handle(event);
		}
		return last;
	} finally {
		for (const sink of sinks) sink.close();
	}
}
