import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

interface Opener {
	readonly command: string;
	readonly args: readonly string[];
}

/** The program that opens a file as a double click would; null: this computer has no desktop to open it on. */
export function openerFor(path: string, platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Opener | null {
	if (platform === 'darwin') return { command: 'open', args: [path] };
	// The first argument in quotes is the window's title: without an empty one a quoted path would be taken for it.
	if (platform === 'win32') return { command: 'cmd', args: ['/c', 'start', '""', path] };
	const hasDesktop = (env.DISPLAY ?? '') !== '' || (env.WAYLAND_DISPLAY ?? '') !== '';
	return hasDesktop ? { command: 'xdg-open', args: [path] } : null;
}

/** Opens a file outside the terminal. False when there is nothing to open it with, or that refused. */
export function openOutside(path: string): Promise<boolean> {
	const opener = openerFor(resolve(path), process.platform, process.env);
	if (opener === null) return Promise.resolve(false);
	return new Promise((settle) => {
		const child = spawn(opener.command, opener.args, { detached: true, stdio: 'ignore' });
		child.once('error', () => settle(false));
		child.once('exit', (code) => settle(code === 0));
		child.unref();
	});
}
