// Finds out what one replica with a CPU limit can answer.

import { max } from 'simple-statistics';
import { INTERFACE_NAMES } from '../../results/files.ts';
import { rowsOf } from '../run/files.ts';
import type { Settings } from '../settings.ts';
import { OVERHEAD_SECONDS, type Experiment } from './experiment.ts';
import { inTurn, measure } from './measure.ts';
import { highestThroughput, levelsOff } from './verdicts.ts';

export const capacity = {
  name: 'capacity',
  about: 'throughput of one replica, with more and more users until it stops rising',
  targets: INTERFACE_NAMES,
  needs: ['calibrate'],
  quick: true,
  fits: ({ limitsCpu }) => limitsCpu,
  seconds: (settings) =>
    settings.pace.trials * rising(settings).length * (settings.pace.capacityStep + OVERHEAD_SECONDS),

  async run(context) {
    const { place, settings, folder } = context;
    const rounds = settings.pace.trials;
    const seconds = settings.pace.capacityStep;
    const steps = rising(settings).map((users) => ({ seconds, users }));
    folder.plan('capacity', { trials: rounds, scaling: 'one', steps });
    const capacities = new Map(place.interfaces.map((target) => [target, [] as number[]]));
    let trial = 0;
    for (let round = 1; round <= rounds; round++) {
      const throughputs = new Map(place.interfaces.map((target) => [target, [] as number[]]));
      // The targets take turns at each number of users, so that a drift of the machine affects all alike.
      for (const step of steps) {
        const rising = place.interfaces.filter((target) => !levelsOff(throughputs.get(target) ?? []));
        if (rising.length === 0) break;
        trial += 1;
        for (const target of inTurn(rising, trial)) {
          const files = await measure(context, {
            experiment: 'capacity',
            trial,
            round,
            which: `${round}/${rounds}, ${step.users} ${step.users === 1 ? 'user' : 'users'}`,
            target,
            scaling: 'one',
            steps: [step],
          });
          throughputs.get(target)?.push(highestThroughput(rowsOf(files, target, 'steps')));
        }
      }
      for (const [target, all] of throughputs) capacities.get(target)?.push(max(all));
    }
    return { capacities };
  },
} as const satisfies Experiment;

/** Returns 1, then each number times the factor, and `most` at the end. */
function rising({ users: most, pace: { usersFactor } }: Settings): number[] {
  const powers = Array.from(
    { length: Math.ceil(Math.log(most) / Math.log(usersFactor)) },
    (_, power) => usersFactor ** power,
  );
  return [...powers, most];
}
