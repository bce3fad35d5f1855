import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { asRepotError } from '../../source/core/errors.js';
import type { FeedReply, FeedRequest, FeedSettings } from './feed-protocol.js';
import { FeedSession } from './feed-session.js';
import { inspectInThread } from './inspect-in-thread.js';
import { Stopped, type StopSignal } from './stop-signal.js';

// The thread that holds the snapshots and reads, casts and encodes. Calls are answered one after another; only `abort` overtakes.

type Call = Extract<FeedRequest, { readonly type: 'call' }>;
type Batches = Awaited<ReturnType<FeedSession['openBatches']>>;
type Records = Awaited<ReturnType<FeedSession['openRecords']>>;

const port = mainThread();

const session = new FeedSession(workerData as FeedSettings);
const batches = new Map<number, { readonly items: Batches; readonly spares: ArrayBuffer[] }>();
const records = new Map<number, Records>();
/** The stop signal of the call that is pulling a stream; a stream outlives the call that opened it. */
let pulling: StopSignal;

const aborts = new Map<number, AbortController>();
const reply = (message: FeedReply, transfer: readonly ArrayBuffer[] = []): void => port.postMessage(message, transfer);

function mainThread(): MessagePort {
	if (parentPort === null) throw new Error('feed-worker runs as a worker thread only');
	return parentPort;
}

let queue: Promise<void> = Promise.resolve();
port.on('message', (request: FeedRequest) => {
	if (request.type === 'abort') {
		aborts.get(request.id)?.abort();
		return;
	}
	aborts.set(request.id, new AbortController());
	queue = queue.then(() => answer(request));
});

async function answer(call: Call): Promise<void> {
	const { id } = call;
	const controller = aborts.get(id) ?? new AbortController();
	const stop: StopSignal = {
		check() {
			if (Atomics.load(call.stop, 0) !== 0) throw new Stopped('stopped');
		},
		signal: controller.signal,
	};
	try {
		stop.check();
		pulling = stop;
		const result = await perform(call, stop);
		const transfer = call.name === 'nextBatch' && isBatch(result) ? [result.data.buffer] : [];
		reply({ type: 'answer', id, answer: result }, transfer);
	} catch (thrown) {
		if (thrown instanceof Stopped || controller.signal.aborted) reply({ type: 'aborted', id });
		else reply({ type: 'error', id, error: asRepotError(thrown).toJSON(), stack: thrown instanceof Error ? (thrown.stack ?? null) : null });
	} finally {
		aborts.delete(id);
		if (call.name === 'close') port.close();
	}
}

const isBatch = (value: unknown): value is { readonly data: Uint8Array<ArrayBuffer> } =>
	typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Uint8Array;

async function perform(call: Call, stop: StopSignal): Promise<unknown> {
	switch (call.name) {
		case 'describe':
			return session.describe(stop);
		case 'inspect':
			return inspectInThread(workerData as FeedSettings, stop);
		case 'snapshot':
			return session.snapshot(stop, (fraction) => reply({ type: 'progress', id: call.id, fraction }));
		case 'chromaFingerprint':
			return session.chromaFingerprint(stop);
		case 'cut':
			return session.cut(call.argument.step, call.argument.parts, stop);
		case 'scanPart': {
			const { step, part } = call.argument;
			return session.scanPart(step, part, stop, (fraction) => reply({ type: 'progress', id: call.id, fraction }));
		}
		case 'learn':
			session.learn(call.argument);
			return null;
		case 'judgements':
			return session.judgements();
		case 'openBatches': {
			const { step, from, excluded } = call.argument;
			const spares: ArrayBuffer[] = [];
			batches.set(call.id, { items: await session.openBatches(step, from, excluded, () => pulling, spares), spares });
			return call.id;
		}
		case 'openRecords':
			records.set(call.id, await session.openRecords(call.argument.step, call.argument.limit, () => pulling));
			return call.id;
		case 'nextBatch': {
			const { stream, spent } = call.argument;
			const open = batches.get(stream);
			// Kept until the stream ends, never freed in between: a connection that broke may still be reading from it.
			if (spent !== null) open?.spares.push(spent);
			return pull(open?.items);
		}
		case 'nextRecords':
			return pull(records.get(call.argument.stream));
		case 'closeStream':
			return closeStream(call.argument.stream);
		case 'refusedRecord':
			return session.refusedRecord(call.argument, stop);
		case 'sharedKeys':
			return session.sharedKeys(call.argument.steps, stop);
		case 'metadataKeys':
			return session.metadataKeys(call.argument.step, call.argument.stem, stop);
		case 'probes':
			return session.probes(call.argument.step, call.argument.count, stop);
		case 'neighbours':
			return session.neighbours(call.argument.step, call.argument.probes, call.argument.k, stop);
		case 'close':
			for (const stream of [...batches.keys(), ...records.keys()]) closeStream(stream);
			await session.close();
			return null;
	}
}

/** The next item, or null when the stream has ended or was closed. */
function pull<Item>(stream: Generator<Item, void, undefined> | undefined): Item | null {
	const next = stream?.next();
	return next === undefined || next.done === true ? null : next.value;
}

function closeStream(stream: number): null {
	batches.get(stream)?.items.return();
	records.get(stream)?.return();
	batches.delete(stream);
	records.delete(stream);
	return null;
}
