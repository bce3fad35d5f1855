import { homedir } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { chromaAddress, chromaPlace } from '../core/chroma-address.js';

/** `./x` for what lies inside the working directory, the absolute path for anything else. */
export function showPath(path: string, cwd: string): string {
	const absolute = resolve(cwd, path);
	const inside = relative(cwd, absolute);
	if (inside === '') return '.';
	if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return absolute;
	return `.${sep}${inside}`;
}

/** A path as written in a file of `folder` (or, with `~/`, of the home directory), told relative to the working directory. A server's address stays one. */
export function pathFrom(written: string, folder: string, cwd: string): string {
	const address = chromaAddress(written);
	if (address !== null) return chromaPlace(address);
	const expanded = written.startsWith('~/') ? join(homedir(), written.slice(2)) : written;
	return showPath(resolve(folder, expanded), cwd);
}

/** `$XDG_STATE_HOME/repot`, by default `~/.local/state/repot` (XDG Base Directory Specification: a relative value is ignored). */
export function defaultStateDir(env: Readonly<Record<string, string | undefined>>): string {
	const base = env.XDG_STATE_HOME;
	const home = env.HOME === undefined || env.HOME === '' ? homedir() : env.HOME;
	return join(base !== undefined && isAbsolute(base) ? base : join(home, '.local', 'state'), 'repot');
}
