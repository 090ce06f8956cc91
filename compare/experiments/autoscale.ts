// Raises the rate step by step, equally for all targets, with the autoscaler on.

import { max, min, sum } from 'simple-statistics';
import type { Interface } from '../../results/files.ts';
import { cpuAbout, sustainedRates, type SweepFiles } from '../../results/sweep.ts';
import type { Step } from '../place.ts';
import { interfaceOf } from '../servers/comparison.ts';
import { askBareServer, stepSeconds } from './calibrate.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment, type Limits } from './experiment.ts';
import { boundOf, RATE_USERS, wholeRate, withinLimits } from './limits.ts';
import { leaveOut, measureInTurns } from './measure.ts';

const RATE_SHARES = [0.25, 0.5, 0.75, 1];
/** The highest share of all CPUs that the load generator and a target may need together. Kubernetes needs some, too. */
const CPU_SHARE = 0.8;
/** Roughly how long an autoscaler takes until it has a reading of an idle replica. */
const AUTOSCALER_SECONDS = 50;

export const autoscale = {
  name: 'autoscale',
  about: 'replicas and latency at rising rates, the same for all, with the autoscaler on',
  needs: ['calibrate', 'sweep'],
  quick: true,
  fits: ({ scales }) => scales,
  seconds: ({ pace }) =>
    pace.trials * (pace.runTime + AUTOSCALER_SECONDS + 2 * OVERHEAD_SECONDS + pace.warmUp) +
    (pace.isThorough ? RATE_SHARES.length * stepSeconds(pace) + OVERHEAD_SECONDS : 0),

  async run(context) {
    const { settings, place } = context;
    const limits = limitsOfNodes(context);
    const seconds = Math.floor(settings.pace.runTime / RATE_SHARES.length);
    const steps = RATE_SHARES.map((share) => ({ seconds, users: RATE_USERS, rate: wholeRate(share * limits.bound) }));
    const { replicas } = place;
    const { servers, interfaces } = settings.comparison;
    // The first interface of a server has its key.
    const targets = [...interfaces.keys()].filter((target) => !settings.quick || servers.has(target));
    for (const target of place.interfaces.filter((each) => !targets.includes(each))) {
      leaveOut(
        context,
        `autoscale: ${interfaceOf(settings.comparison, target).name}; --quick measures one interface of each server.`,
      );
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
    if (settings.pace.isThorough) await askAtSharedRates({ ...context, limits }, targets, steps);
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
function limitsOfNodes({ place, settings, progress, limits, sweeps }: Context): Limits {
  const targets = new Map(
    [...limits.targets].map(([target, its]) => {
      const sweep = sweeps.get(target) ?? [];
      const cpusAt = (rate: number) => rate * (its.cpuSeconds + cpuOfRequest(sweep, rate / (place.replicas?.max ?? 1)));
      const open = highestWithin(its.open, (rate) => cpusAt(rate) <= CPU_SHARE * place.cpus);
      progress.say(
        `autoscale: at most ${open.toFixed(0)} requests/s to ${interfaceOf(settings.comparison, target).name}, for which the load generator ` +
          `and it need ${cpusAt(open).toFixed(2)} of the ${place.cpus.toFixed(1)} CPUs.`,
      );
      return [target, { ...its, open }];
    }),
  );
  return { targets, bound: boundOf(targets, settings.comparison) };
}

/**
 * CPU seconds that a replica needs for a request at a rate, as the sweep measured it; 0 where nothing counts its CPU.
 * @param rate of one replica; beyond the rates that it sustained, the nearest of them counts
 */
function cpuOfRequest(sweep: readonly SweepFiles[], rate: number): number {
  const rates = sweep.flatMap(({ steps }) => sustainedRates(steps));
  if (rates.length === 0) return 0;
  const measured = Math.min(Math.max(rate, min(rates)), max(rates));
  const known = sweep.map((each) => cpuAbout(each, measured)).filter(({ seconds }) => Number.isFinite(seconds));
  return sum(known.map(({ seconds }) => seconds)) / Math.max(1, sum(known.map(({ requests }) => requests)));
}

/** The highest rate up to a limit that fits, to one request/s, if all lower ones fit as well. */
function highestWithin(limit: number, fits: (rate: number) => boolean): number {
  if (fits(limit)) return limit;
  let [low, high] = [0, limit];
  while (high - low > 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
