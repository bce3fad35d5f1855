import { statfs } from 'node:fs/promises';
import { diskFull } from '../sqlite/source-errors.js';
import type { ChromaApi, ServerCollection } from './api.js';
import { countOf, listIds } from './ids.js';
import { PageReader } from './pages.js';
import { withheld } from './problems.js';
import type { ServerRecord } from './records.js';
import type { Spool, SpooledCollection } from './spool.js';

export interface DownloadRequest {
	readonly api: ChromaApi;
	readonly collection: ServerCollection;
	readonly spool: Spool;
	/** Where the spool lies. */
	readonly folder: string;
	/** Records that one request may name; null: not known. */
	readonly allowed: number | null;
	readonly signal: AbortSignal;
	/** 0..1, a page at a time. */
	readonly onProgress: (fraction: number) => void;
}

export interface Download extends SpooledCollection {
	/** What was noticed, one sentence each, without the collection's name. */
	readonly notes: readonly string[];
}

/** Requests under way at a time: one being answered while another is parsed and written. */
const underWay = 2;
const spareBytes = 16 * 1024 * 1024;
/** Id, document and metadata of a record, as a guess. */
const guessedBytes = 1024;

/**
 * Copies a collection into the spool: first its ids, then the records in pages. Every page is as of its own moment. Records that are deleted meanwhile are
 * left out, once the server does not list them any more; those that are added after their ids were listed are not in it.
 */
export async function download({ api, collection, spool, folder, allowed, signal, onProgress }: DownloadRequest): Promise<Download> {
	const expected = await countOf(api, collection, signal);
	await requireRoom(folder, expected, collection.dimension ?? 0);
	const ids = await listIds(api, collection, expected, signal);
	const reader = new PageReader(api, collection, allowed, ids);
	const into = spool.collect(collection.id);
	let unspeakable = 0;
	let done = 0;
	for await (const { asked, records } of pagesOf(reader, ids, signal)) {
		into.add(records);
		unspeakable += records.filter((record) => record.unspeakable).length;
		done += asked;
		onProgress(done / ids.length);
	}
	await requireGone(api, collection, reader.absent, signal);
	const spooled = into.finish();
	return { ...spooled, notes: notesOf(ids.length - spooled.records, reader.damaged, unspeakable) };
}

/** Records that did not come although they were asked for twice have to be gone: the server's list of ids decides, since nothing may be left out that is still there. */
async function requireGone(api: ChromaApi, collection: ServerCollection, absent: readonly string[], signal: AbortSignal): Promise<void> {
	if (absent.length === 0) return;
	const present = new Set(await listIds(api, collection, await countOf(api, collection, signal), signal));
	const held = absent.filter((id) => present.has(id));
	if (held.length === 0) return;
	const why = `${held.length} records that it lists were not in its answers (${sampleOf(held)}), though they were asked for twice`;
	throw withheld(api.where, collection.name, why);
}

/** Told before, not when the disk is full. */
async function requireRoom(folder: string, records: number, dimension: number): Promise<void> {
	const needed = records * (dimension * 4 + guessedBytes) + spareBytes;
	const { bavail, bsize } = await statfs(folder);
	if (bavail * bsize < needed) throw diskFull(folder, needed, bavail * bsize);
}

interface Page {
	readonly asked: number;
	readonly records: readonly ServerRecord[];
}

/** The pages in order, some of them asked for ahead. Leaving the loop abandons those. */
async function* pagesOf(reader: PageReader, ids: readonly string[], signal: AbortSignal): AsyncGenerator<Page, void, undefined> {
	const stop = new AbortController();
	const both = AbortSignal.any([signal, stop.signal]);
	const ahead: Promise<Page>[] = [];
	let at = 0;
	try {
		while (at < ids.length || ahead.length > 0) {
			while (at < ids.length && ahead.length < underWay) {
				const slice = ids.slice(at, at + reader.size);
				at += slice.length;
				const page = reader.read(slice, both).then((records) => ({ asked: slice.length, records }));
				// It may fail before anybody waits for it.
				page.catch(() => undefined);
				ahead.push(page);
			}
			yield await (ahead.shift() as Promise<Page>);
		}
	} finally {
		stop.abort();
	}
}

function notesOf(gone: number, damaged: readonly string[], unspeakable: number): string[] {
	return [
		...(gone === 0 ? [] : [`${gone} records were deleted while it was being read and are left out`]),
		...(damaged.length === 0
			? []
			: [`the server cannot give the vector of ${damaged.length} records (${sampleOf(damaged)}): its index lacks them`]),
		...(unspeakable === 0
			? []
			: [`${unspeakable} vectors hold NaN or an infinity, which the server's JSON cannot carry: they are read as missing`]),
	];
}

const sampleOf = (ids: readonly string[]): string => `${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', ...' : ''}`;
