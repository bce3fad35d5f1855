/** What is needed of a stream. */
export interface OutStream {
	write(text: string): unknown;
	readonly isTTY?: boolean | undefined;
}

/**
 * stdout is data, stderr is people. Both are cleaned of secrets by their place; text from outside was cleaned of known secrets before,
 * because masking a word wherever it stands would change names of tables and of plans.
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
