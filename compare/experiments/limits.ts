// What can be offered to a target here: the limits of the load generator, and the rates that keep to them.

import { max, median, min, sum } from 'simple-statistics';
import { Failure } from '../../lib/failure.ts';
import type { Row, Interface, Verdict } from '../../results/files.ts';
import type { Step } from '../place.ts';
import { interfaceOf, type Comparison } from '../servers/comparison.ts';
import type { GeneratorLimits, Limits } from './experiment.ts';

/** A process of the load generator is the bottleneck above this share of its CPU limit (`f2c_loadtest/verdict.py`). */
const MOST_CPU_SHARE = 0.9;
/** A rate is not sustained if it is missed by more than this share (`f2c_loadtest/verdict.py`). */
const MOST_RATE_ERROR = 0.02;
/**
 * Requests come at random instants, so that their number is Poisson distributed: its variance is its mean. Only what is
 * missed by more than this number of standard deviations is missed.
 */
const DEVIATIONS = 3;

/**
 * Finds what the load generator can send in the open loop. This is the rate at which its busiest process becomes the
 * bottleneck, interpolated linearly between two steps, or the highest rate if the generator sustained all of them.
 * @param steps steps with rising rates, against a server that is no bottleneck
 * @returns the rate in requests/s, and the CPU seconds that all processes together need for a request at that rate
 * @throws Failure if not even the lowest rate was sustained
 */
export function openCeiling(
  steps: readonly Row<'steps'>[],
  samples: readonly Row<'generator'>[],
  { generator: { limitCores } }: Pick<Verdict, 'generator'>,
): { rate: number; cpuSeconds: number } {
  const limit = MOST_CPU_SHARE * limitCores;
  let sustained = { rate: 0, busiest: 0, cores: 0 };
  for (const { offered_rate, requests, start_s, end_s } of steps) {
    const rate = requests / (end_s - start_s);
    const within = samples.filter(({ timestamp_s }) => timestamp_s >= start_s && timestamp_s < end_s);
    const cores = Object.values(Object.groupBy(within, (sample) => sample.process)).map((its = []) =>
      median(its.map(({ cpu_cores }) => cpu_cores)),
    );
    const step = { rate, busiest: max([0, ...cores]), cores: sum(cores) };
    if (step.busiest > limit) {
      const share = (limit - sustained.busiest) / (step.busiest - sustained.busiest);
      const between = (one: number, other: number) => one + share * (other - one);
      sustained = { rate: between(sustained.rate, rate), busiest: limit, cores: between(sustained.cores, step.cores) };
      break;
    }
    // What came late in the step before may be answered in this one, so that more than was offered is no miss.
    const offered = (offered_rate ?? 0) * (end_s - start_s);
    if (requests < offered * (1 - MOST_RATE_ERROR) - DEVIATIONS * Math.sqrt(offered)) break;
    sustained = step;
  }
  if (sustained.rate > 0) return { rate: sustained.rate, cpuSeconds: sustained.cores / sustained.rate };
  throw new Failure(
    `calibrate: the load generator could not even send ${steps[0]?.offered_rate ?? 0} requests/s to a bare server: ` +
      'give it more CPU, or a machine that has less to do.',
  );
}

/** The steps whose rate is not too high for what the load generator can send to a target. */
export function withinLimits(steps: readonly Step[], limits: GeneratorLimits | undefined): Step[] {
  return steps.filter(({ rate = 0 }) => rate <= (limits?.open ?? Infinity));
}

/** The users that share a rate at first: enough to send on time while some answers are slow. */
export const RATE_USERS = 32;

/**
 * Returns the rate to which all targets of the first one's protocol can be asked. The load generator may need more CPU for
 * another protocol, whose targets then get fewer of the rates.
 */
export function boundOf(targets: Limits['targets'], comparison: Comparison): number {
  const [first] = targets.keys();
  const protocolOf = (target: Interface) => interfaceOf(comparison, target).protocol;
  return min(
    [...targets].filter(([target]) => first && protocolOf(target) === protocolOf(first)).map(([, { open }]) => open),
  );
}

/** Rounds a rate down to a whole number, which is at least 1. */
export function wholeRate(rate: number): number {
  return max([1, Math.floor(rate)]);
}
