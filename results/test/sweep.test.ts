// What a sweep says of a target, worked out by hand.

import { describe, expect, test } from 'vitest';
import type { Row } from '../files.ts';
import { histogramOf } from '../statistics.ts';
import { cpuAbout, latencyWithFailures, rateWithin, valueAt, type Point } from '../sweep.ts';

const points = (...pairs: [rate: number, value: number][]): Point[] => pairs.map(([rate, value]) => ({ rate, value }));

describe('a value at a rate', () => {
  test.each([
    // Half of the way from 100 to 400 in logarithms is 200, and from 1 to 4 it is 2.
    [200, 2],
    [100, 1],
    [400, 4],
  ])('at %d is %d', (rate, value) => {
    expect(valueAt(points([100, 1], [400, 4]), rate)).toBeCloseTo(value);
  });

  test.each([99, 401])('is not known at %d', (rate) => expect(valueAt(points([100, 1], [400, 4]), rate)).toBeNaN());
});

describe('the highest rate within a bound of 8', () => {
  test.each<[string, Point[], number, boolean]>([
    // Half of the way from 4 to 16 in logarithms, as 200 √2 is of that from 200 to 400.
    ['is between the last rate within and the first one outside', points([100, 2], [200, 4], [400, 16]), 282.8, false],
    // 20, 1 and 1 have a geometric mean of 2.714; from there to 32 it is 0.4382 of the way in logarithms.
    ['is not moved by a stall at a low rate', points([100, 20], [200, 1], [400, 1], [800, 32]), 542, false],
    ['is the last one that the target sustains', points([100, 2], [200, 4], [400, Infinity]), 200, false],
    ['is 0 if the lowest is outside', points([100, 8], [200, 16]), 0, false],
    ['is 0 if too many requests fail at the lowest', points([100, Infinity], [200, 1]), 0, false],
    ['is at least the highest that was offered', points([100, 2], [200, 4]), 200, true],
    ['is 0 without any', [], 0, false],
  ])('%s', (_, latencies, rate, isAtLeast) => {
    const found = rateWithin(latencies, 8);
    expect(found.rate).toBeCloseTo(rate, 0);
    expect(found.isAtLeast).toBe(isAtLeast);
  });
});

test('requests that failed took longer than any bound', () => {
  const right = histogramOf([
    { latency_us: 1000, count: 97 },
    { latency_us: 2000, count: 1 },
  ]);
  expect([97, 98, 99].map((percent) => latencyWithFailures([right], 2, percent))).toEqual([1000, 2000, Infinity]);
  expect(latencyWithFailures([], 0, 99)).toBeNaN();
});

describe('the CPU about a rate', () => {
  const step = (offered_rate: number, start_s: number, saturated = 0): Row<'steps'> => ({
    ...{ step: 0, users: 1, batch: 1, offered_rate, start_s, end_s: start_s + 10 },
    ...{ requests: 10 * offered_rate, failures: 0, wrong_answers: 0, saturated },
  });
  const seconds = Array.from({ length: 60 }, (_, second): Row<'seconds'> => {
    const rest = { users: 1, failures: 0, p50_us: null, p99_us: null, max_us: null };
    return { timestamp_s: 100 + second, requests: 10, ...rest };
  });
  // Two cores from 100 s to 120 s, and three from there on.
  const readings = [100, 120, 160].map((timestamp_s, index) => ({
    timestamp_s,
    cpu_seconds: [0, 40, 160][index] ?? 0,
  }));
  const pods = readings.map((reading): Row<'pods'> => ({ ...reading, pod: 'one', memory_bytes: null }));
  const files = { steps: [step(10, 105), step(20, 125), step(40, 145, 1)], seconds, pods };

  test.each([
    // The step alone: from 105 s to 115 s.
    [10, 20, 100],
    // From the first step to the end of the second one: 105 s to 135 s, 15 s of it with two cores, and 15 s with three.
    [15, 75, 300],
  ])('of %d requests/s is %d s for %d requests', (rate, cpu, requests) => {
    const about = cpuAbout(files, rate);
    expect(about.seconds).toBeCloseTo(cpu);
    expect(about.requests).toBe(requests);
  });

  test.each([
    ['is outside of the sweep', { ...files }, 5],
    ['is not sustained', { ...files }, 40],
    ['has no readings', { ...files, pods: [] }, 10],
  ])('is not known of a rate that %s', (_, its, rate) => {
    expect(cpuAbout(its, rate).seconds).toBeNaN();
  });
});
