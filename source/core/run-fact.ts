import type { MigrationEvent } from './events.js';

/** Distributive, so that the union of events survives the loss of `at`. */
type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;
/** An event of a run before it is given its time. */
export type Fact = WithoutTime<MigrationEvent>;
