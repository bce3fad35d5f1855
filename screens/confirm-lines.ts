/** What the confirm screen says, for the room there is. Pure. */

import { formatAgo, formatBytes, formatCount, formatEstimate, formatQuantity } from '../source/core/format.js';
import { type Plan, recordsToWrite } from '../source/core/plan/types.js';
import type { ReadinessCheck } from '../source/core/readiness.js';
import { serverWords } from '../source/core/server-words.js';
import { commandFacts } from './command-facts.js';
import { blank, facts, type LineSpec, line } from './lines.js';
import type { Planned } from './planned.js';
import { readinessLines } from './readiness-lines.js';
import type { Tone } from './theme.js';

export interface Confirmation {
	readonly planned: Planned;
	readonly command: readonly string[];
	/** Those known so far. */
	readonly checks: readonly ReadinessCheck[];
	readonly now: number;
}

type Fact = readonly [label: string, value: string, tone?: Tone];

/** What, where and for whom: said in full before the checks are. */
const foremostFacts = 3;

/** Everything that will happen, most important first, and the checks; in a low terminal fewer facts and shorter checks, in at most `room` lines. */
export function confirmLines(confirmation: Confirmation, width: number, room: number): readonly LineSpec[] {
	const pairs = factsOf(confirmation);
	const title = line({ text: 'Write this?', tone: 'strong' });
	const ways = readinessLines(confirmation.checks, width);
	const foremost = facts(pairs.slice(0, foremostFacts), width).length;
	const checks = ways.find((way) => room - 1 - way.length >= foremost);
	if (checks === undefined) {
		const shortest = ways.at(-1) ?? [];
		return [title, ...pairs.slice(0, Math.max(1, room - 1 - shortest.length)).map(cutFact), ...shortest];
	}
	const shown = wholeFacts(pairs, room - 1 - checks.length, width);
	// The lines that are left part the prompt from the checks first, then the checks from the facts.
	const left = room - 1 - shown.length - checks.length;
	const gap = (wanted: number): readonly LineSpec[] => (left >= wanted ? [blank] : []);
	return [title, ...gap(3), ...shown, ...gap(2), ...checks, ...gap(1)];
}

/** As many as fit, from the first, each with all its lines. */
function wholeFacts(pairs: readonly Fact[], room: number, width: number): readonly LineSpec[] {
	const fitting = pairs.findIndex((_, index) => facts(pairs.slice(0, index + 1), width).length > room);
	return facts(fitting < 0 ? pairs : pairs.slice(0, fitting), width);
}

const cutFact = ([label, value, tone]: Fact): LineSpec =>
	line({ text: label, tone: 'dim', width: 9 }, { text: value, tone, cut: 'middle' });

/** Tables by name; several collections by their number, since the preview named them. */
function intoWords({ steps }: Plan): string {
	const copies = steps.filter((step) => step.kind === 'copy');
	const collections = copies.filter((step) => step.collection !== undefined);
	const [first] = collections;
	if (first === undefined || collections.length === 1) return copies.map((step) => step.id).join(', ');
	const tables = copies.filter((step) => step.collection === undefined).map((step) => step.id);
	return [...tables, `${formatCount(collections.length)} collections of ${first.table}`].join(', ');
}

function factsOf({ planned: { plan, request }, command, now }: Confirmation): readonly Fact[] {
	const { rejected, bytes, seconds } = plan.totals;
	const sources = [plan.sources.sqlite?.path, plan.sources.chroma?.path].filter((path) => path !== undefined);
	return [
		['Writes', `${formatQuantity(recordsToWrite(plan), 'record')}   ${formatBytes(bytes)}   into ${intoWords(plan)}`, 'strong'],
		['To', plan.target.label, 'strong'],
		['Tenant', `${plan.tenant.column} = ${plan.tenant.value}`],
		...(rejected > 0 ? [['Set aside', `${formatCount(rejected)} to quarantine.jsonl, with key and reason`, 'warn'] as const] : []),
		['Time', `${formatEstimate(seconds * 1000)}${request.validate ? ', then all checks' : ', without checks'}`],
		['From', sources.join('  +  ')],
		['Server', serverWords(plan)],
		['Plan', `${plan.id.slice(0, 8)}, made ${formatAgo(plan.createdAt, now)}`],
		...commandFacts('Headless', command, 'dim'),
	];
}
