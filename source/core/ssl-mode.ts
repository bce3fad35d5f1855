/** How a connection is encrypted and what is checked, as libpq names it (PostgreSQL 18, 32.19.3). */
export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];
