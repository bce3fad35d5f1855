import type { CopyStep } from '../../source/core/plan/types.js';
import type { WriteResult } from '../../source/core/ports.js';
import type { BatchRequest } from './batch-request.js';
import { keyOfRow, splitRows } from './copy-rows.js';
import type { ServerError } from './driver.js';
import { refusalCode } from './errors.js';
import type { Merged } from './merge.js';

export type Refused = WriteResult['refused'][number];

/** Refusals by the server, by tenancy and by other unique keys, as indexes into the batch. */
export function allRefused(refused: ReadonlyMap<number, ServerError>, merged: Merged, kept: readonly number[], step: CopyStep): Refused[] {
	const byServer = [...refused].map(([row, error]) => ({
		row,
		code: refusalCode(error),
		reason: error.detail === undefined ? error.message : `${error.message}: ${error.detail}`,
	}));
	const whose = step.collection === undefined ? 'another tenant' : 'another collection or tenant';
	const byOthers = merged.heldByOthers.map((index) => ({
		row: kept[index] ?? index,
		code: 'KEY_HELD_BY_OTHER',
		reason: `A row of ${whose} in ${step.table} has this key`,
	}));
	const takenOut = merged.takenOut.map((taken) => ({
		row: kept[taken.position] ?? taken.position,
		code: taken.code,
		reason: taken.reason,
	}));
	return [...byServer, ...byOthers, ...takenOut].sort((left, right) => left.row - right.row);
}

/** The refused records with their keys, by which they are found in the source again. */
export function withKeys(refused: readonly Refused[], { batch, step }: BatchRequest): Refused[] {
	if (refused.length === 0) return [];
	const rows = splitRows(batch.data, step.format);
	return refused.map((one) => {
		const row = rows[one.row];
		const key = row === undefined ? null : keyOfRow(row, step);
		return key === null ? one : { ...one, key };
	});
}
