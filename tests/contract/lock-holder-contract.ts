import { describe, expect, it } from 'vitest';
import type { Target } from '../../source/core/ports.js';

export interface LockHolderBench {
	readonly target: Target;
	/** Lets another connection (a server's) or another process (an embedded database's) hold the lock; resolves with what ends that. */
	holdElsewhere(): Promise<() => Promise<void>>;
	/** What is there, schemas or files: asking who holds the lock must not add to it. */
	contents(): Promise<readonly string[]>;
}

/** `lockHolder` of every target: who else holds the one-run lock, without taking it. */
export function lockHolderContract(name: string, open: () => LockHolderBench): void {
	describe(`${name}: who holds the lock`, () => {
		it('is nobody on a target that nothing was written to, which stays as it is', async () => {
			const { target, contents } = open();
			const before = await contents();
			expect(await target.lockHolder()).toBeNull();
			expect(await contents()).toEqual(before);
		});

		it('is told while another holds it, and nobody after that', async () => {
			const { target, holdElsewhere } = open();
			const release = await holdElsewhere();
			expect(await target.lockHolder()).toMatch(/^(connection|process) \d+/);
			await release();
			expect(await target.lockHolder()).toBeNull();
		});

		it('does not count what this process holds itself, and does not take it', async () => {
			const { target } = open();
			const release = await target.lock();
			expect(await target.lockHolder()).toBeNull();
			await release();
			const again = await target.lock();
			await again();
		});
	});
}
