import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Env, isSocket, type Server } from './connection-url.js';

/**
 * The password that libpq's file has for this server (PostgreSQL 18, 32.16): the first line of `host:port:database:user:password` that fits,
 * where `*` fits anything, `localhost` also a socket, and a backslash stands before `:` and itself. Null: none, or the file may be read by
 * others, for which libpq passes it over too.
 */
export async function passwordOfFile(server: Server, env: Env): Promise<string | null> {
	const file = server.parameters.get('passfile') || env.PGPASSFILE || join(env.HOME ?? homedir(), '.pgpass');
	try {
		const { mode } = await stat(file);
		if (process.platform !== 'win32' && (mode & 0o077) !== 0) return null;
		return passwordIn(await readFile(file, 'utf8'), server);
	} catch {
		return null;
	}
}

/** Exported for its test. */
export function passwordIn(text: string, { host, port, database, user }: Server): string | null {
	const wanted = [isSocket(host) ? 'localhost' : host, String(port), database, user];
	for (const line of text.split(/\r?\n/)) {
		if (line === '' || line.startsWith('#')) continue;
		const [password, ...fields] = fieldsOf(line).reverse();
		fields.reverse();
		if (password === undefined || fields.length !== wanted.length) continue;
		if (fields.every((field, index) => field === '*' || field === wanted[index])) return password;
	}
	return null;
}

/** At most five, the password with whatever colons are left. */
function fieldsOf(line: string): string[] {
	const fields: string[] = [];
	let field = '';
	for (let index = 0; index < line.length; index++) {
		const character = line[index] ?? '';
		if (character === ':' && fields.length < 4) {
			fields.push(field);
			field = '';
		} else {
			if (character === '\\' && index + 1 < line.length) index++;
			field += line[index] ?? '';
		}
	}
	return [...fields, field];
}
