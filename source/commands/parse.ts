import { Command, CommanderError, Option } from 'commander';
import { flagAliases, flagOf, type OptionKey, optionKeys, options, optionsOf, type Verb, variableOf, verbs } from '../config/options.js';
import type { Flags } from '../config/settings.js';
import { nearest } from '../config/values.js';
import { RepotError } from '../core/errors.js';

export type Parsed =
	| { readonly kind: 'text'; readonly text: string }
	| {
			readonly kind: 'command';
			readonly verb: Verb;
			readonly operand: string | null;
			readonly flags: Flags;
	  };

const about: Readonly<Record<Verb, string>> = {
	wizard: 'the wizard (on a terminal)',
	demo: 'sample data and embedded PostgreSQL: the whole job in one command',
	init: 'ask, and write repot.config.json',
	plan: 'dry run: what would happen, with every value checked',
	migrate: 'plan, confirm, run, verify; the same command resumes a killed run',
	verify: 'all checks again, of one run or the newest',
	rollback: 'undo a run, with a preview',
	runs: 'history, or one run in detail',
	inspect: 'describe a SQLite database or a Chroma directory; nothing is migrated',
	config: 'every setting with its value and where it came from',
	doctor: 'check Node, terminal, config, sources and target; say what to do',
};

const run = ['[run]', 'id of a run'] as const;
const operands: Partial<Record<Verb, readonly [form: string, help: string]>> = {
	verify: run,
	rollback: run,
	runs: run,
	inspect: ['[path]', 'database, directory, or a folder with both; without it what config and flags name'],
};

/** A command with its flags. */
export type CommandLine = Extract<Parsed, { kind: 'command' }>;

/** The argument list to a verb and its flags, or to the text that was asked for. Throws RepotError (usage). */
export function parseArguments(argv: readonly string[], version: string): Parsed {
	let text = '';
	let parsed: Parsed | null = null;
	const program = new Command('repot')
		.description("Move an application's data from SQLite and Chroma into PostgreSQL + pgvector: planned, watched, verified, undoable.")
		.version(version, '-V, --version', 'print the version')
		.helpOption('-h, --help', 'print this help')
		.exitOverride()
		.configureOutput({
			writeOut: (part) => {
				text += part;
			},
			writeErr: () => {},
		});
	program
		.usage('[command] [flags]')
		.addHelpText('after', `\nWithout a command: ${about.wizard}, with the flags of repot migrate.\n${footer}`);
	for (const verb of verbs) {
		addVerb(program, verb, (found) => {
			parsed = found;
		});
	}
	try {
		program.parse(ordered(argv), { from: 'user' });
	} catch (thrown) {
		if (!(thrown instanceof CommanderError)) throw thrown;
		if (thrown.exitCode === 0) return { kind: 'text', text };
		throw refusal(thrown, argv);
	}
	return parsed ?? { kind: 'text', text: program.helpInformation() };
}

const footer = `
Every flag has an environment variable (--batch-size: REPOT_BATCH_SIZE) and a key of repot.config.json (batchSize).
Exit codes: 0 done, 1 internal, 2 usage, 3 blocked, 4 records set aside, 5 check failed, 6 stale plan, 7 locked, 8 unreachable, 130 stopped.`;

function addVerb(program: Command, verb: Verb, done: (parsed: Parsed) => void): void {
	const isWizard = verb === 'wizard';
	const command = program.command(verb, isWizard ? { isDefault: true, hidden: true } : {}).description(about[verb]);
	if (isWizard) command.argument('[words...]');
	else if (operands[verb] !== undefined) command.argument(...operands[verb]);
	for (const key of optionsOf(verb)) command.addOption(optionFor(key));
	if (verb === 'migrate') command.addOption(new Option('--validate', 'verify after the copy (the default)').hideHelp());
	command.action((given: string | readonly string[] | undefined) => {
		if (isWizard && Array.isArray(given) && given.length > 0) throw unknownCommand(String(given[0]));
		const operand = typeof given === 'string' ? given : null;
		done({ kind: 'command', verb, operand, flags: flagsOf(command) });
	});
}

function optionFor(key: OptionKey): Option {
	const { argument, help, many } = options[key];
	const option = new Option(argument === undefined ? flagOf(key) : `${flagOf(key)} <${argument}>`, help);
	return many ? option.argParser((text, before: readonly string[] | undefined) => [...(before ?? []), text]) : option;
}

/** commander keeps `--no-x` as x = false. */
function flagsOf(command: Command): Flags {
	const flags: Flags = {};
	for (const key of optionKeys) {
		const negative = flagOf(key).startsWith('--no-');
		const name = negative ? key.charAt(2).toLowerCase() + key.slice(3) : key;
		if (command.getOptionValueSource(name) !== 'cli') continue;
		const value: unknown = command.getOptionValue(name);
		if (typeof value === 'string' || Array.isArray(value)) flags[key] = value as string | readonly string[];
		else if (value === !negative) flags[key] = true;
	}
	return flags;
}

const takesValue = new Set(optionKeys.filter((key) => options[key].argument !== undefined).map((key) => flagOf(key)));

/** Old names replaced, and the verb first: `repot --env dev plan` is `repot plan --env dev`. */
function ordered(argv: readonly string[]): string[] {
	const words = argv.map((word) => {
		const [name = '', ...rest] = word.split('=');
		const known = Object.hasOwn(flagAliases, name) ? flagAliases[name] : undefined;
		return known === undefined ? word : [known, ...rest].join('=');
	});
	const at = firstOperand(words);
	const verb = at === null ? undefined : words[at];
	if (at === null || at === 0 || !(verb === 'help' || verbs.some((one) => one === verb))) return words;
	return [verb as string, ...words.slice(0, at), ...words.slice(at + 1)];
}

function firstOperand(words: readonly string[]): number | null {
	for (let at = 0; at < words.length; at += 1) {
		const word = words[at] ?? '';
		if (word === '--') return null;
		if (!word.startsWith('-')) return at;
		if (takesValue.has(word)) at += 1;
	}
	return null;
}

function unknownCommand(word: string): RepotError {
	const near = nearest(
		word,
		verbs.filter((verb) => verb !== 'wizard'),
	);
	return usage('UNKNOWN_COMMAND', `There is no command "${word}"`, [
		...(near === null ? [] : [`Did you mean repot ${near}?`]),
		'repot --help lists the commands',
	]);
}

function refusal(error: CommanderError, argv: readonly string[]): RepotError {
	const words = ordered(argv);
	const verb = verbs.find((one) => one === words[0]) ?? 'wizard';
	const called = verb === 'wizard' ? 'repot' : `repot ${verb}`;
	const help = `${called} --help`;
	const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
	if (error.code === 'commander.unknownOption') return unknownFlag(quoted, verb, called, help);
	if (error.code === 'commander.optionMissingArgument') {
		return usage('MISSING_VALUE', `${quoted.split(' ')[0] ?? 'A flag'} needs a value`, [help]);
	}
	if (error.code === 'commander.excessArguments') return usage('TOO_MANY_WORDS', `${called} takes fewer words than that`, [help]);
	return usage('USAGE', error.message.replace(/^error: /, '').split('\n')[0] ?? 'The command line cannot be read', [help]);
}

function unknownFlag(flag: string, verb: Verb, called: string, help: string): RepotError {
	const name = flag.split('=')[0] ?? flag;
	const others = verbs
		.filter((one) => optionsOf(one).some((key) => flagOf(key) === name))
		.filter((one) => one !== 'wizard' && one !== 'config');
	const near = nearest(name, [...optionsOf(verb).map((key) => flagOf(key)), ...Object.keys(flagAliases), '--help']);
	const hint = others.length > 0 ? [`${name} belongs to repot ${others.join(', repot ')}`] : near === null ? [] : [`Did you mean ${near}?`];
	return usage('UNKNOWN_FLAG', `${called} has no flag ${name}`, [...hint, help]);
}

const usage = (code: string, message: string, next: readonly string[]): RepotError =>
	new RepotError({ kind: 'usage', code, message, next });

/** Whether the argument list asks for JSON, as far as that can be told before it is parsed. */
export const asksForJson = (argv: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean =>
	argv.includes('--json') || /^(1|true|yes|on)$/i.test(env[variableOf('json')] ?? '');
