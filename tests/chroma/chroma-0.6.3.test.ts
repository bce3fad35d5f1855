import { differentialSuite } from './differential.js';
import { liveWriterSuite } from './live-writer.js';

differentialSuite('0.6.3', 'REPOT_TEST_CHROMA_0_6');
liveWriterSuite('0.6.3', 'REPOT_TEST_CHROMA_0_6');
