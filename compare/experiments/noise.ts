// Measures the latency of the function twice as often, to see by how much two equal things differ.

import { OVERHEAD_SECONDS, type Experiment } from './experiment.ts';
import { equalRate } from './limits.ts';
import { measureInTurns } from './measure.ts';

export const noise = {
  name: 'noise',
  about: 'the latency of the function again: how much two equal things differ',
  targets: ['function'],
  needs: ['calibrate', 'capacity'],
  quick: false,
  fits: () => true,
  seconds: ({ pace }) => 2 * pace.trials * (pace.latency + OVERHEAD_SECONDS),

  async run(comparison) {
    // The report compares them in pairs: 1 and 2, 3 and 4, and so on.
    const trials = 2 * comparison.settings.pace.trials;
    await measureInTurns(comparison, this, { trials, scaling: 'core', steps: [equalRate(comparison)] });
    return {};
  },
} as const satisfies Experiment;
