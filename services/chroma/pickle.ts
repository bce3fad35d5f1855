import { PickleInput, UnexpectedEnd } from './pickle-input.js';
import { PickleMachine, Refused } from './pickle-machine.js';

/** What `index_metadata.pickle` says: which label of the HNSW index holds the vector of which record. */
export interface IndexMetadata {
	/** Record id to hnswlib label. */
	readonly labels: Map<string, number>;
	/** Last sequence number that the index holds; kept here before 0.5.6 only. */
	readonly maxSeqId: number | null;
	readonly totalElements: number | null;
	/** Why not all of it could be read: what was read before is in `labels`. */
	readonly damage: string | null;
}

/** A Map of V8 holds no more. */
const mostIds = 2 ** 24;

/**
 * Reads Chroma's pickle. Never throws for what the bytes say: the pairs read until then are kept. So are the first `limit` ids of one that holds more.
 *
 * `label_to_id` must mirror `id_to_label`; a pair that it contradicts is dropped, because one of the two was damaged.
 */
export function readIndexMetadata(path: string, limit = mostIds): IndexMetadata {
	const input = new PickleInput(path);
	const machine = new PickleMachine(input, limit);
	let damage: string | null = null;
	try {
		machine.run();
	} catch (thrown) {
		if (!(thrown instanceof UnexpectedEnd || thrown instanceof Refused)) throw thrown;
		damage = thrown.message;
	} finally {
		input.close();
	}
	const { labels } = machine;
	const dropped = settle(labels, damage === null && machine.confirmations > 0);
	if (dropped > 0) damage ??= `${dropped} of its ids stand against each other in its two maps`;
	return { labels, maxSeqId: machine.number('max_seq_id'), totalElements: machine.number('total_elements_added'), damage };
}

/** Labels are held negative until `label_to_id` confirms them. Returns how many were dropped for want of that. */
function settle(labels: Map<string, number>, needConfirmation: boolean): number {
	let dropped = 0;
	for (const [id, label] of labels) {
		if (label > 0) continue;
		if (needConfirmation) {
			labels.delete(id);
			dropped += 1;
		} else labels.set(id, -label);
	}
	return dropped;
}
