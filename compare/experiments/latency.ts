// Measures the latency of one replica of each target at the same rate.

import { TARGETS } from '../../results/files.ts';
import { askBareServer } from './calibrate.ts';
import { OVERHEAD_SECONDS, REPLACEMENT_SECONDS, type Experiment } from './experiment.ts';
import { equalRate } from './limits.ts';
import { leaveOut, measureInTurns } from './measure.ts';

export const latency = {
  name: 'latency',
  about: 'one replica with a whole core, all targets at half of what the slowest can answer',
  targets: TARGETS,
  needs: ['calibrate', 'capacity'],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) =>
    pace.trials * (pace.latency + OVERHEAD_SECONDS) +
    REPLACEMENT_SECONDS +
    pace.warmUp +
    (pace.floor ? pace.calibrate + OVERHEAD_SECONDS : 0),

  async run(comparison) {
    const { place, options } = comparison;
    const step = equalRate(comparison);
    // A load on the bare server at this rate shows how much of the latency is the load generator's own.
    const seconds = Math.min(step.seconds, options.pace.calibrate);
    if (!options.pace.floor)
      leaveOut(comparison, 'latency: how much of it is the load generator’s own; too long for --quick.');
    for (const target of options.pace.floor ? place.targets : []) {
      await askBareServer(comparison, 'floor', target, [{ ...step, seconds }]);
    }
    await measureInTurns(comparison, this, { trials: options.pace.trials, scaling: 'core', steps: [step] });
    return {};
  },
} as const satisfies Experiment;
