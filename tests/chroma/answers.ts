import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a real Chroma answered for one collection; made by chroma_directories.py, which describes each field. */
export interface CollectionAnswer {
	readonly tenant: string;
	readonly database: string;
	readonly name: string;
	readonly id: string;
	readonly space: 'l2' | 'cosine' | 'ip' | null;
	readonly metadata: Readonly<Record<string, unknown>> | null;
	/** Lines of `canonicalLine`. */
	readonly records: readonly string[];
	/** Why this Chroma could not answer with vectors; `records` has none then. */
	readonly error: string | null;
	/** Every vector that was ever sent, by id, float32 little-endian in hex. */
	readonly given: Readonly<Record<string, readonly string[]>>;
}

export interface DirectoryAnswers {
	readonly version: string;
	/** When the writer was killed, or null. */
	readonly killed: string | null;
	/** A value was written that this Chroma logs but cannot apply. */
	readonly poisoned: boolean;
	/** What get() sorts by: the id's UTF-8 bytes, or `embeddings.id`. */
	readonly order: 'id' | 'row';
	readonly collections: readonly CollectionAnswer[];
}

export const answersIn = (folder: string): DirectoryAnswers =>
	JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as DirectoryAnswers;
