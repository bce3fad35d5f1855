/** What names of AWS tell of the place that they belong to ("Regions and Zones" of the AWS General Reference). */

/** `us-east-1`, `ap-southeast-2`, `us-gov-west-1` */
const region = '[a-z]{2}(?:-[a-z]+)+-\\d';

/** Partition of ARNs: `aws`, `aws-cn`, `aws-us-gov`. */
export const partitionOfRegion = (name: string): string =>
	name.startsWith('cn-') ? 'aws-cn' : name.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';

const rdsHost = /\.rds\.amazonaws\.com(?:\.cn)?$/i;
const rdsHostOfRegion = new RegExp(`\\.(${region})${rdsHost.source}`, 'i');

/** A database of Amazon RDS or Aurora. */
export const isRdsHost = (host: string): boolean => rdsHost.test(host);

/** `db.abc.eu-west-1.rds.amazonaws.com` is in `eu-west-1`; null: the name tells none. */
export const rdsRegion = (host: string): string | null => rdsHostOfRegion.exec(host)?.[1]?.toLowerCase() ?? null;

/** A pool of Cognito has the id `eu-west-1_Ab12`. */
export const poolRegion = (pool: string): string | null => new RegExp(`^(${region})_`).exec(pool)?.[1] ?? null;
