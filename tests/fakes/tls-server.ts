import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';

/** Path of a certificate that `tests/fixtures/tls/make.sh` made. */
export const certificate = (name: 'authority' | 'other-authority' | 'server' | 'expired' | 'self-signed'): string =>
	fileURLToPath(new URL(`../fixtures/tls/${name}.crt`, import.meta.url));

const key = readFileSync(new URL('../fixtures/tls/server.test-key', import.meta.url));

/** What a client did, in order: asked for TLS, began a session, sent a password; the name of the certificate that it showed. */
export type Act = 'asks-for-tls' | 'plain-session' | 'encrypted-session' | `password ${string}` | `certificate ${string}`;

export interface TlsServer {
	readonly port: number;
	readonly acts: readonly Act[];
	/** From the next connection on. */
	answer(answer: Answer): void;
	close(): Promise<void>;
}

/** To the request for TLS: a certificate, no, something that is neither, or the end of the connection. */
type Answer = Parameters<typeof certificate>[0] | 'no' | 'error' | 'hang-up';

const sslRequest = 80877103;
const authenticationOk = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
const askPassword = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** As much of a PostgreSQL server as a login takes: the request for TLS, the start, a password in clear text. */
export async function startTlsServer(
	first: Answer,
	options: { readonly asksPassword?: boolean; readonly asksCertificate?: boolean } = {},
): Promise<TlsServer> {
	let answer = first;
	const acts: Act[] = [];
	const sockets = new Set<Socket>();

	const session = (socket: Socket, encrypted: boolean, start: Buffer | null): void => {
		const begin = (): void => {
			acts.push(encrypted ? 'encrypted-session' : 'plain-session');
			socket.write(options.asksPassword === true ? askPassword : Buffer.concat([authenticationOk, readyForQuery]));
		};
		if (start === null) socket.once('data', begin);
		else begin();
		socket.on('data', (message) => {
			if (message[0] !== 0x70) return;
			acts.push(`password ${message.subarray(5, -1).toString()}`);
			socket.write(Buffer.concat([authenticationOk, readyForQuery]));
		});
	};

	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => undefined);
		socket.once('data', (message) => {
			if (message.readInt32BE(4) !== sslRequest) {
				session(socket, false, message);
				return;
			}
			acts.push('asks-for-tls');
			if (answer === 'hang-up') socket.destroy();
			else if (answer === 'no') socket.write('N', () => socket.once('data', (start) => session(socket, false, start)));
			else if (answer === 'error') socket.write('E');
			else {
				const context = createSecureContext({ key, cert: readFileSync(certificate(answer)) });
				socket.write('S');
				const secure = new TLSSocket(socket, {
					isServer: true,
					secureContext: context,
					requestCert: options.asksCertificate === true,
					rejectUnauthorized: false,
				});
				if (options.asksCertificate === true)
					secure.once('secure', () => acts.push(`certificate ${[secure.getPeerCertificate().subject?.CN].flat().join()}`));
				secure.on('error', () => undefined);
				session(secure, true, null);
			}
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		port: (server.address() as AddressInfo).port,
		acts,
		answer: (next) => {
			answer = next;
		},
		async close() {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
}
