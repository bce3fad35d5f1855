import type { CastRecord, Cursor, Probe } from '../../source/core/ports.js';
import type { RawRecord } from '../reader.js';
import type { StepPass } from './step-pass.js';
import { latest, type StopSignal } from './stop-signal.js';

const chunkRecords = 500;
/** Wide records close a chunk early: several chunks are in memory at a time. */
const chunkBytes = 4 * 1024 * 1024;

/** Cast records that are accepted, in chunks: all of them, or a sample of `limit` spread evenly (see `spread`). */
export function* castRecords(pass: StepPass, limit: number | null, stop: () => StopSignal): Generator<CastRecord[], void, undefined> {
	let chunk: CastRecord[] = [];
	let bytes = 0;
	const rewritten = pass.rewritesKeys;
	const records = limit === null ? acceptedRecords(pass, stop) : spread(pass, limit, sampleSeed, stop);
	for (const record of records) {
		const values = [...pass.caster.values];
		chunk.push({ key: pass.caster.targetKey(), ...(rewritten ? { sourceKey: pass.keyOf(record) } : {}), values });
		for (const value of values) bytes += value?.length ?? 0;
		if (chunk.length === chunkRecords || bytes >= chunkBytes) {
			yield chunk;
			chunk = [];
			bytes = 0;
		}
	}
	if (chunk.length > 0) yield chunk;
}

function* acceptedRecords(pass: StepPass, stop: () => StopSignal): Generator<RawRecord, void, undefined> {
	for (const record of pass.records(null, latest(stop))) {
		if (pass.judge(record) === null) yield record;
	}
}

const sampleSeed = 0x5eed;
const probeSeed = 0x9b0be;

/** `count` stored vectors, drawn like a sample. Vectors without a direction (all zeros) are no use as probes and passed over. */
export function drawProbes(pass: StepPass, count: number, stop: StopSignal): Probe[] {
	const place = pass.caster.fields.indexOf('embedding');
	const probes: Probe[] = [];
	const vectorOf = ({ values }: RawRecord): Float32Array | null => {
		const vector = values[place];
		return vector instanceof Float32Array && vector.some((component) => component !== 0) ? vector : null;
	};
	const drawn = new Set<string>();
	const draw = (records: Iterable<RawRecord>): void => {
		for (const record of records) {
			const vector = vectorOf(record);
			const label = pass.keyOf(record);
			if (vector === null || drawn.has(label)) continue;
			drawn.add(label);
			probes.push({ label, vector: vector.slice() });
			if (probes.length === count) return;
		}
	};
	draw(
		spread(
			pass,
			count,
			probeSeed,
			() => stop,
			(one) => vectorOf(one) !== null,
		),
	);
	// Records without a vector lie together, so that whole runs may have none.
	if (probes.length < count) draw(acceptedRecords(pass, () => stop));
	return probes;
}

/**
 * A stratified sample: the records are cut, in cursor order, into `limit` runs of equal length, and one is drawn from each with a fixed
 * seed. A record that is refused or does not suit is replaced by the next one of its run that is and does. The same source gives the same sample.
 */
function* spread(
	pass: StepPass,
	limit: number,
	seed: number,
	stop: () => StopSignal,
	suits: (record: RawRecord) => boolean = () => true,
): Generator<RawRecord, void, undefined> {
	const total = pass.count(stop());
	if (total <= limit) {
		for (const record of acceptedRecords(pass, stop)) if (suits(record)) yield record;
		return;
	}
	for (const { before, length } of drawRuns(pass, total, limit, seed, stop())) {
		let left = length;
		for (const record of pass.records(before, stop())) {
			if (suits(record) && pass.judge(record) === null) {
				yield record;
				break;
			}
			if (--left === 0) break;
		}
	}
}

interface Run {
	/** Cursor before the record drawn. */
	readonly before: Cursor | null;
	/** Records from the one drawn to the end of its run. */
	readonly length: number;
}

function drawRuns(pass: StepPass, total: number, limit: number, seed: number, stop: StopSignal): Run[] {
	const random = mulberry32(seed);
	const walk = pass.walk(stop);
	const runs: Run[] = [];
	let before: Cursor | null = null;
	/** Records up to and with `before`. */
	let passed = 0;
	for (let run = 0; run < limit; run++) {
		const start = Math.floor((run * total) / limit);
		const end = Math.floor(((run + 1) * total) / limit);
		const drawn = start + Math.floor(random() * (end - start));
		if (drawn > passed) {
			before = walk(drawn - passed);
			// A damaged index may count more rows than the table gives.
			if (before === null) break;
			passed = drawn;
		}
		runs.push({ before, length: end - drawn });
	}
	return runs;
}

/** mulberry32 by Tommy Ettinger (public domain): small, seeded and the same on every machine. Gives 0 <= x < 1. */
function mulberry32(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}
