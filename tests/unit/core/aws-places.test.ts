import { describe, expect, it } from 'vitest';
import { isRdsHost, partitionOfRegion, poolRegion, rdsRegion } from '../../../source/core/aws-places.js';

describe('places that names of AWS tell', () => {
	it.each([
		['app.abc.eu-west-1.rds.amazonaws.com', 'eu-west-1', 'aws'],
		['APP.ABC.EU-WEST-1.RDS.AMAZONAWS.COM', 'eu-west-1', 'aws'],
		['app.cluster-abc.cn-north-1.rds.amazonaws.com.cn', 'cn-north-1', 'aws-cn'],
		['app.abc.us-gov-west-1.rds.amazonaws.com', 'us-gov-west-1', 'aws-us-gov'],
	])('%s is in %s', (host, region, partition) => {
		expect(isRdsHost(host)).toBe(true);
		expect(rdsRegion(host)).toBe(region);
		expect(partitionOfRegion(region)).toBe(partition);
	});

	it.each(['rds.amazonaws.com.example', 'eu-west-1.rds.amazonaws.com', 'db.example'])('%s tells none', (host) => {
		expect(rdsRegion(host)).toBeNull();
	});

	it('a pool of users begins with its region', () => {
		expect(poolRegion('ap-southeast-2_Ab12')).toBe('ap-southeast-2');
		expect(poolRegion('Ab12')).toBeNull();
	});
});
