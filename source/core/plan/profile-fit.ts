import type { ProfileFit } from '../inspection.js';
import type { Profile } from '../mapping/profile.js';
import type { SqliteDescription } from '../ports.js';

/** Whether a described database holds the tables and columns of a profile. SQLite compares names without case. */
export function profileFit(profile: Profile, sqlite: Pick<SqliteDescription, 'tables'>): ProfileFit {
	const found = new Map(sqlite.tables.map((table) => [table.name.toLowerCase(), table]));
	const missingTables = profile.tables.filter((table) => !found.has(table.source.toLowerCase())).map((table) => table.source);
	const missingColumns = profile.tables.flatMap((table) => {
		const columns = found.get(table.source.toLowerCase())?.columns.map((column) => column.name.toLowerCase());
		return columns === undefined ? [] : table.required.filter((name) => !columns.includes(name)).map((name) => `${table.source}.${name}`);
	});
	const known = new Set(profile.tables.map((table) => table.source.toLowerCase()));
	return {
		profile: profile.name,
		fits: missingTables.length === 0 && missingColumns.length === 0,
		missingTables,
		missingColumns,
		otherTables: sqlite.tables.filter((table) => !table.derived && !known.has(table.name.toLowerCase())).map((table) => table.name),
	};
}
