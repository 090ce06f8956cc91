// Finds out what one replica with a CPU limit can answer.

import { max } from 'simple-statistics';
import { TARGETS, type Target } from '../../../results/files.ts';
import { inTurn, measure, OVERHEAD_SECONDS, type Experiment } from '../experiment.ts';
import { highestThroughput, isSaturated, rowsOf } from '../verdicts.ts';

export const capacity = {
  name: 'capacity',
  about: 'one replica, with more and more users until throughput stops rising',
  targets: TARGETS,
  needs: ['calibrate'],
  fits: ({ limitsCpu }) => limitsCpu,
  seconds: ({ pace, users }) => pace.trials * doubled(users).length * (pace.capacityStep + OVERHEAD_SECONDS),

  async run(comparison) {
    const { place, options } = comparison;
    const rounds = options.pace.trials;
    const capacities: Record<Target, number[]> = { function: [], tfserving: [] };
    let trial = 0;
    for (let round = 0; round < rounds; round++) {
      const throughputs: Record<Target, number[]> = { function: [], tfserving: [] };
      // The targets take turns at each number of users, so that a drift of the machine affects both alike.
      for (const users of doubled(options.users)) {
        const rising = place.targets.filter((target) => !isSaturated(throughputs[target]));
        if (rising.length === 0) break;
        trial += 1;
        for (const target of inTurn(rising, trial)) {
          const files = await measure(comparison, {
            experiment: 'capacity',
            trial,
            which: `${round + 1}/${rounds}, ${users} ${users === 1 ? 'user' : 'users'}`,
            target,
            scaling: 'one',
            steps: [{ seconds: options.pace.capacityStep, users }],
          });
          throughputs[target].push(highestThroughput(rowsOf(files, target, 'steps')));
        }
      }
      for (const target of place.targets) capacities[target].push(max(throughputs[target]));
    }
    return { capacities };
  },
} as const satisfies Experiment;

/** Returns 1, 2, 4 and so on, and `most` at the end. */
function doubled(most: number): number[] {
  const powers = Array.from({ length: Math.ceil(Math.log2(most)) }, (_, power) => 2 ** power);
  return [...powers, most];
}
