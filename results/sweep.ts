// What a sweep over rates says of one target: its highest rate within a bound of latency, and anything at a rate between.

import { sum } from 'simple-statistics';
import type { Row } from './files.ts';
import { atRank, countOf, type Histogram } from './statistics.ts';

/** A value at an offered rate, which is in requests/s. */
export interface Point {
  rate: number;
  value: number;
}

/** @returns the value at a rate, linear between two points in logarithms of both; NaN outside of the points */
export function valueAt(points: readonly Point[], rate: number): number {
  const after = points.findIndex((point) => point.rate >= rate);
  const [before, next] = [points[after - 1], points[after]];
  if (!next || (!before && next.rate > rate)) return NaN;
  return before
    ? Math.exp(between([before.rate, next.rate], [before.value, next.value].map(Math.log), rate))
    : next.value;
}

/** A straight line through two points, over the logarithm of x. */
function between([x1, x2]: [number, number], [y1 = NaN, y2 = NaN]: number[], x: number): number {
  return y1 + ((y2 - y1) * Math.log(x / x1)) / Math.log(x2 / x1);
}

export interface RateWithin {
  /** In requests/s; 0 if not even the lowest rate is within the bound. */
  rate: number;
  /** Whether the highest rate that was offered is within the bound, so that there may be a higher one. */
  isAtLeast: boolean;
}

/**
 * The highest rate at which a latency stays below a bound. More load can't make a server faster: where a latency falls
 * as the rate rises, chance did it, and the mean of the logarithms takes the place of both (isotonic regression; Barlow
 * et al., Statistical Inference under Order Restrictions, 1972). Between the last rate within the bound and the first one
 * outside, the logarithm of the latency is linear in that of the rate. After the last rate that the target sustains
 * there is nothing to interpolate with: the latency of an overload lasts as long as the load.
 * @param latencies at rising rates; Infinity where the target did not sustain the rate, or too many requests failed
 * @param bound in the unit of the latencies
 */
export function rateWithin(latencies: readonly Point[], bound: number): RateWithin {
  const logarithms = rising(latencies.map(({ value }) => Math.log(value)));
  const within = logarithms.filter((logarithm) => logarithm < Math.log(bound)).length;
  const [last, next] = [latencies[within - 1], latencies[within]];
  if (!last) return { rate: 0, isAtLeast: false };
  if (!next) return { rate: last.rate, isAtLeast: true };
  const [y1 = NaN, y2 = NaN] = logarithms.slice(within - 1);
  const share = Number.isFinite(y2) ? (Math.log(bound) - y1) / (y2 - y1) : 0;
  return { rate: last.rate * (next.rate / last.rate) ** share, isAtLeast: false };
}

/** Isotonic regression with equal weights, by pooling adjacent violators. */
function rising(values: readonly number[]): number[] {
  const pools: number[][] = [];
  for (const value of values) {
    let pool = [value];
    for (let before = pools.at(-1); before && meanOf(before) > meanOf(pool); before = pools.at(-1)) {
      pool = [...before, ...pool];
      pools.pop();
    }
    pools.push(pool);
  }
  return pools.flatMap((pool) => pool.map(() => meanOf(pool)));
}

/** The library's mean corrects rounding, which makes NaN of Infinity. */
function meanOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/**
 * A percentile of all requests, of which those that failed took longer than any bound.
 * @param percent such as 99
 * @returns µs; Infinity if too many failed, NaN without requests
 */
export function latencyWithFailures(right: readonly Histogram[], failures: number, percent: number): number {
  const requests = countOf(right) + failures;
  const rank = Math.max(1, Math.ceil((percent / 100) * requests));
  return requests > 0 && rank > countOf(right) ? Infinity : atRank(right, rank);
}

/** Right answers in all of these steps, ÷ their seconds. */
export function throughputOf(steps: readonly Row<'steps'>[]): number {
  const answers = sum(steps.map(({ requests, failures }) => requests - failures));
  return answers / sum(steps.map(({ start_s, end_s }) => end_s - start_s));
}

/** The steps at a rate that the target sustained. */
export function sustainedIn(steps: readonly Row<'steps'>[]): Row<'steps'>[] {
  return steps.filter(({ saturated, offered_rate }) => saturated === 0 && offered_rate !== null);
}

/** The files of one target in one trial of the sweep. */
export interface SweepFiles {
  steps: readonly Row<'steps'>[];
  seconds: readonly Row<'seconds'>[];
  pods: readonly Row<'pods'>[];
}

/** The rates that the target sustained, in requests/s. */
export function sustainedRates(steps: readonly Row<'steps'>[]): number[] {
  return sustainedIn(steps).flatMap(({ offered_rate }) => offered_rate ?? []);
}

/**
 * CPU seconds, and the requests that they were for, about a rate: in the step with this rate, or from the beginning of the
 * step below to the end of the one above, since a kubelet reads its counters only every few seconds. NaN without
 * readings, and for a rate that was not measured or not sustained.
 */
export function cpuAbout({ steps, seconds, pods }: SweepFiles, rate: number): { seconds: number; requests: number } {
  const [below, above] = stepsAbout(steps, rate);
  if (!below || !above) return { seconds: NaN, requests: NaN };
  const [start, end] = [below.start_s, above.end_s];
  return {
    seconds: cpuSeconds(pods, start, end),
    requests: sum(seconds.map((row) => (row.timestamp_s >= start && row.timestamp_s < end ? row.requests : 0))),
  };
}

/** The sustained steps with the next lower and the next higher rate, or twice the one with this rate; none outside of all. */
export function stepsAbout(steps: readonly Row<'steps'>[], rate: number): Row<'steps'>[] {
  const sustained = sustainedIn(steps);
  const below = sustained.findLast(({ offered_rate }) => (offered_rate ?? Infinity) <= rate);
  const above = sustained.find(({ offered_rate }) => (offered_rate ?? 0) >= rate);
  return below && above ? [below, above] : [];
}

/**
 * CPU seconds of all pods between two Unix times, interpolated between the readings of each pod's counter; NaN without
 * readings. A pod that was first read after the first time counts with all CPU since its start.
 */
export function cpuSeconds(readings: readonly Row<'pods'>[], start: number, end: number): number {
  const pods = Object.values(Object.groupBy(readings, ({ pod }) => pod)).map((ofPod) => ofPod ?? []);
  return pods.length > 0 ? sum(pods.map((ofPod) => counterAt(ofPod, end) - counterAt(ofPod, start))) : NaN;
}

/** Interpolates the counter of one pod; it is 0 before the first reading, and constant after the last one. */
function counterAt(readings: readonly Row<'pods'>[], time: number): number {
  const after = readings.findIndex(({ timestamp_s }) => timestamp_s >= time);
  const [before, next] = [readings.at(after - 1), readings[after]];
  if (!next) return before?.cpu_seconds ?? 0;
  if (after === 0 || !before) return next.timestamp_s === time ? next.cpu_seconds : 0;
  const share = (time - before.timestamp_s) / (next.timestamp_s - before.timestamp_s);
  return before.cpu_seconds + share * (next.cpu_seconds - before.cpu_seconds);
}
