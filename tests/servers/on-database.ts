/** URL of another database on the same server. */
export function onDatabase(server: string, name: string): string {
	const own = new URL(server);
	own.pathname = `/${name}`;
	return own.href;
}

/** URL with another user. */
export function asUser(server: string, user: string, password = ''): string {
	const own = new URL(server);
	own.username = user;
	own.password = password;
	return own.href;
}
