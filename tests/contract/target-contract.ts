import { describe } from 'vitest';
import { onlyThorough, thorough } from '../thorough.js';
import { collectionIndexContract } from './collection-index-contract.js';
import { collectionsAgainContract } from './collections-again-contract.js';
import { compareContract } from './compare-contract.js';
import { planFitContract } from './plan-fit-contract.js';
import { refusedRowsContract } from './refused-rows-contract.js';
import { rollbackChainContract } from './rollback-chain-contract.js';
import { rollbackContract } from './rollback-contract.js';
import { schemaContract } from './schema-contract.js';
import { severalCollectionsContract } from './several-collections-contract.js';
import { targetRowsContract } from './target-rows-contract.js';
import type { TargetHarness } from './target-scene.js';
import { uniqueKeysContract } from './unique-keys-contract.js';
import { writeContract } from './write-contract.js';

/**
 * All that a target promises, whatever the driver below it. What judges the target's own objects and rows, and several collections, takes most of a minute on an
 * embedded database, whose statements are those of a server: `elsewhere` leaves it to the runs that do all (see thorough.ts).
 */
export function targetContract(name: string, open: () => TargetHarness, { elsewhere = false } = {}): void {
	for (const contract of [
		schemaContract,
		writeContract,
		compareContract,
		uniqueKeysContract,
		refusedRowsContract,
		rollbackContract,
		rollbackChainContract,
	]) {
		contract(name, open);
	}
	describe.skipIf(elsewhere && !thorough)(`what the target holds and several collections${elsewhere ? onlyThorough : ''}`, () => {
		for (const contract of [
			planFitContract,
			targetRowsContract,
			severalCollectionsContract,
			collectionIndexContract,
			collectionsAgainContract,
		]) {
			contract(name, open);
		}
	});
}
