/** What is needed of a stream. */
export interface OutStream {
	write(text: string): unknown;
	readonly isTTY?: boolean | undefined;
}

/**
 * stdout is data, stderr is people. Every text for people passes through the redactor; data is only cleaned of known secrets, because a
 * changed plan would be another plan.
 */
export interface Output {
	readonly dataIsTerminal: boolean;
	readonly peopleIsTerminal: boolean;
	/** One line of data on stdout. */
	data(line: string): void;
	/** One line for people on stderr. */
	say(line: string): void;
	/** Called once the secrets are known. */
	redactWith(people: (text: string) => string, data: (text: string) => string): void;
}

export function createOutput(stdout: OutStream, stderr: OutStream): Output {
	let cleanPeople = (text: string): string => text;
	let cleanData = (text: string): string => text;
	return {
		dataIsTerminal: stdout.isTTY === true,
		peopleIsTerminal: stderr.isTTY === true,
		data: (line) => void stdout.write(`${cleanData(line)}\n`),
		say: (line) => void stderr.write(`${cleanPeople(line)}\n`),
		redactWith(people, data) {
			cleanPeople = people;
			cleanData = data;
		},
	};
}
