import { differentialSuite } from './differential.js';

differentialSuite('0.6.3', 'REPOT_TEST_CHROMA_0_6');
