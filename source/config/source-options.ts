import type { Secret } from '../core/secret.js';
import { chromaDirectory, chromaUrl, secretOrNone } from './chroma-values.js';
import { define, looking, type OptionSpec, reading } from './option-spec.js';
import type { OptionKey, OptionValues } from './option-values.js';
import { textOrNone, texts } from './values.js';

type SourceKey = Extract<
	OptionKey,
	'sqliteDb' | 'chromaPath' | 'chromaUrl' | 'chromaToken' | 'chromaTenant' | 'chromaDatabase' | 'collection'
>;

/** Where data is read. */
export const sourceOptions: { readonly [K in SourceKey]: OptionSpec<OptionValues[K]> } = {
	sqliteDb: define<string | null>({
		argument: 'FILE',
		help: 'SQLite database to read',
		initial: null,
		parse: textOrNone,
		verbs: looking,
		path: true,
	}),
	chromaPath: define<string | null>({
		argument: 'DIR',
		help: 'Chroma directory to read',
		initial: null,
		parse: chromaDirectory,
		verbs: looking,
		path: true,
	}),
	chromaUrl: define<Secret | null>({
		argument: 'URL',
		help: 'Chroma 1.x server to read, in place of a directory',
		initial: null,
		parse: chromaUrl,
		verbs: looking,
	}),
	chromaToken: define<Secret | null>({
		argument: 'TOKEN',
		help: 'token for the Chroma server; better by REPOT_CHROMA_TOKEN',
		initial: null,
		parse: secretOrNone,
		verbs: looking,
	}),
	chromaTenant: define<string | null>({
		argument: 'NAME',
		help: 'tenant on the Chroma server',
		initial: null,
		parse: textOrNone,
		verbs: looking,
	}),
	chromaDatabase: define<string | null>({
		argument: 'NAME',
		help: 'database on the Chroma server',
		initial: null,
		parse: textOrNone,
		verbs: looking,
	}),
	collection: define<readonly string[]>({
		argument: 'NAME',
		help: 'Chroma collection, or all; may repeat; without it the only one',
		initial: [],
		parse: texts,
		verbs: reading,
		many: true,
	}),
};
