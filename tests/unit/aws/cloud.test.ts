import { describe } from 'vitest';
import { cloudContract } from '../../contract/cloud-contract.js';
import { startFakeAws } from '../../fakes/aws-server.js';

describe('AWS, the fake in this process', () => cloudContract(startFakeAws));
