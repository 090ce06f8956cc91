// The statistics of the report, on data whose truth is known because it is drawn from it.

import fc from 'fast-check';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { mean, quantileSorted } from 'simple-statistics';
import { expect, test } from 'vitest';
import { CONFIDENCE, countOf, histogramOf, percentile, percentileInterval, ratioOf, type Pair } from '../statistics.ts';

const generator = xoroshiro128plus(7);
const uniform = () => uniformFloat64(generator);
/** By Box and Muller. */
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** How often an interval that covers the truth with such a chance does so, but once in a thousand such tests. */
function bounds(repetitions: number, chance = CONFIDENCE): [least: number, most: number] {
  const reach = 3.29 * Math.sqrt((chance * (1 - chance)) / repetitions);
  return [chance - reach, Math.min(1, chance + reach)];
}

function shareOf(repetitions: number, covers: () => boolean): number {
  return mean(Array.from({ length: repetitions }, () => (covers() ? 1 : 0)));
}

const latencies = fc.array(
  fc.record({ latency_us: fc.nat(10_000).map((tens) => tens * 10), count: fc.integer({ min: 1, max: 5 }) }),
  { minLength: 1, maxLength: 50 },
);

test('a percentile of histograms is the same as of all their requests in order', () => {
  fc.assert(
    fc.property(
      fc.array(latencies, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 1000 }),
      (parts, mille) => {
        const all = parts
          .flat()
          .flatMap(({ latency_us, count }) => Array<number>(count).fill(latency_us))
          .sort((a, b) => a - b);
        const histograms = parts.map(histogramOf);
        expect(countOf(histograms)).toBe(all.length);
        expect(percentile(histograms, mille / 1000)).toBe(all[Math.ceil((mille / 1000) * all.length) - 1]);
      },
    ),
  );
});

test('merging histograms is no mean of percentiles', () => {
  const quick = histogramOf([{ latency_us: 1000, count: 900 }]);
  const slow = histogramOf([{ latency_us: 9000, count: 100 }]);
  // 900 of all 1000 requests took 1 ms: the mean of both medians, 5 ms, is what none took.
  expect(percentile([quick, slow], 0.5)).toBe(1000);
  expect(percentile([quick, slow], 0.95)).toBe(9000);
});

test('without requests there is no percentile', () => {
  expect(percentile([], 0.5)).toBeNaN();
  expect(percentileInterval([], 0.5)).toBeUndefined();
});

test('the slowest of few requests have no interval', () => {
  expect(percentileInterval([histogramOf([{ latency_us: 10, count: 100 }])], 0.99)).toBeUndefined();
});

test.each([0.5, 0.95, 0.99])('the interval of percentile %d covers the truth as often as it says', (share) => {
  // Uniform latencies up to 1 s: the true percentile is the share of it.
  const repetitions = 1000;
  const covered = shareOf(repetitions, () => {
    const draws = Array.from({ length: 2000 }, () => ({ latency_us: Math.floor(uniform() * 100_000) * 10, count: 1 }));
    const { low, high } = percentileInterval([histogramOf(draws)], share)!;
    return low <= share * 1e6 && share * 1e6 <= high;
  });
  const [least, most] = bounds(repetitions);
  expect(covered).toBeGreaterThan(least);
  expect(covered).toBeLessThan(most);
});

/** Pairs whose trials differ by 10 %, from trial to trial, and whose true ratio is 2. */
function pairs(trials: number): Pair<number>[] {
  return Array.from({ length: trials }, () => [2 * Math.exp(0.1 * normal()), Math.exp(0.1 * normal())] as const);
}

test.each([2, 3, 5, 6, 10])('the interval of a ratio of %i trials covers the truth as often as it says', (trials) => {
  const repetitions = 500;
  const covered = shareOf(repetitions, () => {
    const { low, high } = ratioOf(pairs(trials), mean)!.interval!;
    return low <= 2 && 2 <= high;
  });
  const [least, most] = bounds(repetitions);
  expect(covered).toBeGreaterThan(least);
  expect(covered).toBeLessThan(most);
});

test('of three trials no bootstrap could cover it, which is why there is none', () => {
  // The most that resampled trials can reach is from the smallest to the largest of them.
  const repetitions = 500;
  const covered = shareOf(repetitions, () => {
    const logs = pairs(3)
      .map(([one, other]) => one / other)
      .sort((a, b) => a - b);
    return quantileSorted(logs, 0) <= 2 && 2 <= quantileSorted(logs, 1);
  });
  expect(covered).toBeLessThan(bounds(repetitions, 0.75)[1]);
});

test('the ratio is that of all trials together', () => {
  const sumOf = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  expect(ratioOf([[1, 1], [3, 1]], sumOf)).toMatchObject({ value: 2 }); // prettier-ignore
});

test('one trial has a ratio without an interval', () => {
  expect(ratioOf([[3, 2]], mean)).toEqual({ value: 1.5, interval: undefined });
});

test.each([
  ['nothing', []],
  ['nothing to divide by', [[1, 0]]],
  ['zero, which has no logarithm', [[0, 1]]],
] as [string, Pair<number>[]][])('of %s there is no ratio', (_, none) => {
  expect(ratioOf(none, (values) => (values.length > 0 ? mean([...values]) : NaN))).toBeUndefined();
});

test('the same trials give the same interval', () => {
  const trials = pairs(8);
  expect(ratioOf(trials, mean)).toEqual(ratioOf(trials, mean));
});
