// Sends more and more values in a request to one replica.

import { min } from 'simple-statistics';
import { INTERFACE_NAMES } from '../../results/files.ts';
import { throughputOf } from '../../results/sweep.ts';
import type { Step } from '../place.ts';
import { rowsOf } from '../run/files.ts';
import { SETTLE_SECONDS } from '../settings.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment } from './experiment.ts';
import { RATE_USERS, wholeRate } from './limits.ts';
import { measureInTurns, probe, usersOf } from './measure.ts';

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
  targets: INTERFACE_NAMES,
  needs: ['calibrate'],
  quick: true,
  fits: () => true,
  seconds: ({ pace }) =>
    pace.batches.length * (PROBE_SECONDS + pace.trials * pace.batchStep) + (1 + pace.trials) * OVERHEAD_SECONDS,

  async run(context) {
    const { batches, batchStep: seconds, trials } = context.settings.pace;
    const answered = await throughputs(context);
    const steps = batches.map((values, index): Step => {
      const slowest = min(answered.map((throughput) => throughput[index] ?? 0));
      return { seconds, users: RATE_USERS, rate: wholeRate(RATE_SHARE * slowest), batch: values };
    });
    await measureInTurns(context, this, { trials, scaling: 'one', steps });
    return {};
  },
} as const satisfies Experiment;

/** What each target answers at each size, from a few users who ask again at once, in requests/s. */
async function throughputs(context: Context): Promise<number[][]> {
  const { place, settings } = context;
  const users = usersOf(settings);
  const steps = settings.pace.batches.map((values) => ({ seconds: PROBE_SECONDS, users, batch: values }));
  const all: number[][] = [];
  for (const target of place.interfaces) {
    const files = await probe(context, { doing: 'batch: what each size takes', target, steps });
    all.push(rowsOf(files, target, 'steps').map((step) => throughputOf([step])));
  }
  return all;
}
