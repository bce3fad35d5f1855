/** Where a value came from: `flag --postgres-url`, `env DATABASE_URL`, `repot.config.json:4`, `ssm /collections/dev/database-url v7`, `default`, `typed`. */
export type Origin = string;
