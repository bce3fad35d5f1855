// A writer in a process of its own: POSIX locks do not hold against the process that took them.
import { writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Database } from '../../../services/sqlite/engine.js';

const [path = '', mode = ''] = process.argv.slice(2);
const database = new Database(path);
const ready = (): void => void writeSync(1, 'ready\n');

if (mode === 'exclusive') {
	database.exec('BEGIN EXCLUSIVE');
	ready();
	process.stdin.on('data', () => {
		database.exec('COMMIT');
		process.exit(0);
	});
} else if (mode === 'hot-journal') {
	// A cache of one page makes the transaction spill into the file; dying now leaves the journal hot.
	database.pragma('cache_size = 1');
	database.exec("BEGIN; UPDATE t SET v = 'torn' || v");
	ready();
	process.kill(process.pid, 'SIGKILL');
} else if (mode === 'companion-killed' || mode === 'companion-before' || mode === 'companion-inside') {
	// The database says how many rows there are, its companion too: they agree before the transaction and after it.
	const count = (): void =>
		writeFileSync(join(dirname(path), 'count.txt'), String(database.prepare('SELECT count(*) FROM t').pluck().get()));
	database.exec("BEGIN; INSERT INTO t (v) VALUES ('one more')");
	if (mode !== 'companion-before') count();
	ready();
	if (mode === 'companion-killed') process.kill(process.pid, 'SIGKILL');
	process.stdin.on('data', () => {
		count();
		database.exec('COMMIT');
		process.exit(0);
	});
} else if (mode === 'wal-killed') {
	database.pragma('wal_autocheckpoint = 0');
	database.exec("INSERT INTO t (v) VALUES ('in the log')");
	ready();
	process.kill(process.pid, 'SIGKILL');
} else if (mode === 'wal-writing') {
	// Two rows in one transaction, all the time: a copy that holds an odd number of them is torn.
	const insert = database.prepare("INSERT INTO t (v) VALUES ('a'), ('b')");
	database.pragma('wal_autocheckpoint = 20');
	const write = (): void => {
		for (let count = 0; count < 5; count++) insert.run();
		setImmediate(write);
	};
	ready();
	write();
}
