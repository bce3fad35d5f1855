import type { Clock, ScanResult, Source, Target, TargetDescription } from '../ports.js';
import { batchRecords } from './batch-size.js';
import { clashHazards, conflictHazards, lateHazards } from './conflict-hazards.js';
import { type ConflictTally, noConflicts, tallyConflicts } from './conflicts.js';
import type { Draft } from './draft-parts.js';
import { copySeconds, schemaSeconds } from './estimate.js';
import { checkFit, isPresent } from './fit.js';
import { occupancyHazards, scanHazards } from './hazards.js';
import { otherRuleHazards } from './id-hazards.js';
import { scanWithFreeKey } from './kept-id.js';
import { collectionTable, embeddingTable } from './langchain-tables.js';
import { LateParents, ownForeignKeys } from './late-parents.js';
import { madeObject } from './made-object.js';
import type { PlanProgress, PlanRequest } from './request.js';
import { SetAside } from './set-aside.js';
import { sameColumns } from './tables.js';
import type { ConflictPolicy, CopyStep, ForeignKey, Hazard, SchemaStep } from './types.js';
import { plannedUniques, unpromisedUniques, unseenUniques } from './unique-keys.js';

/** What planning reads from. */
export interface PlanPorts {
	readonly source: Source;
	readonly target: Target;
	readonly clock: Clock;
}

/** Runs the casts over every record, and compares keys where the target's table holds any row. */
export async function measure(
	draft: Pick<Draft, 'copies' | 'schema'>,
	request: PlanRequest,
	ports: PlanPorts,
	target: TargetDescription,
	signal: AbortSignal | undefined,
	onProgress: (progress: PlanProgress) => void,
): Promise<{ steps: CopyStep[]; hazards: Hazard[] }> {
	const drafts = draft.copies;
	const steps: CopyStep[] = [];
	const hazards: Hazard[] = [];
	const all = Math.max(
		1,
		drafts.reduce((sum, step) => sum + step.rows, 0),
	);
	const description = await ports.source.describe(signal);
	const aside = new SetAside(drafts);
	let before = 0;
	for (const copy of drafts) {
		const report = (phase: string) => (fraction: number) =>
			onProgress({ phase, fraction: Math.min(1, (before + copy.rows * fraction) / all) });
		const casting = report(`casting every value of ${copy.id}`);
		const table = target.tables.find((candidate) => candidate.name === copy.table);
		const fits = !checkFit(copy, table ?? emptyTable(copy)).some((hazard) => hazard.severity === 'block');
		const occupied = table !== undefined && table.rows > 0 && fits;
		const keeping = { tenant: request.tenant, source: ports.source, target: occupied ? ports.target : null, signal };
		const settled = await scanWithFreeKey(copy, (step) => ports.source.scan(step, signal, casting), keeping);
		const counted = withScan(settled.step, settled.scan, request, target.facts.embedded);
		hazards.push(...scanHazards(copy.id, settled.scan, request.policies), ...settled.hazards);
		let tally = noConflicts();
		let unowned = 0;
		const own = table !== undefined && fits ? ownForeignKeys(counted, table) : [];
		const late = own.length === 0 ? null : new LateParents(counted, own);
		if (occupied || late !== null || aside.concerns(copy)) {
			const isMade = (columns: readonly string[]): boolean =>
				draft.schema.some((step) => {
					const made = step.table === copy.table ? madeObject(step) : null;
					return made?.what === 'unique' && sameColumns(made.columns, columns);
				});
			const toMake = occupied ? plannedUniques(copy, table, description).filter(({ columns }) => isMade(columns)) : [];
			const phase = report(`comparing ${copy.id} with the target`);
			const other = occupied ? ports.target : null;
			const compared = { tenant: request.tenant, source: ports.source, target: other, aside, late, signal };
			tally = await tallyConflicts({ ...counted, plannedUniques: toMake }, compared, phase);
			if (occupied) unowned = await unownedRows(counted, request.tenant, ports.target);
		}
		hazards.push(...lateHazards(counted, late?.found() ?? []));
		hazards.push(...conflictHazards(counted, tally, request.policies), ...clashHazards(counted, tally, request.policies, drafts));
		hazards.push(...otherRuleHazards(counted, tally.otherRules));
		const tallied = withTally(counted, tally, request.policies.onConflict, unowned);
		hazards.push(...occupancyHazards(tallied));
		steps.push(tallied);
		if (table !== undefined) hazards.push(...unpromisedUniques(copy, table, description), ...unseenUniques(copy, table));
		before += copy.rows;
	}
	return { steps, hazards };
}

/** Rows that name no tenant; none of a collection that is not there. */
const unownedRows = async (step: CopyStep, tenant: string, target: Target): Promise<number> =>
	step.collection?.exists === false ? 0 : (await target.count(step, tenant)).missingTenant;

const emptyTable = (step: CopyStep) => ({
	name: step.table,
	columns: step.columns.map((column) => ({ name: column.name, type: column.targetType, notNull: !column.nullable, hasDefault: false })),
	primaryKey: step.key,
	uniques: [],
	foreignKeys: [],
	indexes: [],
	rows: 0,
	tenantRows: 0,
});

function withScan(step: CopyStep, scan: ScanResult, request: PlanRequest, embedded: boolean): CopyStep {
	return {
		...step,
		rows: scan.rows,
		rejected: scan.rejected,
		...withoutVector(step, scan),
		bytes: scan.bytes,
		columns: step.columns.map((column) => {
			const note = scan.notes[column.name];
			const jsonTypes = scan.jsonTypes[column.name];
			return { ...column, ...(note === undefined ? {} : { note }), ...(jsonTypes === undefined ? {} : { jsonTypes }) };
		}),
		batchRecords: batchRecords(scan.rows, scan.bytes, request.batchSize),
		seconds: copySeconds(scan.bytes, scan.milliseconds, embedded),
	};
}

/** Records that go without their vector: the casts take NULL only where policy and column allow it. */
function withoutVector(step: CopyStep, scan: ScanResult): Pick<CopyStep, 'withoutVector'> {
	if (!step.columns.some(({ cast, nullable }) => cast === 'vector' && nullable)) return {};
	const count = scan.findings.find(({ code }) => code === 'MISSING_VECTOR')?.count ?? 0;
	return count === 0 ? {} : { withoutVector: count };
}

/** Under `skip`, records that clash on another unique key are set aside with what refers to them, like those that the casts refuse. */
function withTally(step: CopyStep, tally: ConflictTally, policy: ConflictPolicy, unownedBefore: number): CopyStep {
	const [equal, differing, unowned] = [tally.equal.count, tally.differing.count, tally.unowned.count];
	const clashing = policy === 'skip' ? tally.clashing.count + tally.orphaned.count : 0;
	const rejected = step.rejected + clashing;
	const fresh = step.rows === 0 ? 0 : Math.max(0, step.rows - rejected - equal) / step.rows;
	return {
		...step,
		rejected,
		state: {
			...step.state,
			equal,
			differing,
			...(unowned > 0 ? { unowned } : {}),
			...(unownedBefore > 0 ? { unownedBefore } : {}),
			...(clashing > 0 ? { clashing } : {}),
		},
		write: equal + differing + clashing > 0 ? 'merge' : 'copy',
		seconds: step.seconds * fresh,
	};
}

/** Marks what the target has already, and what each statement is expected to take. */
export function finishSchema(
	drafts: Draft['schema'],
	target: TargetDescription,
	copies: readonly CopyStep[],
	onConflict: ConflictPolicy,
): SchemaStep[] {
	const foreign = copies.flatMap((step) =>
		step.foreignKeys.map((key: ForeignKey) => ({
			object: `${step.table}_${key.columns.join('_')}_fkey`,
			columns: key.columns,
			parent: key.parent,
		})),
	);
	foreign.push({ object: `${embeddingTable}_collection_id_fkey`, columns: ['collection_id'], parent: collectionTable });
	const idle = copies.every((step) => nothingToCopy(step, onConflict));
	return drafts.map((draft) => {
		const needed = draft.what === 'analyze' ? !idle : !isPresent(draft, target, foreign);
		const own = draft.vectorIndex?.step;
		const concerned = copies.filter((step) => step.table === draft.table && (own === undefined || step.id === own));
		const rows = concerned.reduce((sum, { rows, state }) => sum + rows + state.rowsBefore, 0);
		const dimension = Math.max(0, ...concerned.map(({ source }) => (source.kind === 'chroma' ? (source.dimension ?? 0) : 0)));
		return { ...draft, needed, seconds: needed ? schemaSeconds(draft, rows, dimension) : 0 };
	});
}

/** Every record that the casts accept is in the target already, or stays as the target has it by policy. */
export const nothingToCopy = (step: CopyStep, onConflict: ConflictPolicy): boolean =>
	step.state.equal + (onConflict === 'skip' ? step.state.differing : 0) >= step.rows - step.rejected;
