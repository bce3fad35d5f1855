import { differentialSuite } from './differential.js';

differentialSuite('0.5.23', 'REPOT_TEST_CHROMA_0_5');
