import { formatCount } from '../format.js';
import type { Finding, ScanResult, SourceDescription, TargetDescription } from '../ports.js';
import type { CopyStep, Hazard, Policies } from './types.js';

const severityRank = { block: 0, warn: 1, info: 2 } as const;

/** Blocking hazards first, then by step in the order given. */
export const bySeverity = (hazards: readonly Hazard[]): Hazard[] =>
	[...hazards].sort((a, b) => severityRank[a.severity] - severityRank[b.severity]);

/** Codes that a policy set to `fail` turns from "set aside" into "do not run". */
const policyOfCode: Readonly<Record<string, 'onInvalidJson' | 'onBadTimestamp' | 'onNul'>> = {
	INVALID_JSON: 'onInvalidJson',
	LONE_SURROGATE: 'onInvalidJson',
	BAD_TIMESTAMP: 'onBadTimestamp',
	NUL_CHARACTER: 'onNul',
};

const flagOfPolicy = { onInvalidJson: '--on-invalid-json', onBadTimestamp: '--on-bad-timestamp', onNul: '--on-nul' } as const;

/** What the scan of one step found, as hazards. */
export function scanHazards(step: string, scan: ScanResult, policies: Policies): Hazard[] {
	return scan.findings.map((finding) => fromFinding(step, finding, policies));
}

function fromFinding(step: string, finding: Finding, policies: Policies): Hazard {
	const policy = policyOfCode[finding.code];
	const fails = policy !== undefined && policies[policy] === 'fail';
	const hint =
		fails && policy !== undefined ? `${flagOfPolicy[policy]} is fail; use quarantine to set these records aside and go on` : finding.hint;
	return {
		code: finding.code,
		severity: fails ? 'block' : finding.severity,
		step,
		...(finding.column === null ? {} : { column: finding.column }),
		count: finding.count,
		sample: finding.sample,
		message: finding.message,
		...(hint === undefined ? {} : { hint }),
	};
}

/** Rows of others and of earlier work that the run meets. */
export function occupancyHazards(step: CopyStep): Hazard[] {
	const others = step.state.rowsBefore - step.state.tenantRowsBefore;
	const unowned = step.state.unownedBefore ?? 0;
	// Rows that are this step's own are told as ALREADY_THERE.
	if (others === 0 && step.state.tenantRowsBefore <= step.state.equal) return [];
	const parts = [
		...(step.state.tenantRowsBefore > 0 ? [`${formatCount(step.state.tenantRowsBefore)} of this user`] : []),
		...(others > unowned ? [`${formatCount(others - unowned)} of other users`] : []),
		...(unowned > 0 ? [`${formatCount(unowned)} of nobody`] : []),
	];
	return [
		{
			code: 'TARGET_HOLDS_ROWS',
			severity: 'info',
			step: step.id,
			count: step.state.rowsBefore,
			sample: [],
			message: `${step.table} already holds ${step.state.rowsBefore === 1 ? '1 row' : `${formatCount(step.state.rowsBefore)} rows`}: ${parts.join(', ')}; ${step.state.rowsBefore === 1 ? 'it stays' : 'they stay'}`,
		},
	];
}

const olderThan = (version: string, major: number, minor: number): boolean => {
	const [a = 0, b = 0] = version.split('.').map(Number);
	return a < major || (a === major && b < minor);
};

/** What the target must be able to do before anything is written. `step`: the only one with vectors. */
export function abilityHazards(target: TargetDescription, wantsVectors: boolean, step: string | null): Hazard[] {
	const hazards: Hazard[] = [];
	const block = (code: string, message: string, hint: string): void => {
		hazards.push({ code, severity: 'block', step: null, count: 1, sample: [], message, hint });
	};
	const extension = target.vectorExtension;
	if (wantsVectors && extension.installed === null) {
		if (extension.available === null) {
			block(
				'NO_PGVECTOR',
				'the server does not have the pgvector extension installed',
				'Install the package for this server (e.g. postgresql-17-pgvector; on Amazon RDS it is included), then run: CREATE EXTENSION vector;',
			);
		} else if (!extension.mayCreate) {
			block(
				'EXTENSION_NEEDS_PRIVILEGE',
				`pgvector ${extension.available} is available, but this user may not create extensions`,
				'Ask an administrator to run in this database: CREATE EXTENSION vector;',
			);
		} else {
			hazards.push({
				code: 'EXTENSION_CREATED',
				severity: 'info',
				step,
				count: 1,
				sample: [],
				message: `the extension vector ${extension.available} is created; a rollback leaves it`,
			});
		}
	}
	const version = extension.installed ?? extension.available;
	if (wantsVectors && version !== null && olderThan(version, 0, 5)) {
		block(
			'PGVECTOR_TOO_OLD',
			`pgvector ${version} has no HNSW index; 0.5 or later is needed`,
			'Update the package, then run: ALTER EXTENSION vector UPDATE;',
		);
	}
	return hazards;
}

export function quarantineHazard(rejected: number, policies: Policies): Hazard[] {
	if (policies.maxQuarantined === null || rejected <= policies.maxQuarantined) return [];
	return [
		{
			code: 'TOO_MANY_QUARANTINED',
			severity: 'block',
			step: null,
			count: rejected,
			sample: [],
			message: `${rejected === 1 ? '1 record' : `${formatCount(rejected)} records`} would be set aside; --max-quarantined allows ${policies.maxQuarantined}`,
			hint: 'Mend the source, choose other policies, or raise --max-quarantined',
		},
	];
}

/** Damage and oddities that the sources themselves report. `step`: the only one with vectors. */
export function integrityHazards(description: SourceDescription, step: string | null): Hazard[] {
	const sqlite = description.sqlite;
	const about = (code: string, severity: Hazard['severity'], message: string): Hazard => ({
		code,
		severity,
		step,
		count: 1,
		sample: [],
		message,
	});
	const notes = [
		...(description.chroma?.lost ?? []).map((lost) => about('CHROMA_DAMAGED', 'warn', lost)),
		...(description.chroma?.notes ?? []).map((note) => about('CHROMA_NOTE', 'info', note)),
	];
	if (sqlite === null || sqlite.integrity === 'ok') return notes;
	if (sqlite.integrity.startsWith('not checked')) {
		return [
			{
				code: 'SOURCE_NOT_CHECKED',
				severity: 'warn',
				step: null,
				count: 1,
				sample: [],
				message: `SQLite could not check the database: ${sqlite.integrity}`,
			},
			...notes,
		];
	}
	return [
		{
			code: 'SOURCE_DAMAGED',
			severity: 'block',
			step: null,
			count: 1,
			sample: [],
			message: `SQLite finds the database damaged: ${sqlite.integrity}`,
			hint: 'Make a repaired copy first: sqlite3 damaged.db .recover | sqlite3 repaired.db',
		},
		...notes,
	];
}
