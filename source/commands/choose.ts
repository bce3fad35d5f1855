import { headlessChoices } from '../config/choices.js';
import { RepotError } from '../core/errors.js';
import { formatCommand } from '../core/format.js';
import type { DatasetSummary, Operations, PlanRequest } from '../core/operations.js';
import type { CommandContext } from './context.js';

/** The request that flags, variables and config make. What is missing is named, with what was found on disk. */
export async function requestFromSettings(context: CommandContext, operations: Operations): Promise<PlanRequest> {
	const choices = headlessChoices(context.settings);
	try {
		return operations.request(choices);
	} catch (thrown) {
		const lacksSource = choices.sqlitePath === null && choices.chromaPath === null;
		if (!(thrown instanceof RepotError) || thrown.code !== 'MISSING_ANSWER' || !lacksSource) throw thrown;
		const found = await operations.datasets(choices.environment);
		throw new RepotError({ ...thrown.toJSON(), next: [...thrown.next, ...found.slice(0, 3).map(suggestion)] });
	}
}

function suggestion(dataset: DatasetSummary): string {
	const words = [
		...(dataset.sqlitePath === null ? [] : ['--sqlite-db', dataset.sqlitePath]),
		...(dataset.chromaPath === null ? [] : ['--chroma-path', dataset.chromaPath]),
	];
	return `${dataset.from}: ${formatCommand(words)}`;
}
