import { exitCodes } from '../core/errors.js';
import { configLines } from '../headless/config-text.js';
import type { Command } from './context.js';
import { toldConfig } from './told-config.js';

/** `repot config`: every setting with its value and where that came from; secrets are masked. Asks nobody and writes nothing. */
export const configCommand: Command = async ({ shell, settings, redact, dataStyle }) => {
	const config = toldConfig(settings);
	if (settings.values.json.value) shell.output.data(JSON.stringify({ type: 'config', ...redact.value(config) }));
	else for (const line of configLines(config, dataStyle)) shell.output.data(line);
	return exitCodes.done;
};
