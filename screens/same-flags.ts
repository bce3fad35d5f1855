import { placingFlags } from '../source/core/headless-command.js';

const placing: ReadonlySet<string> = new Set(placingFlags);
/** Takes no value. */
const tokenFlag = '--iam-auth';

/** The flags that lead to a run again, of a headless command, with their values beside them or after `=`, in its order. */
export function sameFlags(command: readonly string[]): readonly string[] {
	return command.flatMap((word, index) => {
		const [flag = ''] = word.split('=', 1);
		if (word === tokenFlag) return [word];
		if (!placing.has(flag)) return [];
		const value = command[index + 1];
		return word !== flag ? [word] : value === undefined ? [] : [word, value];
	});
}

/** `repot rollback RUN` as it must be typed to find the same run; `command` is the headless command of the run or of its environment. */
export const rollbackCommand = (run: string, command: readonly string[]): readonly string[] => ['rollback', run, ...sameFlags(command)];
