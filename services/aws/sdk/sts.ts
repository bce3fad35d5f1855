// The rooms in this folder are imported when they are first needed. They stand between because a package of CommonJS that is bundled and
// imported at run time keeps none of its names.
export { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
