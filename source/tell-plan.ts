import { plainText } from '../screens/lines.js';
import { hazardLines } from '../screens/plan-views.js';
import { formatBytes, formatCount, formatEstimate, formatQuantity } from './core/format.js';
import { nothingToDoWords } from './core/outcome-words.js';
import { rulesToChoose } from './core/plan/id-hazards.js';
import { isBlocked, type Plan } from './core/plan/types.js';
import type { Prompter } from './prompter.js';
import { backOrQuit, type Talk, type Turn } from './text-talk.js';
import { choicesOf } from './wizard.js';

/** Step 4 of the text wizard: makes the plan, tells it, and asks where to go from it. */
export async function tellPlan({ context, prompter, state, stopped }: Talk): Promise<Turn> {
	const { operations } = context;
	if (state.planned === null) {
		prompter.say('Step 4 of 6, dry run. Nothing is written.');
		const request = await operations.request(choicesOf(state), stopped);
		let phase = '';
		const plan = await operations.plan(request, stopped, (progress) => {
			if (progress.phase !== phase) prompter.say(progress.phase);
			phase = progress.phase;
		});
		return [{ type: 'planned', planned: { plan, request } }];
	}
	const { plan } = state.planned;
	for (const text of planSentences(plan)) prompter.say(text);
	if (isBlocked(plan)) return askBlocked(plan, prompter);
	if (plan.doneBy !== undefined) {
		const answer = await prompter.press('Press Enter to run the checks again, which writes nothing, or b to go back');
		if (answer.kind !== 'text') return backOrQuit(answer.kind);
		context.session.startChecks(state.planned, operations.headlessCommand('migrate', choicesOf(state)));
		return [{ type: 'next', said: '' }];
	}
	const answer = await prompter.press('Press Enter to go on to the confirmation, or b to go back');
	return answer.kind === 'text' ? [{ type: 'next', said: '' }] : backOrQuit(answer.kind);
}

const ruleLetters = { prefix: 'p', uuid: 'u', fail: 'o' } as const;
const ruleWords = { prefix: 'p for ids COLLECTION/ID', uuid: 'u for UUIDs as ids', fail: "o for Chroma's own ids" } as const;

async function askBlocked(plan: Plan, prompter: Prompter): Promise<Turn> {
	const rules = rulesToChoose(plan);
	const ways = ['Press Enter to plan again', ...rules.map((rule) => ruleWords[rule])].join(', ');
	const answer = await prompter.press(
		`Blocked: solve the hazards first. ${ways}, or b to go back`,
		rules.map((rule) => ruleLetters[rule]),
	);
	if (answer.kind !== 'text') return backOrQuit(answer.kind);
	const rule = rules.find((one) => ruleLetters[one] === answer.text);
	return [rule === undefined ? { type: 'replan' } : { type: 'choose-ids', rule }];
}

function planSentences(plan: Plan): readonly string[] {
	const { records, rejected, bytes, seconds } = plan.totals;
	return [
		`Plan ${plan.id.slice(0, 8)}: ${formatQuantity(records, 'record')}, ${formatBytes(bytes)}, ${formatEstimate(seconds * 1000)}; ${formatCount(rejected)} will be set aside.`,
		...plan.steps
			.filter((step) => step.kind === 'copy')
			.map((step) => `Step ${step.id}: ${formatQuantity(step.rows, 'row')} into table ${step.table}.`),
		...(plan.hazards.length === 0
			? ['Nothing to look at.']
			: plainText(hazardLines(plan, 100))
					.split('\n')
					.map((text) => text.trim())
					.filter((text) => text !== '')),
		...(plan.doneBy === undefined ? [] : [`Nothing to do: ${nothingToDoWords(plan)}.`]),
	];
}
