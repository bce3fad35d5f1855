import { differentialSuite } from './differential.js';
import { liveWriterSuite } from './live-writer.js';

differentialSuite('1.5.9', 'REPOT_TEST_CHROMA_1_5');
liveWriterSuite('1.5.9', 'REPOT_TEST_CHROMA_1_5');
