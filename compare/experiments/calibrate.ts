// Finds out how much the load generator can send to the bare server, with each target's form of request.

import { min, sum } from 'simple-statistics';
import { Failure } from '../../lib/failure.ts';
import { CALIBRATIONS, type Calibration, type Interface, type Verdict } from '../../results/files.ts';
import type { Step } from '../place.ts';
import { rowsOf, type Files, verdictOf } from '../run/files.ts';
import { interfaceOf } from '../servers/comparison.ts';
import { SETTLE_SECONDS, type Settings } from '../settings.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment } from './experiment.ts';
import { boundOf, openCeiling, RATE_USERS, wholeRate } from './limits.ts';
import { whyFailed } from './verdicts.ts';

/** The load generator sends at most this share of its ceiling, so that the target is measured and not Locust. */
const BOUND_SHARE = 0.8;
/** The rates at which the open loop is calibrated, as shares of the closed loop's throughput. */
const CEILING_SHARES = [1 / 3, 2 / 3, 1];
const LOWEST_SHARE = min(CEILING_SHARES);
/** The shortest step that shows whether a rate is sustained, in seconds without the settling time. */
const SHORTEST_STEP = 4;
/**
 * The largest share of requests to the bare server that may fail. It is asked for more than it can answer, and may miss a
 * probe and leave its Service for a moment.
 */
const MOST_FAILED = 0.01;
/** What each of the trials finds out. */
const FINDS: Record<Calibration, string> = {
  closed: 'what the load generator can send in a closed loop',
  open: 'what the load generator can send at an offered rate',
  floor: 'what the load generator itself takes at the rates of sweep',
  scaling: 'what the load generator itself takes at the rates of autoscale',
};

/**
 * It measures the closed loop first, and then the open loop, which needs more CPU for each request. The load generator may
 * judge these loads INVALID, as it may be the bottleneck; here that is the purpose.
 */
export const calibrate = {
  name: 'calibrate',
  about: 'the most that the load generator can send, measured on a bare server',
  needs: [],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) => (1 + CEILING_SHARES.length / 2) * pace.calibrate + 2 * OVERHEAD_SECONDS,

  async run(context) {
    const { place, settings, progress, folder } = context;
    const { calibrate: seconds } = settings.pace;
    const closed: Record<string, number> = {};
    const open: Record<string, { rate: number; cpuSeconds: number }> = {};
    for (const target of place.interfaces) {
      const { throughput } = (await askBareServer(context, 'closed', target, [{ seconds, users: RATE_USERS }])).verdict;
      closed[target] = throughput;
      const half = stepSeconds(settings.pace);
      // On a busy machine not even the lowest rate may be sustained. The next attempt then has it as its highest rate.
      for (let highest = throughput; !open[target]; highest *= LOWEST_SHARE) {
        const steps = CEILING_SHARES.map((share) => ({
          seconds: half,
          users: RATE_USERS,
          rate: wholeRate(share * highest),
        }));
        const { files, verdict } = await askBareServer(context, 'open', target, steps);
        try {
          open[target] = openCeiling(rowsOf(files, target, 'steps'), rowsOf(files, target, 'generator'), verdict);
        } catch (error) {
          if (!(error instanceof Failure) || highest < throughput * LOWEST_SHARE) throw error;
          progress.say(error.message, 'warning');
        }
      }
    }
    const targets = new Map(
      place.interfaces.map((target) => {
        const { rate = 0, cpuSeconds = 0 } = open[target] ?? {};
        return [target, { open: BOUND_SHARE * rate, cpuSeconds }];
      }),
    );
    const bound = boundOf(targets, settings.comparison);
    const openRequestsPerSecond = Object.fromEntries(Object.entries(open).map(([target, { rate }]) => [target, rate]));
    folder.add({ ceiling: { requestsPerSecond: closed, openRequestsPerSecond, bound, share: BOUND_SHARE } });
    for (const [target, { open, cpuSeconds }] of targets) {
      progress.say(
        `The load generator can send ${(open / BOUND_SHARE).toFixed(0)} requests/s in an open loop here, in the form of ` +
          `${interfaceOf(settings.comparison, target).name}; at most ${open.toFixed(0)} are asked of it, for which it needs ` +
          `${(open * cpuSeconds).toFixed(2)} of the ${place.cpus.toFixed(1)} CPUs.`,
      );
    }
    return { limits: { bound, targets } };
  },
} as const satisfies Experiment;

/** How long each of several rates is offered to the bare server, in seconds. */
export function stepSeconds({ calibrate }: Settings['pace']): number {
  return Math.max(SETTLE_SECONDS + SHORTEST_STEP, Math.ceil(calibrate / 2));
}

/**
 * Loads the bare server with a target's form of request, and writes the results.
 * @throws Failure if more than a few requests fail
 */
export async function askBareServer(
  { place, settings, progress, folder }: Context,
  calibration: Calibration,
  target: Interface,
  steps: Step[],
): Promise<{ files: Files; verdict: Verdict }> {
  progress.begin(
    `calibrate: ${FINDS[calibration]} in the form of ${interfaceOf(settings.comparison, target).name}`,
    OVERHEAD_SECONDS + sum(steps.map(({ seconds }) => seconds)),
  );
  const files = await place.load({
    target,
    steps,
    settleSeconds: SETTLE_SECONDS,
    seed: settings.seed,
    toBareServer: true,
  });
  folder.write('calibrate', CALIBRATIONS[calibration], files);
  const verdict = verdictOf(files, target);
  if (verdict.throughput > 0 && verdict.failures <= MOST_FAILED * verdict.requests) return { files, verdict };
  const failed = sum(rowsOf(files, target, 'failures').map((row) => row.Occurrences));
  const what = failed > 0 ? `${failed} requests to a bare server failed` : 'no request to a bare server came to an end';
  throw new Failure(`calibrate: nothing can be measured, as ${what}${whyFailed(files, target)}.`);
}
