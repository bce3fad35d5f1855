#!/usr/bin/env node
// React reads this once, when it is loaded: without it the slower development build draws the screens.
process.env.NODE_ENV ??= 'production';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 17)) {
	process.stderr.write(
		`X repot needs Node.js 20.17 or later; this is ${process.versions.node}\n  next   Install a newer Node.js: https://nodejs.org\n`,
	);
	process.exit(2);
}

// A reader that leaves early (`repot runs | head`), or a terminal that was closed (EIO), is no fault; what is still to be written goes
// nowhere, and a run that is stopping safely goes on to its end.
for (const stream of [process.stdout, process.stderr]) {
	stream.on('error', (error: NodeJS.ErrnoException) => {
		if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
	});
}

const { main } = await import('./main.js');
await main();

export {};
