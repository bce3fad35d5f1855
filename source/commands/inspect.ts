import { resolve } from 'node:path';
import { type FoundSource, findSources } from '../config/find-sources.js';
import { flagOf } from '../config/options.js';
import { pathFrom, showPath } from '../config/paths.js';
import { sourceChoice } from '../config/sources.js';
import { isChromaServer } from '../core/chroma-address.js';
import { asRepotError, type ExitCode, exitCodes, RepotError } from '../core/errors.js';
import type { Operations } from '../core/operations.js';
import { type Inspected, inspectionLines } from '../headless/inspect-text.js';
import { type Command, type CommandContext, interruptible, withOperations } from './context.js';

/**
 * `repot inspect [PATH]`: what a SQLite database, a Chroma directory or a Chroma server holds and what is wrong with it. Nothing is written, no target is asked.
 * Damage that can be told is an answer (0); a source that cannot be read is an error (8).
 */
export const inspectCommand: Command = (context) =>
	withOperations(context, (operations) =>
		interruptible(context, async (signal) => {
			const sources = await sourcesFor(context, operations);
			const inspected: Inspected[] = [];
			for (const source of sources) inspected.push(await inspectOne(operations, source, sources.length === 1, signal));
			return tell(context, inspected);
		}),
	);

async function sourcesFor(context: CommandContext, operations: Operations): Promise<readonly FoundSource[]> {
	const { settings, operand } = context;
	if (operand !== null) {
		if (isChromaServer(operand)) throw serverIsNoPath();
		refuseBoth(context);
		const found = await findSources(resolve(settings.cwd, pathFrom(operand, settings.cwd, settings.cwd)));
		return found.map(({ kind, path }) => ({ kind, path: showPath(path, settings.cwd) }));
	}
	const choice = sourceChoice(settings);
	const { sqlitePath = null, chromaPath = null } = choice ?? {};
	if (sqlitePath === null && chromaPath === null) throw await nothingNamed(operations);
	return [
		...(sqlitePath === null ? [] : [{ kind: 'sqlite', path: sqlitePath } as const]),
		...(chromaPath === null ? [] : [{ kind: 'chroma', path: chromaPath } as const]),
	];
}

/** Flags that name a source too, or say something to a server. */
const besidePath = ['dataset', 'sqliteDb', 'chromaPath', 'chromaUrl', 'chromaToken', 'chromaTenant', 'chromaDatabase'] as const;

function refuseBoth({ settings, operand }: CommandContext): void {
	const given = besidePath.find((key) => settings.values[key].level === 'flag');
	if (given === undefined) return;
	throw new RepotError({
		kind: 'usage',
		code: 'PATH_AND_FLAG',
		message: `Both a path and ${flagOf(given)} are given`,
		where: operand ?? '',
		next: ['Give one of them: the path alone says what to look at'],
	});
}

/** Said without the address: a password may stand in it. */
const serverIsNoPath = (): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'SERVER_AS_PATH',
		message: 'A running Chroma server is no path',
		next: ['repot inspect --chroma-url URL'],
	});

async function nothingNamed(operations: Operations): Promise<RepotError> {
	const found = await operations.datasets('').catch(() => []);
	const paths = found.flatMap((one) => [one.sqlitePath, one.chromaPath].filter((path) => path !== null && !isChromaServer(path)));
	return new RepotError({
		kind: 'usage',
		code: 'NO_SOURCE',
		message: 'Nothing to inspect is named',
		why: 'no path is given, and neither flags nor the config name one dataset',
		next: [
			...paths.slice(0, 3).map((path) => `repot inspect ${path}`),
			'repot inspect PATH: a database file, a Chroma directory, or a folder with both',
		],
	});
}

/** The only source of a command fails the command; one of several is told among the others. */
async function inspectOne(operations: Operations, { kind, path }: FoundSource, isOnly: boolean, signal: AbortSignal): Promise<Inspected> {
	try {
		const paths = kind === 'sqlite' ? { sqlitePath: path, chromaPath: null } : { sqlitePath: null, chromaPath: path };
		const { sqlite, chroma } = await operations.inspect(paths, signal);
		const found = sqlite ?? chroma;
		if (found === null) throw new Error(`${path} was not described`);
		return found;
	} catch (thrown) {
		if (signal.aborted) throw stopped();
		const error = asRepotError(thrown);
		if (isOnly || error.kind !== 'source') throw error;
		return { kind: 'unreadable', path, error: error.toJSON() };
	}
}

const stopped = (): RepotError =>
	new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'Stopped before everything was described' });

function tell(context: CommandContext, inspected: readonly Inspected[]): ExitCode {
	const { output } = context.shell;
	const sources = context.redact.value(inspected);
	if (context.settings.values.json.value) output.data(JSON.stringify({ type: 'inspection', sources: sources.map(documented) }));
	else for (const line of inspectionLines(sources, context.dataStyle)) output.data(line);
	return sources.some(({ kind }) => kind === 'unreadable') ? exitCodes.unreachable : exitCodes.done;
}

/** `notes` say what `damage` says. */
function documented(source: Inspected): unknown {
	if (source.kind !== 'chroma' && source.kind !== 'chroma-server') return source;
	const { notes: _notes, ...rest } = source;
	return rest;
}
