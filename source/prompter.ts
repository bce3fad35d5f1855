import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { printable } from './core/text-width.js';
import type { WizardIo } from './wizard-io.js';

/** What a question can end in, beside an answer. */
export type Answer = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'back' } | { readonly kind: 'quit' };

/**
 * Asks one question at a time on stderr and only ever appends: no cursor movement, no glyphs, each prompt on its own line.
 * `b` goes back, an empty line takes the answer in brackets.
 */
export class Prompter {
	readonly #lines: Interface;
	readonly #stderr: WizardIo['stderr'];
	#muted = false;
	#waiting: ((answer: Answer) => void) | null = null;
	/** Lines that arrived before they were asked for. */
	readonly #early: string[] = [];
	#closed = false;

	constructor(io: Pick<WizardIo, 'stdin' | 'stderr'>, onInterrupt: () => void) {
		this.#stderr = io.stderr;
		const output = new Writable({
			write: (chunk: Buffer, _encoding, done) => {
				if (!this.#muted) io.stderr.write(chunk);
				done();
			},
		});
		this.#lines = createInterface({ input: io.stdin, output, terminal: io.stdin.isTTY === true });
		this.#lines.on('line', (line) => this.#answer(line));
		this.#lines.on('SIGINT', onInterrupt);
		this.#lines.on('close', () => {
			this.#closed = true;
			this.cancel();
		});
	}

	say(text: string): void {
		this.#stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);
	}

	/** Ends the open question, if any, as `quit`. */
	cancel(): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		waiting?.({ kind: 'quit' });
	}

	async ask(question: string, options: { readonly usual?: string; readonly secret?: boolean } = {}): Promise<Answer> {
		const { usual, secret = false } = options;
		this.#stderr.write(`${printable(question)}${usual === undefined ? '' : ` [${printable(usual)}]`}: `);
		this.#muted = secret;
		const answer = await this.#next();
		this.#muted = false;
		if (secret) this.#stderr.write('\n');
		if (answer.kind !== 'text') return answer;
		const text = answer.text.trim();
		if (text === 'b') return { kind: 'back' };
		return { kind: 'text', text: text === '' ? (usual ?? '') : text };
	}

	/** A number from 1 to `count`, asked again until it is one. */
	async choose(question: string, count: number, usual: number): Promise<number | 'back' | 'quit'> {
		for (;;) {
			const answer = await this.ask(`${question}, 1 to ${count}`, { usual: String(usual) });
			if (answer.kind !== 'text') return answer.kind;
			const chosen = Number(answer.text);
			if (Number.isInteger(chosen) && chosen >= 1 && chosen <= count) return chosen;
			this.say(`Please answer with a number from 1 to ${count}, or b to go back.`);
		}
	}

	/** Numbers from 1 to `count`, parted by commas or spaces, asked again until all are. */
	async chooseSome(question: string, count: number, usual: number): Promise<readonly number[] | 'back' | 'quit'> {
		for (;;) {
			const answer = await this.ask(`${question}, 1 to ${count}, several with commas`, { usual: String(usual) });
			if (answer.kind !== 'text') return answer.kind;
			const chosen = answer.text
				.split(/[\s,]+/)
				.filter((word) => word !== '')
				.map(Number);
			if (chosen.length > 0 && chosen.every((one) => Number.isInteger(one) && one >= 1 && one <= count)) return [...new Set(chosen)];
			this.say(`Please answer with numbers from 1 to ${count}, such as 1,2, or b to go back.`);
		}
	}

	/** Enter (an empty text) or one of the letters; anything else is asked again, so that no slip counts as Enter. */
	async press(question: string, letters: readonly string[] = []): Promise<Answer> {
		for (;;) {
			const answer = await this.ask(question);
			if (answer.kind !== 'text' || answer.text === '' || letters.includes(answer.text)) return answer;
			this.say(`Please press Enter, or answer ${[...letters, 'b'].join(', ').replace(/, (\w)$/, ' or $1')}.`);
		}
	}

	close(): void {
		this.#lines.close();
	}

	#next(): Promise<Answer> {
		const early = this.#early.shift();
		if (early !== undefined) return Promise.resolve({ kind: 'text', text: early });
		if (this.#closed) return Promise.resolve({ kind: 'quit' });
		return new Promise((resolve) => {
			this.#waiting = resolve;
		});
	}

	#answer(line: string): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (waiting === null) this.#early.push(line);
		else waiting({ kind: 'text', text: line });
	}
}
