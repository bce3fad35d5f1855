import { render } from 'ink';
import { App, type AppProps } from './app.js';
import type { WizardIo } from './wizard-io.js';
import { drawingStream } from './wizard-stream.js';

/**
 * Draws the shell and resolves when it has exited. Everything that loads React is behind this module, so that the caller can set the
 * environment that React and Ink read once.
 */
export async function mountApp(io: WizardIo, props: AppProps): Promise<void> {
	const { stdin, stderr } = io;
	const app = render(<App {...props} />, {
		stdin,
		stdout: drawingStream(stderr),
		stderr,
		exitOnCtrlC: false,
		patchConsole: false,
		maxFps: 60,
	});
	await app.waitUntilExit();
}
