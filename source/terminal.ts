/** One answer to: may the wizard draw, how large, in which glyphs, with colour, for a screen reader? Decided once, before Ink is loaded. */

/** The part of a stream that matters here. */
export interface StreamFacts {
	readonly isTTY?: boolean;
	readonly columns?: number;
	readonly rows?: number;
}

export interface TerminalFlags {
	readonly json?: boolean;
	readonly noInput?: boolean;
	readonly plain?: boolean;
	readonly ascii?: boolean;
	readonly screenReader?: boolean;
	/** `--no-color`: true. */
	readonly noColor?: boolean;
}

export interface TerminalIo {
	readonly stdin: StreamFacts;
	readonly stdout: StreamFacts;
	readonly stderr: StreamFacts;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly flags: TerminalFlags;
}

export interface Terminal {
	/** Questions may be asked. */
	readonly interactive: boolean;
	/** Why not, as the end of a sentence; null when interactive. */
	readonly reason: string | null;
	/** Of stderr, where screens are drawn; 80 x 24 when nobody knows. */
	readonly columns: number;
	readonly rows: number;
	readonly unicode: boolean;
	/** On stderr. */
	readonly colour: boolean;
	/** Append-only text with numbered prompts instead of frames. */
	readonly screenReader: boolean;
}

export function describeTerminal(io: TerminalIo): Terminal {
	const reason = reasonAgainst(io);
	return {
		interactive: reason === null,
		reason,
		columns: sizeOr(io.stderr.columns, 80),
		rows: sizeOr(io.stderr.rows, 24),
		unicode: drawsUnicode(io),
		colour: drawsColour(io),
		// Plain frames do not exist: whoever asks for plain lines on a terminal gets the prompts one below the other.
		screenReader: io.flags.screenReader === true || io.flags.plain === true || isSet(io.env.ACCESSIBLE),
	};
}

function reasonAgainst({ stdin, stderr, env, flags }: TerminalIo): string | null {
	if (flags.json === true) return '--json was given';
	if (flags.noInput === true) return '--no-input was given';
	if (stdin.isTTY !== true) return 'standard input is not a terminal';
	if (stderr.isTTY !== true) return 'standard error is not a terminal';
	if (isSet(env.CI)) return 'this is a CI job (CI is set)';
	if (env.TERM === 'dumb') return 'the terminal cannot move its cursor (TERM=dumb)';
	return null;
}

/** UTF-8 by the locale; the Linux console has no glyphs for the bars. */
function drawsUnicode({ env, flags }: TerminalIo): boolean {
	if (flags.ascii === true || env.TERM === 'linux') return false;
	const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== '');
	return locale === undefined ? process.platform === 'darwin' || process.platform === 'win32' : /utf-?8/i.test(locale);
}

/** Flag, then FORCE_COLOR, then NO_COLOR, then TERM=dumb, then whether stderr is a terminal. */
function drawsColour({ stderr, env, flags }: TerminalIo): boolean {
	if (flags.noColor === true) return false;
	if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
	if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
	if (env.TERM === 'dumb') return false;
	return stderr.isTTY === true;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '' && value !== '0' && value !== 'false';

const sizeOr = (size: number | undefined, usual: number): number => (size !== undefined && size > 0 ? size : usual);
