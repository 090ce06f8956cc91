// Raises the rate step by step, equally for all targets, with the autoscaler on.

import { median } from 'simple-statistics';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import { INTERFACE_NAMES, SERVER_NAMES, type Interface } from '../../results/files.ts';
import type { Step } from '../place.ts';
import { INTERFACES } from '../servers/index.ts';
import { askBareServer, stepSeconds } from './calibrate.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment, type Limits } from './experiment.ts';
import { boundOf, usersOfRate, wholeRate, withinLimits } from './limits.ts';
import { leaveOut, measureInTurns } from './measure.ts';

const RATE_SHARES = [0.25, 0.5, 0.75, 1];
/** The highest share of all CPUs that the load generator and a target may need together. Kubernetes needs some, too. */
const CPU_SHARE = 0.8;
/**
 * How much more CPU a target needs at least for a request at an even rate than in the closed loop, where it finds the next
 * request there already. The published run has 374 against 136 µs of TensorFlow Serving over REST.
 */
const EVEN_RATE_COST = 2;
/** Roughly how long an autoscaler takes until it has a reading of an idle replica. */
const AUTOSCALER_SECONDS = 50;

export const autoscale = {
  name: 'autoscale',
  about: 'replicas and latency at rising rates, the same for all, with the autoscaler on',
  targets: INTERFACE_NAMES,
  needs: ['calibrate', 'capacity'],
  quick: true,
  fits: ({ scales }) => scales,
  seconds: ({ pace }) =>
    pace.trials * (pace.runTime + AUTOSCALER_SECONDS + 2 * OVERHEAD_SECONDS + pace.warmUp) +
    (pace.floor ? RATE_SHARES.length * stepSeconds(pace) + OVERHEAD_SECONDS : 0),

  async run(context) {
    const { settings, place } = context;
    const limits = limitsOfNodes(context);
    const seconds = Math.floor(settings.pace.runTime / RATE_SHARES.length);
    const users = usersOfRate(settings);
    const steps = RATE_SHARES.map((share) => ({ seconds, users, rate: wholeRate(share * limits.bound) }));
    const { replicas } = place;
    const targets = settings.quick ? SERVER_NAMES : this.targets;
    for (const target of place.interfaces.filter((each) => !targets.includes(each))) {
      leaveOut(context, `autoscale: ${INTERFACES[target].name}; --quick measures one interface of each server.`);
    }
    await measureInTurns(
      { ...context, limits },
      { name: this.name, targets },
      {
        trials: settings.pace.trials,
        scaling: 'auto',
        ...(replicas && { replicas }),
        steps,
      },
    );
    if (settings.pace.floor) await askAtSharedRates({ ...context, limits }, targets, steps);
    return {};
  },
} as const satisfies Experiment;

/**
 * Offers the rates that all targets are asked at to the bare server too, which shows how much of each latency is the load
 * generator's own.
 */
async function askAtSharedRates(context: Context, targets: readonly Interface[], steps: Step[]): Promise<void> {
  const { place, limits, settings } = context;
  const asked = place.interfaces.filter((target) => targets.includes(target));
  const shared = asked
    .reduce((sent, target) => withinLimits(sent, limits.targets.get(target)), steps)
    .map((step) => ({ ...step, seconds: Math.min(step.seconds, stepSeconds(settings.pace)) }));
  if (shared.length === 0) return;
  for (const target of asked) await askBareServer(context, 'scaling', target, shared);
}

/** Lowers the limits to the rates at which the nodes have enough CPU for the load generator and for the target. */
function limitsOfNodes({ place, settings, progress, limits, capacities }: Context): Limits {
  const targets = new Map(
    [...limits.targets].map(([target, its]) => {
      const capacity = median([...(capacities.get(target) ?? [])]);
      const cost = place.servers.includes(INTERFACES[target].server)
        ? (EVEN_RATE_COST * quantity(settings.cpuLimit)) / capacity
        : 0;
      const cpuSeconds = its.cpuSeconds + cost;
      const open = Math.min(its.open, (CPU_SHARE * place.cpus) / cpuSeconds);
      progress.say(
        `autoscale: at most ${open.toFixed(0)} requests/s to ${INTERFACES[target].name}, for which the load generator ` +
          `and it need ${(open * cpuSeconds).toFixed(2)} of the ${place.cpus.toFixed(1)} CPUs.`,
      );
      return [target, { ...its, open }];
    }),
  );
  return { targets, bound: boundOf(targets) };
}
