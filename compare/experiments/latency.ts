// Measures the latency of one replica of each target at the same rate.

import { INTERFACE_NAMES } from '../../results/files.ts';
import { askBareServer } from './calibrate.ts';
import { OVERHEAD_SECONDS, REPLACEMENT_SECONDS, type Experiment } from './experiment.ts';
import { equalRate } from './limits.ts';
import { leaveOut, measureInTurns } from './measure.ts';

export const latency = {
  name: 'latency',
  about: 'latency of one replica with a whole core, at half the rate that the slowest can answer',
  targets: INTERFACE_NAMES,
  needs: ['calibrate', 'capacity'],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) =>
    pace.trials * (pace.latency + OVERHEAD_SECONDS) +
    REPLACEMENT_SECONDS +
    pace.warmUp +
    (pace.floor ? pace.calibrate + OVERHEAD_SECONDS : 0),

  async run(context) {
    const { place, settings } = context;
    const step = equalRate(context);
    // A load on the bare server at this rate shows how much of the latency is the load generator's own.
    const seconds = Math.min(step.seconds, settings.pace.calibrate);
    if (!settings.pace.floor)
      leaveOut(context, 'latency: how much of it is the load generator’s own; too long for --quick.');
    for (const target of settings.pace.floor ? place.interfaces : []) {
      await askBareServer(context, 'floor', target, [{ ...step, seconds }]);
    }
    await measureInTurns(context, this, { trials: settings.pace.trials, scaling: 'core', steps: [step] });
    return {};
  },
} as const satisfies Experiment;
