import { headlessChoices } from '../config/choices.js';
import type { Settings } from '../config/settings.js';
import { RepotError } from '../core/errors.js';
import { formatCommand } from '../core/format.js';
import type { DatasetSummary, Operations, PlanRequest, WizardChoices } from '../core/operations.js';
import type { CommandContext } from './context.js';

/** The request that flags, variables and config make. What is missing is named, with what was found on disk. */
export async function requestFromSettings(context: CommandContext, operations: Operations): Promise<PlanRequest> {
	const choices = headlessChoices(context.settings);
	refuseIdleCollection(context.settings, choices);
	try {
		return operations.request(choices);
	} catch (thrown) {
		const lacksSource = choices.sqlitePath === null && choices.chromaPath === null;
		if (!(thrown instanceof RepotError) || thrown.code !== 'MISSING_ANSWER' || !lacksSource) throw thrown;
		const found = await operations.datasets(choices.environment);
		throw new RepotError({ ...thrown.toJSON(), next: [...thrown.next, ...found.slice(0, 3).map(suggestion)] });
	}
}

/** A flag that would do nothing is refused. */
function refuseIdleCollection(settings: Settings, choices: WizardChoices): void {
	const { level, value } = settings.values.collection;
	if (level !== 'flag' || value === null || choices.chromaPath !== null || choices.sqlitePath === null) return;
	throw new RepotError({
		kind: 'usage',
		code: 'COLLECTION_WITHOUT_CHROMA',
		message: '--collection names a Chroma collection, and no Chroma directory is given',
		next: ['--chroma-path DIR, or --dataset NAME with a Chroma directory', 'Or leave --collection out'],
	});
}

function suggestion(dataset: DatasetSummary): string {
	const words = [
		...(dataset.sqlitePath === null ? [] : ['--sqlite-db', dataset.sqlitePath]),
		...(dataset.chromaPath === null ? [] : ['--chroma-path', dataset.chromaPath]),
	];
	return `${dataset.from}: ${formatCommand(words)}`;
}
