import { differentialSuite } from './differential.js';
import { liveWriterSuite } from './live-writer.js';

differentialSuite('0.5.23', 'REPOT_TEST_CHROMA_0_5');
liveWriterSuite('0.5.23', 'REPOT_TEST_CHROMA_0_5');
