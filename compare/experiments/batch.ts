// Sends more and more values in a request to one replica.

import { min } from 'simple-statistics';
import { INTERFACE_NAMES } from '../../results/files.ts';
import type { Step } from '../place.ts';
import { rowsOf } from '../run/files.ts';
import { INTERFACES } from '../servers/index.ts';
import { SETTLE_SECONDS } from '../settings.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment } from './experiment.ts';
import { RATE_USERS, wholeRate } from './limits.ts';
import { measureInTurns, prepare, usersOf } from './measure.ts';
import { throughputOf } from './verdicts.ts';

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

/** What each target answers at each size, from a few users who ask again at once, in requests/s. Nothing of it is kept. */
async function throughputs(context: Context): Promise<number[][]> {
  const { place, settings, progress } = context;
  const users = usersOf(settings);
  const all: number[][] = [];
  for (const target of place.interfaces) {
    await prepare(context, target, 'one');
    const steps = settings.pace.batches.map((values) => ({ seconds: PROBE_SECONDS, users, batch: values }));
    progress.begin(
      `batch: what ${INTERFACES[target].name} can answer`,
      OVERHEAD_SECONDS + PROBE_SECONDS * steps.length,
    );
    const files = await place.load({ target, steps, settleSeconds: SETTLE_SECONDS, seed: settings.seed });
    all.push(rowsOf(files, target, 'steps').map(throughputOf));
  }
  return all;
}
