// Raises the rate step by step, equally for both targets, with the autoscaler on.

import { max, median } from 'simple-statistics';
import { TARGETS } from '../../../results/files.ts';
import { quantity } from '../../../results/quantity.ts';
import {
  measureInTurns,
  OVERHEAD_SECONDS,
  usersOfRate,
  wholeRate,
  type Comparison,
  type Experiment,
} from '../experiment.ts';

const RATE_SHARES = [0.25, 0.5, 0.75, 1];
/** The highest share of all CPUs that the load generator and a target may need together. Kubernetes needs some, too. */
const CPU_SHARE = 0.8;
/** Roughly how long an autoscaler takes until it has a reading of an idle replica. */
const AUTOSCALER_SECONDS = 75;

export const autoscale = {
  name: 'autoscale',
  about: 'both targets at the same rising rates, with the autoscaler on',
  targets: TARGETS,
  needs: ['calibrate', 'capacity'],
  fits: ({ scales }) => scales,
  seconds: ({ pace }) => pace.trials * (pace.runTime + AUTOSCALER_SECONDS + 2 * OVERHEAD_SECONDS + pace.warmUp),

  async run(comparison) {
    const { options } = comparison;
    const bound = boundOfNodes(comparison);
    const seconds = Math.floor(options.pace.runTime / RATE_SHARES.length);
    const users = usersOfRate(options);
    const steps = RATE_SHARES.map((share) => ({ seconds, users, rate: wholeRate(share * bound) }));
    await measureInTurns(comparison, 'autoscale', 'auto', steps);
    return {};
  },
} as const satisfies Experiment;

/** Returns the highest rate at which the nodes have enough CPU for the load generator and for either target. */
function boundOfNodes({ place, options, progress, limits, capacities }: Comparison): number {
  const saturated = quantity(options.cpuLimit);
  const costs = place.targets
    .filter((target) => place.controls(target))
    .map((target) => saturated / median([...capacities[target]]));
  const cpuSeconds = limits.cpuSeconds + max([0, ...costs]);
  const bound = Math.min(limits.bound, (CPU_SHARE * place.cpus) / cpuSeconds);
  progress.say(
    `autoscale: at most ${bound.toFixed(0)} requests/s, for which the load generator and the dearer target need ` +
      `${(bound * cpuSeconds).toFixed(2)} of the ${place.cpus.toFixed(1)} CPUs.`,
  );
  return bound;
}
