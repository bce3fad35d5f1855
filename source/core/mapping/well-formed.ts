/** In every Node this runs on; in TypeScript's library only from ES2024. */
interface WellFormed {
	isWellFormed(): boolean;
	toWellFormed(): string;
}

/** False: the string holds half of a surrogate pair, which has no UTF-8 form. Costs nothing for strings of one byte a character. */
export const isWellFormed = (text: string): boolean => (text as string & WellFormed).isWellFormed();

export const toWellFormed = (text: string): string => (text as string & WellFormed).toWellFormed();
