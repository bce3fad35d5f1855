import { planRequest, sourceAnswers } from './config/choices.js';
import { credentialNeeds } from './config/credential-needs.js';
import { environmentNamed, guardOf } from './config/environments.js';
import { missingError } from './config/missing.js';
import { type ReadTarget, refuseForeignParameter, refuseForeignTarget } from './config/protected.js';
import type { Settings } from './config/settings.js';
import { maskUrl, readTargetUrl } from './config/target-url.js';
import { CredentialMemo, type CredentialOptions, type FoundCredentials, findCredentials, type OnRow } from './core/credentials/find.js';
import type { CredentialNeeds } from './core/credentials/needs.js';
import type { PlanRequest, TargetAccess, WizardChoices } from './core/operations.js';
import type { Cloud, RunSummary, TargetTest } from './core/ports.js';
import type { Secret } from './core/secret.js';

interface FinderAdapters {
	readonly cloud: Cloud;
	readonly test: (access: TargetAccess, signal?: AbortSignal) => Promise<TargetTest>;
	/** Told of every URL that was found outside the settings: its password must not be logged. */
	readonly onSecret: (url: Secret) => void;
	/** Those of this computer: where protected environments wrote to. */
	readonly runs: () => Promise<readonly RunSummary[]>;
}

/** Settings and choices to what a run needs of the outside; remembers what was found for as long as the program runs. */
export class CredentialFinder {
	readonly #settings: Settings;
	readonly #adapters: FinderAdapters;
	readonly #memo = new CredentialMemo();
	/** Of protected environments; kept when the memo is cleared. */
	readonly #protected: ReadTarget[] = [];

	constructor(settings: Settings, adapters: FinderAdapters) {
		this.#settings = settings;
		this.#adapters = adapters;
	}

	/** Finds and tests everything. */
	async find(choices: WizardChoices, options: CredentialOptions, onRow: OnRow, signal?: AbortSignal): Promise<FoundCredentials> {
		const needs = await credentialNeeds(this.#settings, choices);
		const test = (url: Secret, stop?: AbortSignal) => this.#adapters.test(accessTo(needs, url), stop);
		return this.#search(needs, this.#withSettings(options), onRow, test, signal);
	}

	/** Finds what a plan needs, without testing it. `onRow` is told what was found. */
	async request(choices: WizardChoices, options: CredentialOptions, onRow: OnRow, signal?: AbortSignal): Promise<PlanRequest> {
		const answers = sourceAnswers(this.#settings, choices);
		if (choices.environment === '') throw missingError(answers, null, null);
		// A slip of the name is told before anybody is asked.
		environmentNamed(this.#settings, choices.environment, choices.target !== null);
		const needs = await credentialNeeds(this.#settings, choices);
		const found = await this.#search(needs, this.#withSettings(options), onRow, null, signal);
		if (answers.length > 0 || found.target === null || found.tenant === null) throw missingError(answers, needs, found);
		const endsAt = found.identity?.sessionEndsAt ?? null;
		return planRequest(this.#settings, choices, {
			...accessTo(needs, found.target),
			tenant: found.tenant,
			...(endsAt === null ? {} : { sessionEndsAt: Date.parse(endsAt) }),
		});
	}

	/**
	 * The target alone, to look at its ledger or to undo a run. A run that came into a protected environment's database under another name must
	 * be undone there: who may do that is judged by the environment that the ledger has of the run.
	 */
	async target(choices: WizardChoices, onRow: OnRow, signal?: AbortSignal): Promise<TargetAccess> {
		const needs = await credentialNeeds(this.#settings, choices, false);
		const found = await this.#search(needs, this.#withSettings({}), onRow, null, signal, false);
		if (found.target === null) throw missingError([], needs, found);
		return accessTo(needs, found.target);
	}

	/** By whom AWS is asked for these choices. */
	async access(choices: WizardChoices): Promise<CredentialNeeds['access']> {
		return (await credentialNeeds(this.#settings, choices, false)).access;
	}

	/** The code that a flag gave counts for every search. */
	#withSettings(options: CredentialOptions): CredentialOptions {
		const code = options.mfaCode ?? this.#settings.values.mfaCode.value;
		return code === null ? options : { ...options, mfaCode: code };
	}

	async #refuse({ environment, target }: CredentialNeeds, url: Secret): Promise<void> {
		if (guardOf(this.#settings, environment) === 'open') {
			refuseForeignTarget(this.#settings, environment, url, { read: this.#protected, runs: await this.#adapters.runs() });
		} else if (target.kind === 'parameter') this.#protected.push({ environment, url });
	}

	async #search(
		needs: CredentialNeeds,
		options: CredentialOptions,
		onRow: OnRow,
		test: ((url: Secret, signal?: AbortSignal) => Promise<TargetTest>) | null,
		signal: AbortSignal | undefined,
		isGuarded = true,
	): Promise<FoundCredentials> {
		return findCredentials(
			needs,
			{
				cloud: this.#adapters.cloud,
				readUrl: (text, from) => {
					const url = readTargetUrl(text, from);
					this.#adapters.onSecret(url);
					return url;
				},
				mask: maskUrl,
				test,
				refuse: async (url) => {
					if (isGuarded) await this.#refuse(needs, url);
				},
				refuseParameter: (name) => {
					if (isGuarded) refuseForeignParameter(this.#settings, needs.environment, name, needs.access);
				},
				memo: this.#memo,
				skipsSchema: this.#settings.values.skipSchemaCreation.value,
			},
			options,
			onRow,
			signal,
		);
	}
}

const accessTo = ({ tokens, access, tls }: CredentialNeeds, target: Secret): TargetAccess => ({
	target,
	...(tokens ? { tokensOf: access } : {}),
	...(tls === undefined ? {} : { tls }),
});
