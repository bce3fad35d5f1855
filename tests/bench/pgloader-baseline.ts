import { type Finished, mustRun, run } from './processes.js';

export interface PgloaderRun extends Finished {
	/** What differs from the default load, or null. */
	readonly note: string | null;
}

/** Rows that pgloader reads ahead when its default (100,000) does not fit its heap: Debian builds it with 1 GiB, which wide rows exhaust. */
const smallerPrefetch = 20_000;

let defaultFits = true;

/** pgloader's default load of a SQLite file: tables, rows, indexes, keys. The password, if any, travels in the environment. */
export const pgloaderBaseline = async (url: string, sqlitePath: string): Promise<PgloaderRun> => {
	const target = new URL(url);
	const env = target.password === '' ? {} : { PGPASSWORD: decodeURIComponent(target.password) };
	target.password = '';
	target.protocol = 'postgresql:';
	const sources = [`sqlite://${sqlitePath}`, target.href];
	if (defaultFits) {
		const plain = await run('pgloader', ['--on-error-stop', ...sources], { env });
		defaultFits = !/heap exhausted/i.test(plain.stdout + plain.stderr);
		if (defaultFits) return { ...checked(plain), note: null };
	}
	const finished = await mustRun('pgloader', ['--on-error-stop', '--with', `prefetch rows = ${smallerPrefetch}`, ...sources], { env });
	return { ...checked(finished), note: `its default of 100,000 rows read ahead exhausts its heap here; given ${smallerPrefetch}` };
};

/** pgloader exits 0 after some failures, and says so in its log only. */
const checked = (finished: Finished): Finished => {
	const said = finished.stdout + finished.stderr;
	if (finished.code !== 0 || /\b(FATAL|ERROR)\b/.test(said)) throw new Error(`pgloader failed:\n${said.slice(-1500)}`);
	return finished;
};
