import type { OtherDimensions } from '../../source/core/ports.js';
import { requireTable } from './catalog.js';
import type { Session } from './driver.js';
import { number } from './sql-text.js';

/** Counts the rows of a langchain collection by the dimensions of their vectors, where those are others. */
export async function findOtherDimensions(session: Session, collection: string, dimension: number): Promise<OtherDimensions> {
	const table = await requireTable(session, 'langchain_pg_embedding');
	const { rows } = await session.query(
		`SELECT vector_dims(e.embedding) AS dimensions, count(*) AS count FROM ${table.qualified} e
		WHERE e.collection_id = $1::uuid AND vector_dims(e.embedding) <> $2::int GROUP BY 1 ORDER BY 1`,
		[collection, String(dimension)],
	);
	return {
		count: rows.reduce((sum, row) => sum + number(row, 'count'), 0),
		dimensions: rows.map((row) => number(row, 'dimensions')),
	};
}
