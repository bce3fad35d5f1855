import { closeSync, openSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RunFolder } from '../../source/core/ports.js';
import { eventFigures } from './event-file.js';
import { privateFile, repairLastLine, stateError, writeAtomically } from './files.js';
import { FileQuarantine } from './quarantine.js';

export const eventFile = 'events.ndjson';

/** Opens (or makes) the folder of one run: `plan.json`, `events.ndjson`, `quarantine.jsonl`, reports, `run.json`. */
export async function openRunFolder(path: string, redact: (text: string) => string): Promise<RunFolder> {
	await repairLastLine(join(path, eventFile));
	return new LocalRunFolder(path, redact);
}

class LocalRunFolder implements RunFolder {
	readonly path: string;
	readonly quarantine: FileQuarantine;
	readonly #redact: (text: string) => string;
	#events: number | null = null;

	constructor(path: string, redact: (text: string) => string) {
		this.path = path;
		this.quarantine = new FileQuarantine(join(path, 'quarantine.jsonl'));
		this.#redact = redact;
	}

	async write(name: string, content: string): Promise<string> {
		const path = join(this.path, basename(name));
		await writeAtomically(path, content);
		return path;
	}

	/** Written at once, in order and without fsync: the ledger is the record, this is the story. */
	appendEvent(line: string): void {
		const path = join(this.path, eventFile);
		try {
			this.#events ??= openSync(path, 'a', privateFile);
			writeSync(this.#events, `${this.#redact(line.trimEnd())}\n`);
		} catch (thrown) {
			throw stateError(path, thrown);
		}
	}

	async sessionsBefore(): Promise<{ readonly sessions: number; readonly milliseconds: number }> {
		const { sessions, milliseconds } = await eventFigures(join(this.path, eventFile));
		return { sessions, milliseconds };
	}

	async close(): Promise<void> {
		await this.quarantine.close();
		if (this.#events !== null) closeSync(this.#events);
		this.#events = null;
	}
}
