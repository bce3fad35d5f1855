import { differentialSuite } from './differential.js';
import { liveWriterSuite } from './live-writer.js';

differentialSuite('0.4.24', 'REPOT_TEST_CHROMA_0_4');
liveWriterSuite('0.4.24', 'REPOT_TEST_CHROMA_0_4');
