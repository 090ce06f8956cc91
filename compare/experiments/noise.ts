// Measures the latency of the function twice as often, to see by how much two equal things differ.

import { OVERHEAD_SECONDS, type Experiment } from './experiment.ts';
import { equalRate } from './limits.ts';
import { measureInTurns } from './measure.ts';

export const noise = {
  name: 'noise',
  about: 'latency of the function again, to see by how much two equal things differ',
  targets: ['function'],
  needs: ['calibrate', 'capacity'],
  quick: false,
  fits: () => true,
  seconds: ({ pace }) => 2 * pace.trials * (pace.latency + OVERHEAD_SECONDS),

  async run(context) {
    // The report compares them in pairs: 1 and 2, 3 and 4, and so on.
    const trials = 2 * context.settings.pace.trials;
    await measureInTurns(context, this, { trials, scaling: 'core', steps: [equalRate(context)] });
    return {};
  },
} as const satisfies Experiment;
