import { asRepotError, type RepotError } from '../core/errors.js';
import { loadSettings, type Settings, type SettingsInput } from './settings.js';

/**
 * Settings for the commands that mend them: when the config file cannot be used, those of flags and environment alone, and the fault.
 * A fault of a flag or a variable is still thrown.
 */
export async function loadTolerantly(input: SettingsInput): Promise<{ readonly settings: Settings; readonly fault: RepotError | null }> {
	try {
		return { settings: await loadSettings(input), fault: null };
	} catch (thrown) {
		const { config: _config, ...flags } = input.flags;
		const { REPOT_CONFIG: _variable, ...env } = input.env;
		return { settings: await loadSettings({ ...input, flags, env, ignoreConfig: true }), fault: asRepotError(thrown) };
	}
}
