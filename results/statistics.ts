// Computes percentiles of merged histograms, and ratios of two targets with their intervals.

import jstat from 'jstat';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { probit, quantileSorted, standardDeviation } from 'simple-statistics';

/** The share of intervals that contain the true value. */
export const CONFIDENCE = 0.95;
const TAIL = (1 - CONFIDENCE) / 2;

export interface Interval {
  low: number;
  high: number;
}

/** Latencies by bucket; a list of histograms stands for their sum. */
export interface Histogram {
  /** Lower ends of the buckets in µs, rising. */
  buckets: readonly number[];
  /** Requests up to and with each bucket. */
  cumulative: readonly number[];
}

export function histogramOf(rows: readonly { latency_us: number; count: number }[]): Histogram {
  const counts = new Map<number, number>();
  for (const { latency_us, count } of rows) counts.set(latency_us, (counts.get(latency_us) ?? 0) + count);
  const buckets = [...counts.keys()].sort((a, b) => a - b);
  let total = 0;
  return { buckets, cumulative: buckets.map((bucket) => (total += counts.get(bucket) ?? 0)) };
}

export function countOf(histograms: readonly Histogram[]): number {
  return histograms.reduce((total, { cumulative }) => total + (cumulative.at(-1) ?? 0), 0);
}

/**
 * The percentile in µs: the lower end of the first bucket at which the cumulative count reaches this share of requests.
 * `f2c_loadtest/recorder.py` computes it in the same way. NaN without requests.
 */
export function percentile(histograms: readonly Histogram[], share: number): number {
  return atRank(histograms, Math.max(1, Math.ceil(share * countOf(histograms))));
}

/**
 * The interval of a percentile by order statistics: how many of n requests lie below the true percentile is binomial,
 * here by its normal approximation, so that two ranks enclose it (David and Nagaraja, Order Statistics, 7.1).
 * @returns µs; undefined where there are too few requests for either rank
 */
export function percentileInterval(histograms: readonly Histogram[], share: number): Interval | undefined {
  const n = countOf(histograms);
  const reach = probit(1 - TAIL) * Math.sqrt(n * share * (1 - share));
  const [low, high] = [Math.floor(n * share - reach), Math.ceil(n * share + reach) + 1];
  if (low < 1 || high > n) return undefined;
  return { low: atRank(histograms, low), high: atRank(histograms, high) };
}

/** The latency in µs of the request with this rank; the fastest has rank 1. NaN without requests. */
export function atRank(histograms: readonly Histogram[], rank: number): number {
  const ends = histograms.flatMap(({ buckets }) => buckets.at(-1) ?? []);
  if (ends.length === 0) return NaN;
  // Bisects for the smallest latency with enough requests: merging would cost far more in a bootstrap.
  let [low, high] = [0, Math.max(...ends)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const upTo = histograms.reduce((total, histogram) => total + countUpTo(histogram, middle), 0);
    if (upTo >= rank) high = middle;
    else low = middle + 1;
  }
  return low;
}

function countUpTo({ buckets, cumulative }: Histogram, latency: number): number {
  let [low, high] = [0, buckets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((buckets[middle] ?? Infinity) <= latency) low = middle + 1;
    else high = middle;
  }
  return cumulative[low - 1] ?? 0;
}

export interface Estimate {
  value: number;
  /** The 95 % interval; undefined where it can't be told. */
  interval: Interval | undefined;
}

/** An estimate that the truth may lie beyond: above it or below it there was nothing more to measure with. */
export interface OneSided extends Estimate {
  /** Undefined of an estimate like any other. An interval ends at 0 or at infinity on the side that the truth may lie on. */
  bound?: 'at least' | 'at most' | undefined;
}

/** What one trial has measured of each of two targets. */
export type Pair<Trial> = readonly [one: Trial, other: Trial];

/** A bootstrap needs at least this many trials: resamples of fewer are too much alike. */
export const BOOTSTRAP_TRIALS = 6;
const RESAMPLES = 4000;
/** So that the same files give the same bytes. */
const SEED = 1;

/**
 * The statistic of all trials of the first target, divided by that of the second one. The statistic gets all trials
 * together, so that it can merge histograms: percentiles are never averaged.
 */
export function ratioOf<Trial>(
  pairs: readonly Pair<Trial>[],
  statistic: (trials: readonly Trial[]) => number,
): Estimate | undefined {
  return withInterval(pairs, (sample) => {
    return statistic(sample.map(([one]) => one)) / statistic(sample.map(([, other]) => other));
  });
}

/**
 * What a figure is for all pairs of trials together, with its interval over trials, which holds what differs from trial
 * to trial too. The figure is positive, such as a ratio; undefined where it is not.
 *
 * Six trials or more are bootstrapped: trials are drawn with replacement, in pairs, and the interval reaches over the
 * middle of the figures that come out. So few are narrower than the truth, therefore its share is larger than 95 % by
 * Student's t (Hesterberg, What Teachers Should Know About the Bootstrap, 2015, 5.2: expanded percentiles).
 * With two to five trials a bootstrap can cover 94 % at the very most, and 75 % with three, however it is done: the
 * interval is Student's, of the logarithms of the trials' own figures, around the figure of all.
 */
export function withInterval<Trial>(
  pairs: readonly Pair<Trial>[],
  figure: (sample: readonly Pair<Trial>[]) => number,
): Estimate | undefined {
  const value = figure(pairs);
  if (!Number.isFinite(value) || value <= 0) return undefined;
  if (pairs.length >= BOOTSTRAP_TRIALS) return { value, interval: bootstrap(pairs, figure) };
  const logs = pairs.map((pair) => Math.log(figure([pair])));
  if (pairs.length < 2 || !logs.every(Number.isFinite)) return { value, interval: undefined };
  const deviation = standardDeviation(logs) * Math.sqrt(logs.length / (logs.length - 1));
  const reach = (-studentT(logs.length) * deviation) / Math.sqrt(logs.length);
  return { value, interval: { low: value * Math.exp(-reach), high: value * Math.exp(reach) } };
}

function bootstrap<Trial>(
  pairs: readonly Pair<Trial>[],
  figure: (sample: readonly Pair<Trial>[]) => number,
): Interval | undefined {
  const generator = xoroshiro128plus(SEED);
  const draw = () => {
    const index = uniformInt(generator, 0, pairs.length - 1);
    return pairs.slice(index, index + 1);
  };
  const figures = Array.from({ length: RESAMPLES }, () => figure(pairs.flatMap(draw))).sort((a, b) => a - b);
  if (!figures.every(Number.isFinite)) return undefined;
  const n = pairs.length;
  const tail = jstat.normal.cdf(Math.sqrt(n / (n - 1)) * studentT(n), 0, 1);
  return { low: quantileSorted(figures, tail), high: quantileSorted(figures, 1 - tail) };
}

/** The lower tail of Student's t for the mean of n values. */
function studentT(n: number): number {
  return jstat.studentt.inv(TAIL, n - 1);
}
