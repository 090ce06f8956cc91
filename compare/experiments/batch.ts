// Sends more and more values in a request to one replica.

import { min } from 'simple-statistics';
import type { Interface } from '../../results/files.ts';
import { throughputOf } from '../../results/sweep.ts';
import type { Step } from '../place.ts';
import { rowsOf } from '../run/files.ts';
import { SETTLE_SECONDS } from '../settings.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment } from './experiment.ts';
import { RATE_USERS, wholeRate } from './limits.ts';
import { interfaceOf } from '../servers/comparison.ts';
import { leaveOut, measureInTurns, probe, usersOf } from './measure.ts';

/**
 * The share of what the slowest target can answer at which all targets are asked. They do the same work then, so that the
 * CPU of a value and the latency can be compared, and each has room: the target, and the load generator.
 */
const RATE_SHARE = 0.5;
/** The length of a step that finds out what a target can answer, in seconds. */
const PROBE_SECONDS = SETTLE_SECONDS + 2;

export const batch = {
  name: 'batch',
  about: 'CPU and latency of one replica, with 1 to 10 000 values in a request',
  needs: ['calibrate'],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) =>
    pace.batches.length * (PROBE_SECONDS + pace.trials * pace.batchStep) + (1 + pace.trials) * OVERHEAD_SECONDS,

  async run(context) {
    const { place, settings } = context;
    const { batches, batchStep: seconds, trials } = settings.pace;
    const single = place.interfaces.filter((target) => !takesMany(context, target));
    for (const target of single) {
      const { name } = interfaceOf(settings.comparison, target);
      leaveOut(context, `batch: more than one value in a request to ${name}, which takes one.`);
    }
    if (single.length === place.interfaces.length) return {};
    const answered = await throughputs(context);
    const steps = batches.map((values, index): Step => {
      const slowest = min(answered.flatMap((throughput) => throughput[index] ?? []));
      return { seconds, users: RATE_USERS, rate: wholeRate(RATE_SHARE * slowest), batch: values };
    });
    await measureInTurns(
      context,
      { name: 'batch', targets: place.interfaces },
      { trials, scaling: 'one', steps },
      {
        stepsOf: (target) => steps.filter(({ batch }) => batch === 1 || takesMany(context, target)),
      },
    );
    return {};
  },
} as const satisfies Experiment;

function takesMany({ settings }: Context, target: Interface): boolean {
  return interfaceOf(settings.comparison, target).asks.many !== undefined;
}

/** What each target answers at each size that it takes, one after another, from a few users who ask again at once, in requests/s. */
async function throughputs(context: Context): Promise<number[][]> {
  const { place, settings } = context;
  const users = usersOf(settings);
  const steps = settings.pace.batches.map((values) => ({ seconds: PROBE_SECONDS, users, batch: values }));
  const all: number[][] = [];
  for (const target of place.interfaces) {
    const taken = steps.filter(({ batch }) => batch === 1 || takesMany(context, target));
    const files = await probe(context, { doing: 'batch: what each size takes', target, steps: taken });
    all.push(rowsOf(files, target, 'steps').map((step) => throughputOf([step])));
  }
  return all;
}
