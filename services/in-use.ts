import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import type { SourceUse } from '../source/core/inspection.js';

type Holder = SourceUse['by'][number];

const mostHolders = 5;

/**
 * Which other processes have one of these files open, or hold a lock on one. Nothing is opened or locked for that: Linux tells it in /proc
 * (proc(5): `PID/fd`, `PID/fdinfo`, `locks`); elsewhere the answer is `unknown`. Files that do not exist are left out. Nobody is said to be absent who could
 * not be seen: from within a container, other containers and the host; on a network file system, other machines.
 */
export function whoUses(files: readonly string[], proc = '/proc'): SourceUse {
	const wanted = new Set(files.map(identityOf).filter((identity) => identity !== null));
	const processes = namesIn(proc)?.filter((name) => /^\d+$/.test(name)) ?? [];
	if (processes.length === 0) return { state: 'unknown', by: [] };
	const holders: Holder[] = [];
	let hidden = !seesEverybody(proc) || files.some(isElsewhere);
	for (const pid of processes) {
		if (Number(pid) === process.pid) continue;
		const found = holds(`${proc}/${pid}`, wanted);
		if (found === 'hidden') hidden = true;
		else if (found !== null)
			holders.push({ pid: Number(pid), name: textOf(`${proc}/${pid}/comm`)?.trim() ?? '', writes: found === 'writes' });
	}
	for (const lock of locksOn(textOf(`${proc}/locks`) ?? '', files)) {
		const isSeen = lock.pid === process.pid || holders.some(({ pid }) => pid === lock.pid);
		if (!isSeen) holders.push({ pid: lock.pid, name: '', writes: lock.writes });
	}
	if (holders.length > 0) return { state: 'in-use', by: holders.sort((a, b) => Number(b.writes) - Number(a.writes)).slice(0, mostHolders) };
	return { state: hidden ? 'not-seen' : 'not-in-use', by: [] };
}

/** PROC_PID_INIT_INO of Linux (include/linux/proc_ns.h): the namespace in which every process has a number. */
const initialNamespace = 'pid:[4026531836]';

function seesEverybody(proc: string): boolean {
	try {
		return readlinkSync(`${proc}/self/ns/pid`) === initialNamespace;
	} catch {
		return false;
	}
}

/** Of statfs(2): NFS, SMB, CIFS, SMB2, 9p, FUSE, AFS, Ceph. */
const sharedFileSystems: ReadonlySet<number> = new Set([
	0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x5346414f, 0x00c36400,
]);

function isElsewhere(path: string): boolean {
	try {
		return sharedFileSystems.has(statfsSync(path).type >>> 0);
	} catch {
		return false;
	}
}

/** Device and inode: the same for every name that a process may have opened the file by. */
function identityOf(path: string): string | null {
	try {
		const { dev, ino } = statSync(path, { bigint: true });
		return `${dev}:${ino}`;
	} catch {
		return null;
	}
}

function namesIn(folder: string): readonly string[] | null {
	try {
		return readdirSync(folder);
	} catch {
		return null;
	}
}

function textOf(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return null;
	}
}

function holds(process: string, wanted: ReadonlySet<string>): 'reads' | 'writes' | 'hidden' | null {
	const descriptors = namesIn(`${process}/fd`);
	// Another user's. A kernel thread has no command line, and one that ended meanwhile none either; both hold nothing.
	if (descriptors === null) return (textOf(`${process}/cmdline`) ?? '') === '' ? null : 'hidden';
	let found: 'reads' | null = null;
	for (const descriptor of descriptors) {
		const identity = identityOf(`${process}/fd/${descriptor}`);
		if (identity === null || !wanted.has(identity)) continue;
		if (isForWriting(textOf(`${process}/fdinfo/${descriptor}`))) return 'writes';
		found = 'reads';
	}
	return found;
}

/** The access mode in the two lowest bits of `flags`, an octal number: O_WRONLY 1, O_RDWR 2. */
const isForWriting = (fdinfo: string | null): boolean =>
	(Number.parseInt(/^flags:\s*([0-7]+)/m.exec(fdinfo ?? '')?.[1] ?? '0', 8) & 3) !== 0;

/** Lines of /proc/locks: `1: POSIX  ADVISORY  WRITE 4711 08:01:131077 1073741826 1073742335`; device in hexadecimal, 0 or less for a lock that no process holds. Those of processes that are not visible here do not stand there. */
function locksOn(text: string, files: readonly string[]): readonly { readonly pid: number | null; readonly writes: boolean }[] {
	const places = new Set(files.map(lockPlaceOf).filter((place) => place !== null));
	return text.split('\n').flatMap((line) => {
		const [, kind, pid, place] = /^\d+: (?:->\s*)?(?:POSIX|OFDLCK|FLOCK)\s+\S+\s+(READ|WRITE)\s+(-?\d+)\s+(\S+)/.exec(line) ?? [];
		if (place === undefined || !places.has(place)) return [];
		return [{ pid: Number(pid) > 0 ? Number(pid) : null, writes: kind === 'WRITE' }];
	});
}

function lockPlaceOf(path: string): string | null {
	try {
		const { dev, ino } = statSync(path, { bigint: true });
		// glibc's encoding of st_dev: 12 bits of the major number from bit 8, the minor's low 8 bits below and its high ones from bit 20.
		const [major, minor] = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)];
		const hex = (value: bigint): string => value.toString(16).padStart(2, '0');
		return `${hex(major)}:${hex(minor)}:${ino}`;
	} catch {
		return null;
	}
}
