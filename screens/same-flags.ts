/** Flags that say where settings, state and target are; every further command about the same run needs them again. */
const placing: ReadonlySet<string> = new Set([
	...['--config', '--state-dir', '--postgres-url'],
	...['--aws-profile', '--region', '--url-parameter', '--ssl-mode', '--ssl-root-cert'],
]);
const switches: ReadonlySet<string> = new Set(['--iam-auth']);

/** Those flags of a headless command, with their values beside them or after `=`, in its order. */
export function sameFlags(command: readonly string[]): readonly string[] {
	return command.flatMap((word, index) => {
		const [flag = ''] = word.split('=', 1);
		if (switches.has(word)) return [word];
		if (!placing.has(flag)) return [];
		const value = command[index + 1];
		return word !== flag ? [word] : value === undefined ? [] : [word, value];
	});
}

/** `repot rollback RUN` as it must be typed to find the same run; `command` is the headless command of the run or of its environment. */
export const rollbackCommand = (run: string, command: readonly string[]): readonly string[] => ['rollback', run, ...sameFlags(command)];
