/** Bytes after which a batch is closed whatever its records. */
export const batchBytes = 4 * 1024 * 1024;

/**
 * Records a batch, by the size of the table: small tables commit often enough that progress is seen, large ones as many
 * records as make about 4 MiB.
 */
export function batchRecords(rows: number, bytes: number, chosen: number | null): number {
	if (chosen !== null) return chosen;
	if (rows < 1_000) return 100;
	if (rows < 10_000) return 500;
	if (rows < 100_000) return 1_000;
	const perRecord = Math.max(1, bytes / Math.max(1, rows));
	return Math.max(1_000, Math.floor(batchBytes / perRecord));
}
