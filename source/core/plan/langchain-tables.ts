/** Names of the layout that langchain-postgres' PGVector reads (docs/formats.md). */
export const collectionTable = 'langchain_pg_collection';
export const embeddingTable = 'langchain_pg_embedding';
export const vectorStepId = 'vectors';

/** What people are told a step is about: its table, and of several collections in one table the step. */
export const placeOfStep = (step: string, table: string): string => (step.startsWith(`${vectorStepId}:`) ? step : table);

/** Key of `cmetadata` that holds the id of the source, where the target has another one. */
export const keptIdKey = 'chroma_id';
