// Sends more and more values in a request to one replica.

import { TARGETS } from '../../../results/files.ts';
import { measureInTurns, OVERHEAD_SECONDS, type Experiment } from '../experiment.ts';

const BATCHES = [1, 10, 100, 1000, 10_000];
/** Enough users to keep one replica busy. With more, large batches would only wait in a queue. */
const MOST_USERS = 4;

export const batch = {
  name: 'batch',
  about: 'one replica, with 1 to 10 000 values in a request',
  targets: TARGETS,
  needs: ['calibrate'],
  fits: ({ limitsCpu }) => limitsCpu,
  seconds: ({ pace }) => pace.trials * (BATCHES.length * pace.batchStep + OVERHEAD_SECONDS),

  async run(comparison) {
    const { options } = comparison;
    const users = Math.min(MOST_USERS, options.users);
    const steps = BATCHES.map((values) => ({ seconds: options.pace.batchStep, users, batch: values }));
    await measureInTurns(comparison, 'batch', 'one', steps);
    return {};
  },
} as const satisfies Experiment;
