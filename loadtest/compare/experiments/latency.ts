// Measures the latency of one replica of each target at the same rate.

import { TARGETS } from '../../../results/files.ts';
import { equalRate, measureInTurns, OVERHEAD_SECONDS, type Experiment } from '../experiment.ts';
import { askBareServer } from './calibrate.ts';

export const latency = {
  name: 'latency',
  about: 'one replica with a whole core, both at half of what the slower one can answer',
  targets: TARGETS,
  needs: ['calibrate', 'capacity'],
  fits: () => true,
  seconds: ({ pace }) => pace.trials * (pace.latency + OVERHEAD_SECONDS) + pace.calibrate + OVERHEAD_SECONDS,

  async run(comparison) {
    const { place, options } = comparison;
    const step = equalRate(comparison);
    // A load on the bare server at this rate shows how much of the latency is the load generator's own.
    const seconds = Math.min(step.seconds, options.pace.calibrate);
    for (const target of place.targets) await askBareServer(comparison, 'floor', target, [{ ...step, seconds }]);
    await measureInTurns(comparison, 'latency', 'core', [step]);
    return {};
  },
} as const satisfies Experiment;
