/**
 * REPOT_TEST_ALL=1 runs the suites that `npm test` leaves out to stay within four minutes on two cores: what runs on a PostgreSQL server in any case, once more on
 * an embedded one. `.ci/run` does.
 */
export const thorough = process.env.REPOT_TEST_ALL === '1';

/** For the name of a suite that is left out. */
export const onlyThorough = thorough ? '' : ' (skipped here: REPOT_TEST_ALL=1 runs it)';
