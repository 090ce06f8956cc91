// Sends more and more values in a request to one replica.

import { INTERFACE_NAMES } from '../../results/files.ts';
import { OVERHEAD_SECONDS, type Experiment } from './experiment.ts';
import { measureInTurns } from './measure.ts';

/** Enough users to keep one replica busy. With more, large batches would only wait in a queue. */
const MOST_USERS = 4;

export const batch = {
  name: 'batch',
  about: 'throughput and latency of one replica, with 1 to 10 000 values in a request',
  targets: INTERFACE_NAMES,
  needs: ['calibrate'],
  quick: true,
  fits: ({ limitsCpu }) => limitsCpu,
  seconds: ({ pace }) => pace.trials * (pace.batches.length * pace.batchStep + OVERHEAD_SECONDS),

  async run(context) {
    const { settings } = context;
    const users = Math.min(MOST_USERS, settings.users);
    const { trials, batches, batchStep: seconds } = settings.pace;
    const steps = batches.map((values) => ({ seconds, users, batch: values }));
    await measureInTurns(context, this, { trials, scaling: 'one', steps });
    return {};
  },
} as const satisfies Experiment;
