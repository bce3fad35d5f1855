import { type OptionValues, variableOf } from '../config/options.js';
import type { Redaction } from '../config/redact.js';
import type { Settings, SettingsInput } from '../config/settings.js';
import { asRepotError, type ErrorFact, type RepotError } from '../core/errors.js';
import type { TextStyle } from '../headless/style.js';
import type { Terminal } from '../terminal.js';
import type { Command, CommandContext, Prepared, Shell, TerminalWishes } from './context.js';
import { asksForJson, type CommandLine, parseArguments } from './parse.js';

/** Runs one command line and returns its exit code. Never throws; every error becomes one screen on stderr. */
export async function runCommandLine(argv: readonly string[], shell: Shell): Promise<number> {
	try {
		const parsed = parseArguments(argv, shell.version);
		if (parsed.kind === 'command') return await runCommand(parsed, shell);
		shell.output.data(parsed.text.trimEnd());
		return 0;
	} catch (thrown) {
		const wishes = wishesOf(argv, shell.env);
		const terminal = await shell.terminal(wishes);
		return tellError(asRepotError(thrown), shell, {
			json: wishes.json,
			style: styleFor(terminal, wishes, shell.output.peopleIsTerminal),
			debug: false,
		});
	}
}

async function runCommand(parsed: CommandLine, shell: Shell): Promise<number> {
	if (parsed.verb === 'demo') {
		const { prepareDemo } = await import('./demo.js');
		return runWith(await prepareDemo(parsed, shell), shell);
	}
	return runWith({ parsed, env: shell.env }, shell);
}

async function runWith(prepared: Prepared, shell: Shell): Promise<number> {
	const { redaction } = await import('../config/redact.js');
	const { verb, flags, operand } = prepared.parsed;
	const { settings, fault } = await settingsFor(verb, {
		flags,
		env: prepared.env,
		cwd: shell.cwd,
		called: verb === 'wizard' ? 'repot' : `repot ${verb}`,
	});
	const redact = redaction(settings.secrets, settings.names);
	shell.output.redactWith(redact.line, (line) => (/^[[{]/.test(line) ? redact.json(line) : redact.line(line)));
	const wishes = wishesFrom(settings.values);
	const terminal = await shell.terminal(wishes);
	const style = styleFor(terminal, wishes, shell.output.peopleIsTerminal);
	const debug = settings.values.logLevel.value === 'debug';
	let log: CommandContext['log'] | null = null;
	try {
		log = await openCommandLog(settings, redact);
		const dataStyle = styleFor(terminal, wishes, shell.output.dataIsTerminal);
		for (const note of prepared.notes ?? []) shell.output.say(note);
		const command = await load(verb, fault);
		return await command({ shell, settings, terminal, dataStyle, style, log, redact, operand });
	} catch (thrown) {
		const error = asRepotError(thrown);
		log?.error(error.message, { verb, code: error.code, kind: error.kind, ...(error.kind === 'internal' ? { stack: error.stack } : {}) });
		return tellError(error, shell, { json: wishes.json, style, debug, redact });
	} finally {
		log?.close();
	}
}

/** init writes the config file, so it reads none; doctor tells what is wrong with it. */
async function settingsFor(
	verb: CommandLine['verb'],
	input: SettingsInput,
): Promise<{ readonly settings: Settings; readonly fault: RepotError | null }> {
	if (verb === 'doctor') return (await import('../config/tolerant.js')).loadTolerantly(input);
	const { loadSettings } = await import('../config/settings.js');
	return { settings: await loadSettings(verb === 'init' ? { ...input, ignoreConfig: true } : input), fault: null };
}

async function load(verb: CommandLine['verb'], fault: RepotError | null): Promise<Command> {
	switch (verb) {
		case 'wizard':
		case 'demo':
			return (await import('./wizard.js')).wizardCommand(verb);
		case 'init':
			return (await import('./init.js')).initCommand;
		case 'plan':
			return (await import('./plan.js')).planCommand;
		case 'migrate':
			return (await import('./migrate.js')).migrateCommand;
		case 'verify':
			return (await import('./verify.js')).verifyCommand;
		case 'rollback':
			return (await import('./rollback.js')).rollbackCommand;
		case 'runs':
			return (await import('./runs.js')).runsCommand;
		case 'inspect':
			return (await import('./inspect.js')).inspectCommand;
		case 'config':
			return (await import('./config.js')).configCommand;
		case 'doctor':
			return (await import('./doctor.js')).doctorCommand(fault);
	}
}

async function openCommandLog(settings: Settings, redact: Redaction): Promise<CommandContext['log']> {
	const { openLog } = await import('../config/log.js');
	const { logLevel, logFile } = settings.values;
	return openLog({
		path: settings.logFile,
		level: logLevel.value,
		redact: redact.json,
		required: logFile.level !== 'default',
	});
}

async function tellError(
	error: RepotError,
	shell: Shell,
	how: { readonly json: boolean; readonly style: TextStyle; readonly debug: boolean; readonly redact?: Redaction },
): Promise<number> {
	const { errorLines, stackLines } = await import('../headless/error-text.js');
	const { redact } = how;
	const fact = redact === undefined ? errorFact(error) : redact.value(errorFact(error));
	for (const line of errorLines(fact, how.style)) shell.output.say(line);
	if (how.debug) for (const line of ['', ...stackLines(error)]) shell.output.say(redact?.text(line) ?? line);
	if (how.json) shell.output.data(JSON.stringify({ type: 'error', ...fact }));
	return error.exitCode;
}

const errorFact = (error: RepotError): ErrorFact & { readonly exitCode: number } => ({ ...error.toJSON(), exitCode: error.exitCode });

function wishesFrom(values: { readonly [K in keyof TerminalWishes]: { readonly value: OptionValues[K] } }): TerminalWishes {
	const { json, noInput, plain, ascii, screenReader, noColor } = values;
	return {
		json: json.value,
		noInput: noInput.value,
		plain: plain.value,
		ascii: ascii.value,
		screenReader: screenReader.value,
		noColor: noColor.value,
	};
}

/** As far as they can be told when the command line itself cannot be read. */
function wishesOf(argv: readonly string[], env: Shell['env']): TerminalWishes {
	const has = (flag: string, key: 'plain' | 'ascii' | 'screenReader' | 'noColor'): boolean =>
		argv.includes(flag) || (env[variableOf(key)] ?? '') !== '';
	return {
		json: asksForJson(argv, env),
		noInput: true,
		plain: has('--plain', 'plain'),
		ascii: has('--ascii', 'ascii'),
		screenReader: has('--screen-reader', 'screenReader') || (env.ACCESSIBLE ?? '') !== '',
		noColor: has('--no-color', 'noColor'),
	};
}

function styleFor(terminal: Terminal, wishes: TerminalWishes, isTerminal: boolean): TextStyle {
	const { screenReader } = wishes;
	return {
		unicode: terminal.unicode && !wishes.ascii && !screenReader,
		colour: terminal.colour && isTerminal && !wishes.plain && !wishes.noColor,
		tables: !screenReader,
		rules: !wishes.plain && !screenReader,
		...(isTerminal ? { columns: terminal.columns } : {}),
	};
}
