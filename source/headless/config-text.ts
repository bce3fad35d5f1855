import { printable } from '../core/text-width.js';
import { paint, type TextStyle } from './style.js';
import { tableLines } from './table.js';

/** A setting as it is told: secrets are masked, null is what nobody gave. */
export interface ToldSetting {
	readonly name: string;
	readonly value: string | number | boolean | readonly string[] | null;
	/** The value as a flag takes it, where that is not its text: `500ms`. */
	readonly shown?: string;
	readonly from: string;
}

export interface ToldGroup {
	readonly name: string;
	readonly chosen: boolean;
	/** Of a dataset of the convention: none of its files is here. */
	readonly missing?: boolean;
	readonly from: string;
	readonly settings: readonly ToldSetting[];
}

export interface ToldConfig {
	/** Null: there is no config file. */
	readonly file: string | null;
	readonly settings: readonly ToldSetting[];
	readonly environments: readonly ToldGroup[];
	readonly datasets: readonly ToldGroup[];
}

/** Every setting with its value and where that came from; then the environments and the datasets. */
export function configLines(config: ToldConfig, style: TextStyle): readonly string[] {
	return [
		`Config  ${config.file === null ? 'no repot.config.json here' : printable(config.file)}`,
		'',
		...settingLines(config.settings, style),
		...config.environments.flatMap((one) => groupLines('Environment', one, style)),
		...config.datasets.flatMap((one) => groupLines('Dataset', one, style)),
	];
}

function groupLines(kind: string, group: ToldGroup, style: TextStyle): readonly string[] {
	const marks = [
		group.from === 'default' ? 'by convention' : `from ${group.from}`,
		...(group.missing === true ? ['no files here'] : []),
		...(group.chosen ? ['chosen'] : []),
	];
	return [
		'',
		`${paint(style, 'strong', printable(`${kind} ${group.name}`))}: ${printable(marks.join(', '))}`,
		...settingLines(group.settings, style),
	];
}

const columns = [{ title: 'NAME' }, { title: 'VALUE' }, { title: 'FROM' }];

function settingLines(settings: readonly ToldSetting[], style: TextStyle): readonly string[] {
	const none = style.tables ? '-' : 'not set';
	const rows = settings.map(({ name, value, shown, from }) => [name, shown ?? (textOf(value) || none), from]);
	// A row that is read aloud is a sentence of its own, which the headings would only lengthen.
	if (!style.tables) return rows.map(([name = '', value = '', from = '']) => printable(`${name}: ${value}, from ${from}`));
	return tableLines(columns, rows, style);
}

function textOf(value: ToldSetting['value']): string {
	if (value === null) return '';
	return typeof value === 'object' ? value.join(', ') : String(value);
}
