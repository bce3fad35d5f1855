import { z } from 'zod';
import { configSchema } from './config-file.js';
import { environmentKeys } from './configured.js';
import { type OptionKey, type OptionSpec, optionKeys, options } from './options.js';
import type { JsonFragment } from './values.js';

/**
 * The JSON Schema of repot.config.json (draft 2020-12), for editors: the shape that the file is read by, with what each setting means and
 * takes. Values stand in their plain form only, numbers as numbers; repot also reads the text that a flag would take.
 */
export function configJsonSchema(): JsonFragment {
	const { $schema, properties = {}, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
	const stored = optionKeys.filter((key) => options[key].perRun === undefined);
	const settings = Object.fromEntries(stored.map((key) => [key, settingSchema(key)]));
	return {
		$schema,
		title: 'repot.config.json',
		description: 'Settings of repot. A flag and an environment variable win over them.',
		...rest,
		properties: {
			$schema: { type: 'string', description: 'where this schema lies, for editors' },
			environments: described(
				{ ...part(properties.environments), additionalProperties: environmentSchema(part(properties.environments)) },
				'where to write, by name; without any there are dev, test and prod',
			),
			datasets: described(
				{ ...part(properties.datasets), additionalProperties: datasetSchema(part(properties.datasets)) },
				'what to move, by name; without any there are golden and full',
			),
			...settings,
		},
	};
}

const part = (schema: unknown): Record<string, unknown> => schema as Record<string, unknown>;
const described = (schema: JsonFragment, description: string): JsonFragment => ({ description, ...schema });

function environmentSchema(environments: Readonly<Record<string, unknown>>): JsonFragment {
	const one = part(environments.additionalProperties);
	const { guard, target } = part(one.properties);
	return {
		...one,
		properties: {
			guard: described(
				part(guard),
				'open: y confirms a run; protected: its name has to be typed. Without it prod and production are protected',
			),
			target: described(part(target), options.postgresUrl.help),
			...Object.fromEntries(environmentKeys.map((key) => [key, ownSchema(key)])),
		},
		not: { required: ['target', 'urlParameter'] },
	};
}

/** Without its default: what the whole file says stands behind it. */
function ownSchema(key: OptionKey): JsonFragment {
	const { default: _, ...rest } = settingSchema(key);
	return rest;
}

const datasetKeys = {
	sqlite: 'sqliteDb',
	chroma: 'chromaPath',
	collection: 'collection',
	pgvectorCollection: 'pgvectorCollection',
	testUser: 'testUser',
} as const satisfies Readonly<Record<string, OptionKey>>;

function datasetSchema(datasets: Readonly<Record<string, unknown>>): JsonFragment {
	const one = part(datasets.additionalProperties);
	const properties = Object.entries(part(one.properties)).map(([key, value]) => {
		const { help } = options[datasetKeys[key as keyof typeof datasetKeys]];
		return [key, described(part(value), key === 'chroma' ? `${help}, or the URL of a Chroma server` : help)];
	});
	return { ...one, properties: Object.fromEntries(properties), anyOf: [{ required: ['sqlite'] }, { required: ['chroma'] }] };
}

function settingSchema(key: OptionKey): JsonFragment {
	const { help, parse, many, initial, print } = options[key] as OptionSpec<unknown>;
	const one = parse.json ?? { type: 'string' };
	const usual = print === undefined ? initial : print(initial);
	return {
		description: help,
		...(many ? { anyOf: [one, { type: 'array', items: { ...one, minLength: 1 }, minItems: 1 }] } : one),
		...(usual === null || Array.isArray(usual) ? {} : { default: usual }),
	};
}
