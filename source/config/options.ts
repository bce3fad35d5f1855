import type { ConflictPolicy, IdCollisionPolicy, IndexChoice, MissingVectorPolicy } from '../core/plan/types.js';
import type { Secret } from '../core/secret.js';
import { accessOptions } from './access-options.js';
import { checking, define, looking, type OptionSpec, placed, planning, reaching, reading, running, toggle } from './option-spec.js';
import { type BadValuePolicy, type LogLevel, logLevels, type OptionKey, type OptionValues, type Verb, verbs } from './option-values.js';
import { sourceOptions } from './source-options.js';
import { targetUrl } from './target-url.js';
import { choice, duration, fraction, integer, orWord, sizeFrom, text, textOrNone, texts } from './values.js';

export type { OptionSpec } from './option-spec.js';
export type { LogLevel, OptionKey, OptionValues, Verb } from './option-values.js';
export { verbs } from './option-values.js';

const badValue = ['quarantine', 'fail', 'null'] as const;
const milliseconds = (value: number): string => `${value}ms`;
const bytes = (value: number | null): string => (value === null ? 'auto' : `${value}B`);
const orAuto = (value: string | number | null): string => (value === null ? 'auto' : String(value));

/** The one list of settings: flags, environment variables, config keys, help and docs are all read from it. */
export const options: { readonly [K in OptionKey]: OptionSpec<OptionValues[K]> } = {
	env: define<string | null>({ argument: 'NAME', help: 'environment to use', initial: null, parse: text, verbs: reaching }),
	dataset: define<string | null>({
		argument: 'NAME',
		help: 'dataset of the config; without any there, golden or full',
		initial: null,
		parse: text,
		verbs: looking,
	}),
	...sourceOptions,
	userId: define<string | null>({ argument: 'ID', help: 'tenant that every row is given', initial: null, parse: text, verbs: reading }),
	postgresUrl: define<Secret | null>({
		argument: 'URL',
		help: 'target: postgresql://... or pglite:DIR',
		initial: null,
		parse: targetUrl,
		verbs: reaching,
	}),
	...accessOptions,
	pgvectorCollection: define<readonly string[]>({
		argument: 'NAME',
		help: 'collection to write in langchain_pg_collection; of several SOURCE=TARGET, may repeat',
		initial: [],
		parse: texts,
		verbs: [...planning, 'verify', 'init'],
		many: true,
	}),
	skipSchemaCreation: toggle('use the tables that exist, after checking that they fit', planning),
	index: define<IndexChoice | null>({
		argument: 'KIND',
		help: 'vector index: auto, hnsw, halfvec or none',
		initial: null,
		parse: orWord('auto', choice(['hnsw', 'halfvec', 'none'])),
		verbs: planning,
		print: orAuto,
	}),
	indexMemory: define<number | null>({
		argument: 'SIZE',
		help: 'memory for the index build, like 1GiB',
		initial: null,
		parse: orWord('auto', sizeFrom(1024 ** 2, '1MB')),
		verbs: planning,
		print: bytes,
	}),
	indexWorkers: define<number | null>({
		argument: 'N',
		help: 'parallel workers for the index build',
		initial: null,
		parse: orWord('auto', integer(0, 1024)),
		verbs: planning,
		print: orAuto,
	}),
	batchSize: define<number | null>({
		argument: 'N',
		help: 'records a batch; by default chosen by size',
		initial: null,
		parse: orWord('auto', integer(1, 1_000_000)),
		verbs: planning,
		print: orAuto,
	}),
	onConflict: define<ConflictPolicy>({
		argument: 'WHAT',
		help: 'key that the target holds with other values: fail, skip or update',
		initial: 'fail',
		parse: choice(['fail', 'skip', 'update']),
		verbs: planning,
	}),
	onInvalidJson: define<BadValuePolicy>({
		argument: 'WHAT',
		help: 'text that is not JSON: quarantine, fail or null',
		initial: 'quarantine',
		parse: choice(badValue),
		verbs: planning,
	}),
	onBadTimestamp: define<BadValuePolicy>({
		argument: 'WHAT',
		help: 'text that is not a timestamp: quarantine, fail or null',
		initial: 'quarantine',
		parse: choice(badValue),
		verbs: planning,
	}),
	onNul: define<'quarantine' | 'fail' | 'strip'>({
		argument: 'WHAT',
		help: 'NUL character in text: quarantine, fail or strip',
		initial: 'quarantine',
		parse: choice(['quarantine', 'fail', 'strip']),
		verbs: planning,
	}),
	onIdCollision: define<IdCollisionPolicy>({
		argument: 'WHAT',
		help: 'id that two collections have: fail, prefix or uuid',
		initial: 'fail',
		parse: choice(['fail', 'prefix', 'uuid']),
		verbs: [...planning, 'verify'],
	}),
	onMissingVector: define<MissingVectorPolicy>({
		argument: 'WHAT',
		help: 'record without a vector: quarantine or null',
		initial: 'quarantine',
		parse: choice(['quarantine', 'null']),
		verbs: [...planning, 'verify'],
	}),
	maxQuarantined: define<number | null>({
		argument: 'N',
		help: 'block when more records than this would be set aside',
		initial: null,
		parse: orWord('none', integer(0, Number.MAX_SAFE_INTEGER)),
		verbs: planning,
		print: (value) => (value === null ? 'none' : String(value)),
	}),
	similarityThreshold: define<number>({
		argument: 'X',
		help: 'least average top-5 overlap of the search check',
		initial: 0.8,
		parse: fraction,
		verbs: checking,
	}),
	validationSample: define<number>({
		argument: 'N',
		help: 'rows a table compared field by field',
		initial: 1000,
		parse: integer(0, 1_000_000_000),
		verbs: checking,
	}),
	reportOutput: define<string | null>({
		argument: 'FILE',
		help: 'also write the Markdown report here',
		initial: null,
		parse: textOrNone,
		verbs: checking,
		path: true,
	}),
	noValidate: toggle('skip the checks after the copy', running),
	maxRetries: define<number>({
		argument: 'N',
		help: 'retries of a batch after a transient failure',
		initial: 5,
		parse: integer(0, 100),
		verbs: running,
	}),
	retryDelay: define<number>({
		argument: 'TIME',
		help: 'wait before the first retry, like 500ms or 2s',
		initial: 1000,
		parse: duration,
		verbs: running,
		print: milliseconds,
	}),
	restart: toggle('start a new run although one could be resumed', planning, { perRun: true }),
	plan: define<string | null>({
		argument: 'FILE',
		help: 'run exactly this saved plan',
		initial: null,
		parse: text,
		verbs: ['migrate'],
		path: true,
		perRun: true,
	}),
	out: define<string | null>({
		argument: 'FILE',
		help: 'save the plan here',
		initial: null,
		parse: text,
		verbs: ['plan', 'migrate'],
		path: true,
		perRun: true,
	}),
	dryRun: toggle('show what would happen, write nothing', ['migrate', 'rollback'], { perRun: true }),
	yes: toggle('do not ask; never enough for a protected environment', ['migrate', 'rollback', 'init'], { perRun: true }),
	confirm: define<string | null>({
		argument: 'NAME',
		help: 'confirm by the name of the environment',
		initial: null,
		parse: text,
		verbs: ['migrate', 'rollback'],
		perRun: true,
	}),
	reason: define<string | null>({
		argument: 'TEXT',
		help: 'why, kept in the history',
		initial: null,
		parse: text,
		verbs: ['rollback'],
		perRun: true,
	}),
	json: toggle('data on stdout: one JSON document, or one event a line', [
		'demo',
		'plan',
		'migrate',
		'verify',
		'rollback',
		'runs',
		'inspect',
		'doctor',
	]),
	config: define<string | null>({
		argument: 'FILE',
		help: 'config file, by default ./repot.config.json',
		initial: null,
		parse: text,
		verbs: placed,
		path: true,
		perRun: true,
	}),
	stateDir: define<string | null>({
		argument: 'DIR',
		help: 'folder for runs and logs',
		initial: null,
		parse: text,
		verbs: placed,
		path: true,
	}),
	logLevel: define<LogLevel>({
		argument: 'LEVEL',
		help: 'silent, error, warn, info or debug',
		initial: 'info',
		parse: choice(logLevels),
		verbs,
	}),
	logFile: define<string | null>({
		argument: 'FILE',
		help: 'log here, not to repot.log in the state folder',
		initial: null,
		parse: text,
		verbs,
		path: true,
	}),
	noInput: toggle('never ask; name the missing flag instead', verbs),
	plain: toggle('plain text: no tables with lines, no colour', verbs),
	ascii: toggle('ASCII characters only', verbs),
	screenReader: toggle('text that is read aloud well: no tables, no bars', verbs),
	noColor: toggle('no colour', verbs),
};

export const optionKeys = Object.keys(options) as readonly OptionKey[];

const words = (key: string, joint: string): string => key.replace(/[A-Z]/g, (letter) => `${joint}${letter.toLowerCase()}`);

/** `batchSize` to `--batch-size`. */
export const flagOf = (key: OptionKey): string => `--${words(key, '-')}`;
/** `batchSize` to `REPOT_BATCH_SIZE`. */
export const variableOf = (key: OptionKey): string => `REPOT_${words(key, '_').toUpperCase()}`;

/** `repot config` takes every flag that stands for a setting: it tells what another command would make of it. */
export const optionsOf = (verb: Verb): readonly OptionKey[] =>
	optionKeys.filter((key) => options[key].verbs.includes(verb) || (verb === 'config' && options[key].perRun === undefined));

/** Names that earlier scripts of this kind used. */
export const flagAliases: Readonly<Record<string, string>> = {
	'--chroma-collection': '--collection',
	'--pgvector-collection-name': '--pgvector-collection',
};
