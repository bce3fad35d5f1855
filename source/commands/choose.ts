import { headlessChoices } from '../config/choices.js';
import { flagOf } from '../config/options.js';
import type { Settings } from '../config/settings.js';
import { isChromaServer } from '../core/chroma-address.js';
import type { CredentialOptions } from '../core/credentials/find.js';
import { credentialLine } from '../core/credentials/row-words.js';
import type { CredentialRow } from '../core/credentials/rows.js';
import { RepotError } from '../core/errors.js';
import { formatCommand } from '../core/format.js';
import type { DatasetSummary, Operations, PlanRequest, WizardChoices } from '../core/operations.js';
import { type CommandContext, interruptible } from './context.js';

/** Says what was found outside the settings, before anything is done with it: whose AWS credentials, which database, which user. */
export function tellFound(context: CommandContext): (row: CredentialRow) => void {
	const { output, clock } = context.shell;
	return (row) => {
		// What flags and config say is not told again.
		if (row.name !== 'aws' && !/^(ssm|cognito) /.test(row.from ?? '')) return;
		const line = credentialLine(row, clock.now());
		if (line !== null) output.say(line);
		for (const note of line === null ? [] : (row.notes ?? [])) output.say(`LOOK  ${note}`);
	};
}

/** The request that flags, variables and config make, with what AWS says where they do not. What is missing is named, with what was found on disk. */
export async function requestFromSettings(
	context: CommandContext,
	operations: Operations,
	options: Pick<CredentialOptions, 'createUser'> = {},
): Promise<PlanRequest> {
	const choices = headlessChoices(context.settings);
	refuseIdleFlags(context.settings, choices);
	try {
		return await interruptible(context, (signal) => operations.request(choices, signal, tellFound(context), options));
	} catch (thrown) {
		const lacksSource = choices.sqlitePath === null && choices.chromaPath === null;
		if (!(thrown instanceof RepotError) || thrown.code !== 'MISSING_ANSWER' || !lacksSource) throw thrown;
		const found = await operations.datasets(choices.environment);
		throw new RepotError({ ...thrown.toJSON(), next: [...thrown.next, ...found.slice(0, 3).map(suggestion)] });
	}
}

const ofServer = ['chromaToken', 'chromaTenant', 'chromaDatabase'] as const;

/** A flag that would do nothing is refused. */
function refuseIdleFlags(settings: Settings, choices: WizardChoices): void {
	const isServer = choices.chromaPath !== null && isChromaServer(choices.chromaPath);
	const idle = ofServer.find((key) => settings.values[key].level === 'flag' && settings.values[key].value !== null);
	if (idle !== undefined && !isServer && (choices.sqlitePath !== null || choices.chromaPath !== null)) {
		throw new RepotError({
			kind: 'usage',
			code: 'CHROMA_FLAG_WITHOUT_SERVER',
			message: `${flagOf(idle)} is said to a Chroma server, and none is read`,
			next: ['--chroma-url URL, or --dataset NAME with a server', `Or leave ${flagOf(idle)} out`],
		});
	}
	const { createUser, userId, skipCognito } = settings.values;
	if (createUser.level === 'flag' && createUser.value && (userId.value !== null || skipCognito.value)) {
		throw new RepotError({
			kind: 'usage',
			code: 'CREATE_USER_IN_VAIN',
			message: '--create-user makes a Cognito user, and none is looked for',
			why: userId.value === null ? skipCognito.from : `the user id is given: ${userId.from}`,
			next: ['Leave --create-user out', 'Or leave --user-id and --skip-cognito out'],
		});
	}
	const { level, value } = settings.values.collection;
	if (level !== 'flag' || value.length === 0 || choices.chromaPath !== null || choices.sqlitePath === null) return;
	throw new RepotError({
		kind: 'usage',
		code: 'COLLECTION_WITHOUT_CHROMA',
		message: '--collection names a Chroma collection, and no Chroma directory is given',
		next: ['--chroma-path DIR, --chroma-url URL, or --dataset NAME with one of them', 'Or leave --collection out'],
	});
}

function suggestion(dataset: DatasetSummary): string {
	if (dataset.from === 'default') return `by convention: ${formatCommand(['--dataset', dataset.name])}`;
	const words = [
		...(dataset.sqlitePath === null ? [] : ['--sqlite-db', dataset.sqlitePath]),
		...(dataset.chromaPath === null ? [] : [isChromaServer(dataset.chromaPath) ? '--chroma-url' : '--chroma-path', dataset.chromaPath]),
	];
	return `${dataset.from}: ${formatCommand(words)}`;
}
