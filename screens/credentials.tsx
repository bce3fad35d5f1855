import { useState } from 'react';
import { formatLatency } from '../source/core/format.js';
import type { Credential, Operations, WizardChoices } from '../source/core/operations.js';
import type { TargetTest } from '../source/core/ports.js';
import { Secret } from '../source/core/secret.js';
import { shortVersion } from '../source/core/server-words.js';
import { textWidth } from '../source/core/text-width.js';
import { type Cell, columnWidths, type TableRow, tableLines } from './components/data-table.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { fieldParts } from './components/text-field.js';
import { type TaskState, useTask } from './hooks/use-task.js';
import { useTextField } from './hooks/use-text-field.js';
import type { Binding } from './key-router.js';
import { blank, type LineSpec, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import { type Canvas, useCanvas } from './shell-context.js';

interface CredentialsScreenProps {
	readonly place: Place;
	readonly operations: Operations;
	readonly choices: WizardChoices;
	/** Counts the URLs that were typed: a secret cannot be compared, its replacement must still be tested. */
	readonly targetEdition: number;
	readonly command: readonly string[];
	readonly onTarget: (target: Secret) => void;
	readonly onTenant: (tenant: string) => void;
	readonly onNext: (said: string) => void;
	readonly onBack: () => void;
}

/** Step 3: what is needed, where it came from, whether it works. Secrets are never shown. */
export function CredentialsScreen(props: CredentialsScreenProps) {
	const [typing, setTyping] = useState<'url' | 'tenant' | null>(null);
	const credentials = props.operations.credentials(props.choices);
	if (typing !== null) {
		return (
			<TypeCredential
				place={props.place}
				what={typing}
				initial={typing === 'tenant' ? (props.choices.tenant ?? '') : ''}
				onCancel={() => setTyping(null)}
				onDone={(text) => {
					if (typing === 'url') props.onTarget(new Secret(text));
					else props.onTenant(text);
					setTyping(null);
				}}
			/>
		);
	}
	return <CredentialTable {...props} credentials={credentials} onType={setTyping} />;
}

interface CredentialTableProps extends CredentialsScreenProps {
	readonly credentials: readonly Credential[];
	readonly onType: (what: 'url' | 'tenant') => void;
}

function CredentialTable(props: CredentialTableProps) {
	const { place, operations, choices, targetEdition, command, credentials, onType, onNext, onBack } = props;
	const canvas = useCanvas();
	const url = credentials.find(({ name }) => name === 'postgres-url');
	const tenant = credentials.find(({ name }) => name === 'user-id');
	const key = url?.shown == null ? null : `${choices.environment} ${targetEdition} ${url.shown}`;
	const { task, retry } = useTask(key, (signal) => operations.testTarget(choices, signal));
	const missing = url?.shown == null ? ('url' as const) : tenant?.shown == null ? ('tenant' as const) : null;
	const ready = missing === null && task.state === 'ok';
	const next = () => {
		if (missing !== null) onType(missing);
		else if (ready) onNext(`${url?.shown ?? ''}   user id ${tenant?.shown ?? ''}`);
	};
	const rows = [...credentials.map((credential) => credentialRow(credential, task)), ...pgvectorRow(task)];
	const found = credentials.filter(({ shown }) => shown !== null).length;
	const body = [
		line(
			{ text: `Found ${found} of ${credentials.length}.`, tone: 'strong' },
			{
				text: canvas.width < 79 ? '   Secrets stay in memory.' : '   Secrets stay in memory; they are never shown, logged or saved.',
				tone: 'dim',
			},
		),
		blank,
		...tableLines({ columns, rows: wholeRows(rows, canvas), width: canvas.width, cursor: null }),
		blank,
		...adviceLines(missing, task, canvas.width),
	];
	const bindings: readonly Binding[] = [
		{
			keys: ['enter'],
			label: 'enter',
			does: missing === 'url' ? 'type the URL' : missing === 'tenant' ? 'type the user id' : ready ? 'next' : 'next (when the test is ok)',
			run: next,
		},
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
		{ keys: ['t'], label: 't', does: 'type a user id', run: () => onType('tenant') },
		{ keys: ['u'], label: 'u', does: 'type a URL', run: () => onType('url') },
		{ keys: ['r'], label: 'r', does: 'test again', run: retry },
	];
	return <Frame {...place} body={body} bindings={bindings} command={command} />;
}

const columns = [
	{ title: 'NEEDED' },
	{ title: 'VALUE', least: 12, cut: 'middle' as const },
	{ title: 'FROM', least: 10, cut: 'middle' as const, tone: 'dim' as const, yields: 1 },
	{ title: 'TEST', least: 14 },
];

/** Rows that fewer lines than this leave no room for. */
const roomForWhole = 14;

/** What a cell has no room for stands under its row, where there are lines for it: the target must be seen whole before it is written to. */
function wholeRows(rows: readonly TableRow[], canvas: Canvas): readonly TableRow[] {
	const widths = columnWidths(columns, rows, canvas.width - 3);
	return rows.map((row) => {
		const cells = row.cells.map((cell) => (typeof cell === 'string' ? { text: cell } : cell));
		const [, value, from] = cells;
		const isCut = [1, 2].some((at) => textWidth(cells[at]?.text ?? '') > (widths[at] ?? 0));
		if (!isCut || value === undefined || from === undefined) return row;
		// Where something must go, it is the stars: they say no more than one.
		const shorter = { ...value, text: value.text.replace(/\*{2,}/, '*') };
		const under = canvas.lines < roomForWhole ? [] : paragraph(`${value.text}   from ${from.text}`, canvas.width - 2, 'dim', 6);
		return { cells: [cells[0] ?? '', shorter, from, cells[3] ?? ''], under };
	});
}

function credentialRow(credential: Credential, task: TaskState<TargetTest>): TableRow {
	const { name, label, shown, from } = credential;
	const test = name === 'postgres-url' ? testCell(task) : { text: '-', tone: 'dim' as const };
	const failed = name === 'postgres-url' && task.state === 'failed';
	const word = shown === null || failed ? 'X ' : 'ok';
	return {
		cells: [
			{ text: `${word} ${label}`, tone: word === 'ok' ? 'plain' : 'bad' },
			shown === null ? { text: 'not found', tone: 'warn' } : shown,
			from ?? '-',
			test,
		],
	};
}

function testCell(task: TaskState<TargetTest>): Cell {
	if (task.state === 'idle') return { text: '-', tone: 'dim' };
	if (task.state === 'working') return { text: 'testing ...', tone: 'dim' };
	if (task.state === 'failed') return { text: 'X failed', tone: 'bad' };
	const { facts, latencyMilliseconds } = task.value;
	return { text: `PG ${shortVersion(facts.serverVersion)}  ${formatLatency(latencyMilliseconds)}`, tone: 'good' };
}

function pgvectorRow(task: TaskState<TargetTest>): readonly TableRow[] {
	if (task.state !== 'ok') return [];
	const { facts, problems } = task.value;
	const from = { text: 'target', tone: 'dim' as const };
	const none = { text: '-', tone: 'dim' as const };
	if (facts.pgvectorVersion !== null) return [{ cells: ['ok pgvector', facts.pgvectorVersion, from, none] }];
	// Without a complaint from the target it can be created; the plan says whether it will be.
	const tone = problems.length > 0 ? 'warn' : 'dim';
	return [{ cells: [{ text: `${problems.length > 0 ? '! ' : '  '} pgvector`, tone }, { text: 'not installed yet', tone }, from, none] }];
}

function adviceLines(missing: 'url' | 'tenant' | null, task: TaskState<TargetTest>, width: number): readonly LineSpec[] {
	if (task.state === 'failed') return errorLines(task.error.toJSON(), width);
	const problems = task.state === 'ok' ? task.value.problems : [];
	return [
		...problems.flatMap((problem) =>
			paragraph(problem, width - 4, 'plain', 0).map((spec, index) =>
				line({ text: index === 0 ? '!  ' : '   ', tone: 'warn' }, ...spec.parts),
			),
		),
		...(missing === 'url'
			? paragraph(
					'No target is known for this environment. Enter lets you type its URL: postgresql://user:password@host:5432/database or pglite:DIRECTORY.',
					width,
				)
			: []),
		...(missing === 'tenant' ? paragraph('Every row will belong to one user. Enter lets you type that user id.', width) : []),
	];
}

interface TypeCredentialProps {
	readonly place: Place;
	readonly what: 'url' | 'tenant';
	readonly initial: string;
	readonly onDone: (text: string) => void;
	readonly onCancel: () => void;
}

function TypeCredential({ place, what, initial, onDone, onCancel }: TypeCredentialProps) {
	const canvas = useCanvas();
	const field = useTextField(initial);
	const text = field.text.trim();
	const accept = () => {
		if (text !== '') onDone(text);
	};
	const bindings: readonly Binding[] = [
		{ keys: ['enter'], label: 'enter', does: 'accept', run: accept },
		{ keys: ['esc'], label: 'esc', does: 'back, unchanged', run: onCancel },
		{ keys: ['ctrl+u'], label: 'ctrl+u', does: 'clear', run: () => field.set('') },
	];
	return <Frame {...place} body={fieldBody(what, field.state, canvas)} bindings={bindings} capture={field.capture} />;
}

function fieldBody(what: 'url' | 'tenant', field: Parameters<typeof fieldParts>[0]['field'], canvas: Canvas): readonly LineSpec[] {
	const masked = what === 'url';
	return [
		line({ text: masked ? 'Target URL' : 'User id', tone: 'strong' }),
		blank,
		line({ text: '> ', tone: 'accent' }, ...fieldParts({ field, width: canvas.width - 4, active: true, masked, colour: canvas.colour })),
		blank,
		...(masked
			? paragraph(
					'postgresql://user:password@host:5432/database or pglite:DIRECTORY. Typed or pasted text is shown as stars and kept in memory only.',
					canvas.width,
					'dim',
				)
			: paragraph('Goes into user_id of every row and every vector. Other tenants in the target stay untouched.', canvas.width, 'dim')),
	];
}
