import { formatQuantity } from '../format.js';
import type { ScanResult } from '../ports.js';
import type { CopyStep, Hazard } from './types.js';
import { keptIdKey } from './vectors.js';

/** More keys than anybody would have of one name; beyond it the last finding stays as it is. */
const mostTries = 20;

/**
 * Scans a step; when some record's metadata has the key already under which the casts keep the original id, again with another key, until none
 * has it: nothing of the user's is overwritten. `chroma_id`, then `chroma_id_2`, and so on.
 */
export async function scanWithFreeKey(
	draft: CopyStep,
	scan: (step: CopyStep) => Promise<ScanResult>,
): Promise<{ readonly step: CopyStep; readonly scan: ScanResult; readonly hazards: readonly Hazard[] }> {
	let step = draft;
	let result = await scan(step);
	const first = taken(result);
	if (first === undefined) return { step, scan: result, hazards: [] };
	let key = keptIdKey;
	for (let nth = 2; taken(result) !== undefined && nth <= mostTries; nth++) {
		key = `${keptIdKey}_${nth}`;
		step = keeping(draft, key);
		result = await scan(step);
	}
	const message = `the metadata of ${formatQuantity(first.count, 'record')} has the key ${keptIdKey} already, and keeps it; the original ids of this collection are kept under ${key}`;
	const hazard: Hazard = {
		code: 'ID_KEY_TAKEN',
		severity: 'warn',
		step: draft.id,
		column: 'cmetadata',
		count: first.count,
		sample: first.sample,
		message,
	};
	return { step, scan: result, hazards: [hazard] };
}

const taken = (scan: ScanResult) => scan.findings.find(({ code }) => code === 'METADATA_ID_KEY_TAKEN');

const keeping = (step: CopyStep, key: string): CopyStep => ({
	...step,
	columns: step.columns.map((column) => (column.keeps === undefined ? column : { ...column, keeps: { ...column.keeps, key } })),
});
