import { expect, it } from 'vitest';
import { byNearness } from '../../../source/core/edit-distance.js';

it('names are told nearest first, whatever their capitals, and equals in their order', () => {
	expect(byNearness('Dev', ['production', 'dve', 'DEV', 'test', 'den'])).toEqual([
		{ name: 'DEV', distance: 0 },
		// Two letters that changed places are one slip.
		{ name: 'dve', distance: 1 },
		{ name: 'den', distance: 1 },
		{ name: 'test', distance: 3 },
		{ name: 'production', distance: 9 },
	]);
});
