import type { CopyStep } from '../../source/core/plan/types.js';
import { findTable, tenantOf } from './catalog.js';
import type { Session } from './driver.js';
import { text } from './sql-text.js';

const mostRows = 1000;

/** RFC 9562, version 5, as PostgreSQL and the casts write it. */
const nameBased = '^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';

/** See `Target.keptIds`. A prefixed id is compared here; a UUID can only be told by its form, because the server has no SHA-1. */
export async function findKeptIds(
	session: Session,
	step: CopyStep,
	tenant: string,
	stem: string,
): Promise<{ id: string; key: string; kept: string }[]> {
	const table = await findTable(session, step.table);
	const id = step.columns.find(({ name }) => name === step.key[0]);
	if (table === null || id === undefined || step.collection === undefined) return [];
	const [rule, argument] = id.cast === 'prefixed-id' ? ["e.id = $4 || (m.value #>> '{}')", id.constant ?? ''] : ['e.id ~ $4', nameBased];
	const { rows } = await session.query(
		`SELECT e.id, m.key, m.value #>> '{}' AS kept
		FROM ${table.qualified} e, jsonb_each(CASE WHEN jsonb_typeof(e.cmetadata) = 'object' THEN e.cmetadata ELSE '{}' END) m
		WHERE e.collection_id = $1::uuid AND ${tenantOf(step, tenant, 'e', table)} = $2 AND m.key ~ $3 AND jsonb_typeof(m.value) = 'string' AND ${rule}
		LIMIT ${mostRows}`,
		[step.collection.uuid, tenant, `^${stem}(_[0-9]+)?$`, argument],
	);
	return rows.map((row) => ({ id: text(row, 'id'), key: text(row, 'key'), kept: text(row, 'kept') }));
}
