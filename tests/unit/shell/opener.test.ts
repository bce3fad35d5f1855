import { describe, expect, it } from 'vitest';
import { openerFor } from '../../../source/interactive-open.js';

describe('what opens a file', () => {
	it('is what the desktop has, and nothing where there is none', () => {
		expect(openerFor('/r.md', 'darwin', {})).toEqual({ command: 'open', args: ['/r.md'] });
		expect(openerFor('/r.md', 'linux', { DISPLAY: ':0' })).toEqual({ command: 'xdg-open', args: ['/r.md'] });
		expect(openerFor('/r.md', 'linux', { WAYLAND_DISPLAY: 'wayland-0' })?.command).toBe('xdg-open');
		expect(openerFor('/r.md', 'linux', { DISPLAY: '' })).toBeNull();
		expect(openerFor('/r.md', 'win32', {})?.args.at(-1)).toBe('/r.md');
	});
});
