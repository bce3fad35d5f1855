import { differentialSuite } from './differential.js';

differentialSuite('1.5.9', 'REPOT_TEST_CHROMA_1_5');
