// One second of a load: what a target can serve, and the requests of a second, drawn from what is true of the target.

import { min, sum } from 'simple-statistics';
import type { Step } from '../../../loadtest/compare/place.ts';
import type { Target } from '../../files.ts';
import { rounded, type Draws } from './draws.ts';
import type { ExperimentName } from '../../../loadtest/compare/experiments/index.ts';
import type { Truth } from './options.ts';

/** Requests/s that the load generator can send at most, in each target's form. */
export const CEILINGS: Record<Target, number> = { function: 8100, tfserving: 7600 };
/** Width of what latencies are counted by, µs. */
export const BUCKET_US = 10;
/** CPU of each further value of a request, µs. */
const MICROSECONDS_PER_VALUE: Record<Target, number> = { function: 0.2, tfserving: 0.26 };
/** By how much more CPU a replica may use in `autoscale` than in all other experiments: 500m, and 200m. */
const AUTOSCALE_CPU = 2.5;

/** One load of one target. */
export interface Load {
  experiment: Exclude<ExperimentName, 'coldstart' | 'scale-from-zero'>;
  target: Target;
  /** What is true in this trial. */
  truth: Truth;
  /** First seconds of each step that are not measured. */
  settle: number;
  /** On one machine, where nothing scales. */
  isLocal: boolean;
  /** Unix time. */
  start: number;
  draws: Draws;
}

/** What the load generator does in a second. */
export interface Phase {
  users: number;
  /** Nothing while the first users start. */
  sends: Step | undefined;
  /** Number of the step, if the second is measured. */
  step: number | undefined;
}

/** A replica that answers. */
export interface Ready {
  appId: string;
  /** Unix time. */
  readyAt: number;
}

export const TIMES = ['service ok', 'service failed', 'response ok', 'response failed'] as const;

/** What ended in a second. */
export interface Second extends Pick<Phase, 'users' | 'step'> {
  time: number;
  batch: number;
  /** Lower ends of buckets in µs, sorted; of `response` only where a rate is offered. */
  times: Record<(typeof TIMES)[number], Int32Array>;
  /** All of `service`, sorted. */
  all: Int32Array;
  /** By app id. */
  answers: Map<string, number>;
  generator: { cores: number; lagMs: number };
}

export function drawSecond(load: Load, time: number, { users, sends, step }: Phase, ready: Ready[]): Second {
  const { draws, truth, target } = load;
  const { rate, median } = sends ? serve(load, sends, ready.length) : { rate: 0, median: 0 };
  const isScheduled = sends?.rate !== undefined;
  const count = Math.round(rate * (1 + (isScheduled ? 0.002 : 0.01) * draws.normal()));
  const all = new Int32Array(count);
  const late = new Int32Array(isScheduled ? count : 0);
  for (let index = 0; index < count; index++) {
    const microseconds = median * Math.exp(truth.latencyMicroseconds.sigma * draws.normal());
    all[index] = bucket(microseconds);
    // The load generator sends some a little later than it should.
    if (isScheduled) late[index] = bucket(microseconds + 0.1 * median * draws.uniform());
  }
  const failures = Math.floor(count * truth.failureShare + draws.uniform());
  const times = {
    'service ok': all.slice(failures).sort(),
    'service failed': all.slice(0, failures).sort(),
    'response ok': late.slice(failures).sort(),
    'response failed': late.slice(0, failures).sort(),
  };
  const share = count / CEILINGS[target];
  const generator = {
    cores: rounded(0.015 + 0.965 * share * (1 + 0.01 * draws.normal()), 4),
    lagMs: rounded((0.4 + 6 * share) * draws.factor(0.5), 3),
  };
  const answers = answersOf(draws, time, count - failures, ready);
  return { time, users, step, batch: sends?.batch ?? 1, times, all: all.sort(), answers, generator };
}

/** What is to be expected of a step: requests/s, and the median of their times in µs. */
export function serve(
  load: Load,
  { users, rate, batch = 1 }: Step,
  replicas: number,
): { rate: number; median: number } {
  const { cpuMicroseconds, latencyMicroseconds, capacity } = load.truth;
  const { median, sigma } = latencyMicroseconds;
  if (rate === undefined) {
    // Users ask again at once: as many requests as they can wait for, or as the replica can answer; between is a knee.
    const mean = median * Math.exp(sigma ** 2 / 2) + cpuOf(load, batch) - cpuMicroseconds;
    const busy = (1e6 / capacity) * (cpuOf(load, batch) / cpuMicroseconds);
    const each = ((mean / users) ** 4 + busy ** 4) ** 0.25;
    return { rate: 1e6 / each, median: (users * each) / Math.exp(sigma ** 2 / 2) };
  }
  if (load.experiment !== 'autoscale') return { rate, median };
  // The more of the CPU limit they need, the longer they wait for it.
  const share = min([0.9, rate / (replicas * capacity * AUTOSCALE_CPU)]);
  return { rate, median: median / (1 - share) };
}

/** CPU of a request, µs. */
export function cpuOf({ target, truth }: Load, batch: number): number {
  return truth.cpuMicroseconds + MICROSECONDS_PER_VALUE[target] * (batch - 1);
}

function bucket(microseconds: number): number {
  return BUCKET_US * Math.floor(microseconds / BUCKET_US);
}

/** A new replica has its share only after some seconds, when users have taken new connections. */
function answersOf(draws: Draws, time: number, count: number, ready: Ready[]): Map<string, number> {
  const weights = ready.map(({ readyAt }) => min([1, (time - readyAt + 1) / 4]) * draws.factor(0.04));
  const answers = new Map<string, number>();
  let [left, weight] = [count, sum(weights)];
  ready.forEach(({ appId }, index) => {
    const its = Math.round((left * (weights[index] ?? 0)) / weight);
    if (its > 0) answers.set(appId, its);
    left -= its;
    weight -= weights[index] ?? 0;
  });
  return answers;
}

export function failuresOf({ times }: Second): number {
  return times['service failed'].length;
}

export function total(seconds: Second[], amount: (second: Second) => number): number {
  return sum([0, ...seconds.map(amount)]);
}
