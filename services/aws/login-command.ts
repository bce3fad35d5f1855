/** What logs a profile in, as a shell takes it. */
export const loginCommand = (profile: string): string => `aws sso login --profile ${/^[\w.@-]+$/.test(profile) ? profile : `'${profile}'`}`;
