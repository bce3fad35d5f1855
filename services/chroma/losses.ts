/** What a damaged chroma.sqlite3 has lost, in terms of what is read from it. */
export interface Losses {
	/** Stretches of the log of which nothing is known: `after` < sequence <= `upTo`. */
	readonly log: readonly Stretch[];
	/** Log rows of which operation and id are known, and no more. */
	readonly logRows: ReadonlySet<number>;
	/** Keys of `embedding_metadata` that are lost, by embeddings.id. */
	readonly keys: ReadonlyMap<number, ReadonlySet<string>>;
	/** Records, by embeddings.id, that may have lost further keys: `after` <= id <= `upTo`. */
	readonly unsure: readonly Stretch[];
	/** True: records are lost, and it is not known which. */
	readonly records: boolean;
	/** Why a collection cannot be read, by its id. */
	readonly collections: ReadonlyMap<string, string>;
	/** True: rows that say which segments a collection has are lost. */
	readonly segments: boolean;
	/** True: rows that say which tenant a collection belongs to are lost. */
	readonly databases: boolean;
	/** Lost keys by collection and by vector segment; `all`: of whichever, any may be lost. */
	readonly collectionKeys: LostKeys;
	readonly segmentKeys: LostKeys;
	/** What is lost in the whole directory, or restored; a code of `repot inspect` and a sentence each. */
	readonly notes: readonly LossNote[];
}

export interface LossNote {
	readonly code: 'LOG_PAGES_LOST' | 'LOG_ROWS_DAMAGED' | 'RECORDS_LOST' | 'ROWS_RESTORED';
	readonly message: string;
	readonly count: number;
}

export interface Stretch {
	readonly after: number;
	readonly upTo: number;
}

export type LostKeys = ReadonlyMap<string, ReadonlySet<string>> | 'all';

export const noLosses: Losses = {
	log: [],
	logRows: new Set(),
	keys: new Map(),
	unsure: [],
	records: false,
	collections: new Map(),
	segments: false,
	databases: false,
	collectionKeys: new Map(),
	segmentKeys: new Map(),
	notes: [],
};

/** What is gone of one record: these keys, and perhaps others. */
export interface LostFields {
	readonly keys: ReadonlySet<string>;
	readonly others: boolean;
}

export const everything: LostFields = { keys: new Set(), others: true };

/** Null: the record with that row number is whole. */
export function lostFieldsOf({ keys, unsure }: Losses, row: number): LostFields | null {
	const known = keys.get(row);
	const others = unsure.some(({ after, upTo }) => row >= after && row <= upTo);
	return known === undefined && !others ? null : { keys: known ?? new Set(), others };
}

/** Whether the key of a collection or segment may be lost. */
export const isKeyLost = (lost: LostKeys, owner: string, key: string): boolean => lost === 'all' || lost.get(owner)?.has(key) === true;

/** Whether anything in the log after `from` up to `upTo` is lost. */
export const isLogLost = ({ log }: Losses, from: number, upTo: number): boolean =>
	log.some((hole) => hole.after < upTo && hole.upTo > from);
