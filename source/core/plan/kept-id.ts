import { formatQuantity } from '../format.js';
import { keyRule } from '../mapping/id-casts.js';
import type { ScanResult, Source, Target } from '../ports.js';
import { keptIdKey } from './langchain-tables.js';
import type { CopyStep, Hazard } from './types.js';

/** What the choice of the key asks. */
export interface KeptIdPorts {
	readonly tenant: string;
	readonly source: Pick<Source, 'metadataKeys'>;
	/** Null: the target holds no rows of the step, or cannot be asked. */
	readonly target: Pick<Target, 'keptIds'> | null;
	readonly signal: AbortSignal | undefined;
}

/**
 * Scans a step and, where its ids follow a rule, settles under which key of the metadata the original id is kept: the key that rows of this
 * user in the collection have, so that one record more does not move all of them; else `chroma_id`, or `chroma_id_2` and so on when some
 * record's own metadata has that. Nothing of the user's is overwritten.
 */
export async function scanWithFreeKey(
	draft: CopyStep,
	scan: (step: CopyStep) => Promise<ScanResult>,
	ports: KeptIdPorts,
): Promise<{ readonly step: CopyStep; readonly scan: ScanResult; readonly hazards: readonly Hazard[] }> {
	const held = await keyOfRows(draft, ports);
	const step = held === null ? draft : keeping(draft, { key: held, held: true });
	const result = await scan(step);
	const taken = result.findings.find(({ code }) => code === 'METADATA_ID_KEY_TAKEN');
	if (taken === undefined) return { step, scan: result, hazards: [] };
	const key = freeKey(await ports.source.metadataKeys(draft, keptIdKey, ports.signal));
	const free = keeping(draft, { key });
	const message = `the metadata of ${formatQuantity(taken.count, 'record')} has the key ${keptIdKey} already, and keeps it; the original ids of this collection are kept under ${key}`;
	const hazard: Hazard = {
		code: 'ID_KEY_TAKEN',
		severity: 'warn',
		step: draft.id,
		column: 'cmetadata',
		count: taken.count,
		sample: taken.sample,
		message,
	};
	return { step: free, scan: await scan(free), hazards: [hazard] };
}

/** The key under which most of this user's rows in the collection have what their ids were made of; null: none has. */
async function keyOfRows(draft: CopyStep, { tenant, target, signal }: KeptIdPorts): Promise<string | null> {
	const isKept = draft.columns.some(({ keeps }) => keeps !== undefined);
	if (!isKept || target === null || draft.state.tenantRowsBefore === 0) return null;
	const rule = keyRule(draft.columns.find(({ name }) => name === draft.key[0]));
	const rows = new Map<string, number>();
	for (const { id, key, kept } of await target.keptIds(draft, tenant, keptIdKey, signal))
		if (rule(kept) === id) rows.set(key, (rows.get(key) ?? 0) + 1);
	const [most] = [...rows].sort(([a, of], [b, than]) => than - of || a.length - b.length || (a < b ? -1 : 1));
	return most?.[0] ?? null;
}

function freeKey(taken: readonly string[]): string {
	let key: string = keptIdKey;
	for (let nth = 2; taken.includes(key); nth++) key = `${keptIdKey}_${nth}`;
	return key;
}

const keeping = (step: CopyStep, settled: { readonly key: string; readonly held?: true }): CopyStep => ({
	...step,
	columns: step.columns.map((column) => (column.keeps === undefined ? column : { ...column, keeps: { ...column.keeps, ...settled } })),
});
