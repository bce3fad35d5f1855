import { differentialSuite } from './differential.js';

differentialSuite('0.4.24', 'REPOT_TEST_CHROMA_0_4');
