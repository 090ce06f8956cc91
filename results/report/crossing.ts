// Which target, when: the batch size from which on one is cheaper, or faster, than another.

import { sum } from 'simple-statistics';
import type { Row } from '../files.ts';
import { quantity } from '../quantity.ts';
import { counted, interval, list, number } from './format.ts';
import { countingOf, cpuLimitOf, cpuOf, latencyOf, type Part } from './measurements.ts';
import type { Side, Sides } from './sides.ts';
import { percentile, ratioOf, withInterval, type Estimate, type Histogram, type Pair } from './statistics.ts';

/** How one side compares with the baseline over all measured sizes of a request. */
export interface Crossing {
  other: Side;
  measure: 'cpu_per_value' | 'median_latency';
  /** The values in a request from which on another side is better than below; undefined where there is no such size. */
  size: Estimate | undefined;
  /** What that means, in a sentence. */
  sentence: string;
}

/** What a trial has at each size. */
type BySize<Datum> = ReadonlyMap<number, Datum>;

interface Measure<Datum> {
  key: Crossing['measure'];
  /** What the better side does, such as `needs less CPU a value`. */
  verb: string;
  take: (part: Part) => BySize<Datum>;
  /** Less is better; of the trials together. */
  statistic: (data: readonly Datum[]) => number;
}

interface Cpu {
  seconds: number;
  values: number;
}

/** Of the experiment `batch`: two for each other side whose trials count, by CPU and by latency. */
export function crossingsOf(sides: Sides): Crossing[] {
  const [baseline, ...others] = sides;
  const cpu: Measure<Cpu> = {
    key: 'cpu_per_value',
    verb: 'needs less CPU a value',
    take: cpuTaker(sides),
    statistic: cpuPerValue,
  };
  const latency: Measure<Histogram> = {
    key: 'median_latency',
    verb: 'has a lower median latency',
    take: (part) => bySize(part, ({ step }) => latencyOf(part, step)),
    statistic: (histograms) => percentile(histograms, 0.5),
  };
  return others.flatMap((other) => [...crossing([baseline, other], cpu), ...crossing([baseline, other], latency)]);
}

/** CPU seconds of each value. */
export function cpuPerValue(data: readonly Cpu[]): number {
  return sum(data.map(({ seconds }) => seconds)) / sum(data.map(({ values }) => values));
}

/**
 * What takes the CPU, and the values that it was for, out of a trial: by the pods' counters. Where they were not read
 * twice in each step of all sides, a replica counts as if it used all of its CPU limit.
 */
export function cpuTaker(sides: Sides): (part: Part) => BySize<Cpu> {
  if (hasCounters(sides)) {
    return (part) =>
      bySize(part, (step) => {
        const { seconds, requests } = cpuOf(part, [step]);
        return { seconds, values: requests * step.batch };
      });
  }
  return (part) =>
    bySize(part, ({ batch, requests, failures, start_s, end_s }) => {
      const limit = cpuLimitOf(part.environment, part.target, 'one');
      const seconds = (end_s - start_s) * (limit === undefined ? NaN : quantity(limit));
      return { seconds, values: (requests - failures) * batch };
    });
}

/** Whether each step of the experiment has two readings of its pod's CPU. */
export function hasCounters(sides: Sides): boolean {
  const parts = sides.flatMap((side) => countingOf(side, 'batch'));
  return parts.every((part) => part.read('steps').every((step) => Number.isFinite(cpuOf(part, [step]).seconds)));
}

function bySize<Datum>(part: Part, tell: (step: Row<'steps'>) => Datum): BySize<Datum> {
  return new Map(part.read('steps').map((step) => [step.batch, tell(step)]));
}

function crossing<Datum>([baseline, other]: Pair<Side>, measure: Measure<Datum>): Crossing[] {
  const { key, verb, take, statistic } = measure;
  const theirs = countingOf(other, 'batch');
  const pairs = countingOf(baseline, 'batch').flatMap((part) => {
    const partner = theirs.find(({ trial }) => trial === part.trial);
    return partner ? [[take(part), take(partner)] as const] : [];
  });
  const [first] = pairs;
  const sizes = [...(first?.[0].keys() ?? [])]
    .filter((size) => pairs.flat().every((trial) => trial.has(size)))
    .sort((a, b) => a - b);
  const at = (size: number) => (trials: readonly BySize<Datum>[]) =>
    statistic(trials.flatMap((trial) => trial.get(size) ?? []));
  const ratios = sizes.map((size) => ratioOf(pairs, at(size)));
  const [least, most] = [sizes.at(0), sizes.at(-1)];
  if (least === undefined || most === undefined || sizes.length < 2 || !ratios.every((ratio) => ratio)) return [];

  const isBetter = ratios.map((ratio) => (ratio?.value ?? NaN) < 1);
  const changes = isBetter.filter((is, index) => index > 0 && is !== isBetter[index - 1]).length;
  const [winner, loser] = isBetter.at(-1) ? [baseline, other] : [other, baseline];
  const better = `${winner.name} ${verb} than ${loser.name}`;
  const told = (size: Estimate | undefined, sentence: string) => [{ other, measure: key, size, sentence }];
  if (changes > 1) {
    const between = `${number(least)} and ${number(most)} values a request`;
    return told(
      undefined,
      `Which of ${baseline.name} and ${other.name} ${verb} changes more than once between ${between}.`,
    );
  }
  if (changes === 0) {
    const unsure = sizes.filter((_, index) => {
      const { low = 0, high = 0 } = ratios[index]?.interval ?? {};
      return low <= 1 && high >= 1;
    });
    const but = unsure.length > 0 ? `; at ${list(unsure)} the trials don’t show it beyond doubt` : '';
    const isOne = pairs.length === 1 ? ' (one trial, so there is no interval)' : '';
    return told(
      undefined,
      `At every measured size, ${number(least)} to ${number(most)} values a request, ${better}${isOne}${but}.`,
    );
  }
  const size = withInterval(pairs, (some) => {
    const logs = sizes.map((each) =>
      Math.log(at(each)(some.map(([one]) => one)) / at(each)(some.map(([, its]) => its))),
    );
    return crossingPoint(sizes, logs);
  });
  if (!size) return [];
  const sure = size.interval
    ? `95 % interval ${interval(size.interval, about)}`
    : pairs.length === 1
      ? 'one trial, so there is no interval'
      : `not each of ${counted(pairs.length, 'trial')} shows it, so there is no interval`;
  return told(size, `From about ${about(size.value)} values a request on, ${better} (${sure}).`);
}

/**
 * The size at which the logarithms of ratios cross 0, where they do so once: on the line between the two measured sizes
 * around it, in logarithms of both. NaN where they cross 0 never or more than once.
 */
function crossingPoint(sizes: readonly number[], logs: readonly number[]): number {
  const points = sizes.slice(1).flatMap((size, index) => {
    const [before = NaN, here = NaN, least = NaN] = [logs[index], logs[index + 1], sizes[index]];
    return before < 0 === here < 0 ? [] : [least * (size / least) ** (before / (before - here))];
  });
  const [point = NaN] = points;
  return points.length === 1 ? point : NaN;
}

const ABOUT = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 });

function about(size: number): string {
  return ABOUT.format(size);
}
