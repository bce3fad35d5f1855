import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { shownStateDir } from '../config/settings.js';
import { withoutPassword } from '../config/target-url.js';
import type { RepotError } from '../core/errors.js';
import { formatBytes, formatQuantity } from '../core/format.js';
import type { CommandContext } from './context.js';

export interface Finding {
	readonly name: string;
	readonly state: 'ok' | 'LOOK' | 'X';
	readonly detail: string;
	readonly next: readonly string[];
	/** Who has to act on an X: settings of this computer, or a source or target. */
	readonly side: 'usage' | 'outside';
}

export const finding = (
	name: string,
	state: Finding['state'],
	detail: string,
	next: readonly string[] = [],
	side: Finding['side'] = 'usage',
): Finding => ({
	name,
	state,
	detail,
	next,
	side,
});

/** Oldest Node.js that works. */
const leastNode = [20, 17] as const;
/** Less free space than this is worth a look: snapshots of the sources are taken in the state folder. */
const littleSpace = 1024 ** 3;

function isNodeOldEnough(version: string): boolean {
	const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
	return major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
}

export function checkNode({ shell }: CommandContext): Finding {
	const detail = `${shell.nodeVersion}, ${process.platform} ${process.arch}`;
	if (isNodeOldEnough(shell.nodeVersion)) return finding('Node.js', 'ok', detail);
	return finding('Node.js', 'X', detail, [`Install Node.js ${leastNode.join('.')} or later`]);
}

export function checkTerminal({ terminal }: CommandContext): Finding {
	const detail = `${terminal.columns} x ${terminal.rows}, ${terminal.unicode ? 'Unicode' : 'ASCII'}, ${terminal.colour ? 'colour' : 'no colour'}`;
	if (!terminal.interactive)
		return finding('Terminal', 'LOOK', `no wizard here: ${terminal.reason ?? 'no terminal'}`, ['repot migrate --yes works without one']);
	return finding('Terminal', 'ok', detail);
}

export function checkConfig({ settings }: CommandContext, fault: RepotError | null): Finding {
	if (fault !== null) {
		return finding('Config', 'X', [fault.where, fault.message, fault.why].filter((part) => part !== undefined).join(': '), fault.next);
	}
	if (settings.configPath === null)
		return finding('Config', 'LOOK', 'no repot.config.json here; flags and variables only', ['repot init writes one']);
	const withSecret = settings.environments.filter((one) => one.target !== null && withoutPassword(one.target).had);
	const datasets = settings.datasets.filter((one) => !one.isConventional);
	const counts = `${formatQuantity(settings.environments.length, 'environment')}, ${formatQuantity(datasets.length, 'dataset')}`;
	if (withSecret.length === 0) return finding('Config', 'ok', `${settings.configPath}: ${counts}`);
	const places = withSecret.map((one) => one.targetFrom).join(', ');
	return finding('Config', 'LOOK', `${settings.configPath}: ${counts}; a password is written in ${places}`, [
		'Take it out of the file and set REPOT_POSTGRES_URL',
	]);
}

export async function checkState(context: CommandContext): Promise<readonly Finding[]> {
	const shown = shownStateDir(context.settings);
	const folder = await nearestFolder(context.settings.stateDir);
	const writable = await access(folder, constants.W_OK | constants.X_OK).then(
		() => true,
		() => false,
	);
	const state = writable
		? finding('State', 'ok', shown)
		: finding('State', 'X', `${shown} cannot be written`, ['Check who owns it', '--state-dir DIR uses another folder']);
	const space = await statfs(folder).catch(() => null);
	if (space === null) return [state];
	const free = space.bavail * space.bsize;
	if (free >= littleSpace) return [state, finding('Disk', 'ok', `${formatBytes(free)} free`)];
	return [
		state,
		finding('Disk', 'LOOK', `only ${formatBytes(free)} free for snapshots and runs`, ['Make room, or use --state-dir on another disk']),
	];
}

/** The folder itself, or the nearest one above that exists: it will be made there. */
async function nearestFolder(path: string): Promise<string> {
	for (let at = path; ; at = dirname(at)) {
		const found = await stat(at).catch(() => null);
		if (found !== null || dirname(at) === at) return at;
	}
}
