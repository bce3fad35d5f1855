import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request in a service's wire format. */
export interface AwsRequest {
	/** `GetParameter`, `ListUsers`, `AssumeRole`, ...; of SSO, which is REST: `GetRoleCredentials` and `CreateToken`. */
	readonly action: string;
	readonly protocol: 'json' | 'query' | 'rest';
	readonly method: string;
	readonly path: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

export interface AwsReply {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body: string;
}

export interface Fault {
	/** The service's name of the error. */
	readonly name: string;
	readonly message: string;
	readonly status?: number;
}

/**
 * Stands before a fake or a real server: keeps the requests, answers some with faults in the service's own format, passes the others on.
 */
export interface AwsFront {
	readonly url: string;
	readonly requests: AwsRequest[];
	/** The next `times` requests of the action fail so. */
	fail(action: string, fault: Fault, times?: number): void;
	/** Changes what JSON requests of the action ask for, as a server would that overlooks a part of it. */
	rewrite(action: string, change: (body: Record<string, unknown>) => Record<string, unknown>): void;
	/** No more faults and rewritings; the requests are forgotten. */
	calm(): void;
	close(): Promise<void>;
}

async function read(message: IncomingMessage): Promise<AwsRequest> {
	const parts: Buffer[] = [];
	for await (const part of message) parts.push(part as Buffer);
	const body = Buffer.concat(parts).toString();
	const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
	const target = headers['x-amz-target'];
	const common = { method: message.method ?? 'GET', path: message.url ?? '/', headers, body };
	if (target !== undefined) return { ...common, action: target.split('.').at(-1) ?? '', protocol: 'json' };
	if (common.path.startsWith('/federation/credentials')) return { ...common, action: 'GetRoleCredentials', protocol: 'rest' };
	if (common.path.startsWith('/token')) return { ...common, action: 'CreateToken', protocol: 'rest' };
	return { ...common, action: new URLSearchParams(body).get('Action') ?? '', protocol: 'query' };
}

const xmlText = (text: string): string => text.replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);

/** Errors of the query protocol and of JSON 1.1 ("Common errors" of each API reference). */
export function faultReply(request: AwsRequest, { name, message, status }: Fault): AwsReply {
	if (request.protocol === 'query') {
		const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${xmlText(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>`;
		return { status: status ?? 403, headers: { 'content-type': 'text/xml' }, body };
	}
	const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': name };
	return { status: status ?? 400, headers, body: JSON.stringify({ __type: name, message }) };
}

export async function startFront(answer: (request: AwsRequest) => Promise<AwsReply> | AwsReply): Promise<AwsFront> {
	const requests: AwsRequest[] = [];
	const faults: { readonly action: string; readonly fault: Fault; left: number }[] = [];
	const rewritings = new Map<string, (body: Record<string, unknown>) => Record<string, unknown>>();
	const replyTo = async (request: AwsRequest): Promise<AwsReply> => {
		requests.push(request);
		const fault = faults.find((one) => one.action === request.action && one.left > 0);
		if (fault !== undefined) {
			fault.left -= 1;
			return faultReply(request, fault.fault);
		}
		const change = rewritings.get(request.action);
		if (change === undefined) return await answer(request);
		return await answer({ ...request, body: JSON.stringify(change(JSON.parse(request.body) as Record<string, unknown>)) });
	};
	const server = createServer((message, response) => {
		read(message)
			.then(replyTo)
			.then(
				(reply) => response.writeHead(reply.status, reply.headers).end(reply.body),
				(error: unknown) => response.writeHead(500).end(String(error)),
			);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		requests,
		fail(action, fault, times = 1) {
			faults.push({ action, fault, left: times });
		},
		rewrite(action, change) {
			rewritings.set(action, change);
		},
		calm() {
			requests.length = 0;
			faults.length = 0;
			rewritings.clear();
		},
		async close() {
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}

/** Passes everything on to a real server. */
export const startProxy = (endpoint: string): Promise<AwsFront> =>
	startFront(async ({ method, path, headers, body }) => {
		const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...kept } = headers;
		const answer = await fetch(new URL(path, endpoint), { method, headers: kept, ...(method === 'GET' ? {} : { body }) });
		const type = answer.headers.get('content-type') ?? 'text/plain';
		const errorType = answer.headers.get('x-amzn-errortype');
		return {
			status: answer.status,
			headers: { 'content-type': type, ...(errorType === null ? {} : { 'x-amzn-errortype': errorType }) },
			body: await answer.text(),
		};
	});
