// The sentences of the first page, one for each way in which trials can end.

import { describe, expect, test } from 'vitest';
import { MADE_UP, environmentOf } from './synthetic.ts';
import type { BreakEven } from '../report/break-even.ts';
import { headlineOf, sizesInWords } from '../report/conclusions.ts';
import type { Comparison, Figure } from '../report/figures.ts';
import type { Target, Targets } from '../report/targets.ts';
import type { OneSided } from '../statistics.ts';

const environment = environmentOf(MADE_UP);
const measurements = {
  name: 'run',
  folder: 'run',
  checksum: '',
  parts: [],
  environment: {
    ...environment,
    plan: {
      sweep: { trials: 5, scaling: 'one' as const, steps: [], bounds: [{ percentile: 99, milliseconds: 10 }] },
    },
  },
};
const [FUNCTION, REST, GRPC] = MADE_UP.map((key): Target => ({
  measurements,
  key,
  ...environment.interfaces[key]!,
})) as [Target, Target, Target];
const targetsOf = (count: number) => [FUNCTION, REST, GRPC].slice(0, count) as unknown as Targets;

/** A value, or that there may be more. */
const exactly = (value: number): OneSided => ({ value, interval: undefined });
const atLeast = (value: number): OneSided => ({ value, interval: undefined, bound: 'at least' });
/** What trials show of a ratio; none where there is one trial only. */
const ratio = (value: number, low?: number, high?: number): OneSided => ({
  value,
  interval: low === undefined || high === undefined ? undefined : { low, high },
});

/** @param ratios undefined where there is none; without an interval, there is one trial */
function figureOf(
  key: string,
  better: Figure['better'],
  values: (OneSided | undefined)[],
  ratios: (OneSided | undefined)[],
) {
  const comparisons = ratios.map((known): Comparison => {
    const pairs = known && !known.interval ? 1 : 5;
    return { pairs, ratio: known, parts: undefined, why: undefined, shared: undefined };
  });
  return { key, name: key, unit: '', better, isMain: true, source: '', values, bare: [], comparisons } satisfies Figure;
}
const within = (values: (OneSided | undefined)[], ratios: (OneSided | undefined)[]) =>
  figureOf('rate_within_p99_10ms', 'more', values, ratios);

describe('the headline', () => {
  const [many, few, fewer] = [3210, 1480, 1390].map(exactly) as [OneSided, OneSided, OneSided];
  const better = ratio(2.17, 1.95, 2.41);

  test.each<[string, Figure[], string]>([
    [
      'the function does better',
      [within([many, few], [better])],
      'Within 10 ms, one replica of the function answers 2.2 times as many requests as TensorFlow Serving.',
    ],
    [
      'the function does better than both',
      [within([many, few, fewer], [better, ratio(2.31, 2.1, 2.5)])],
      'Within 10 ms, one replica of the function answers 2.2 times as many requests as TensorFlow Serving, and 2.3 times ' +
        'as many as TensorFlow Serving over gRPC.',
    ],
    [
      'the other does better',
      [within([few, many], [ratio(0.461, 0.42, 0.5)])],
      'Within 10 ms, one replica of TensorFlow Serving answers 2.2 times as many requests as the function.',
    ],
    [
      'each is better than another',
      [within([few, fewer, many], [ratio(1.065, 1.03, 1.1), ratio(0.461, 0.42, 0.5)])],
      'Within 10 ms, one replica of the function answers 1.07 times as many requests as TensorFlow Serving; one of ' +
        'TensorFlow Serving over gRPC answers 2.2 times as many requests as the function.',
    ],
    [
      'one of the others is equal',
      [within([many, few, many], [better, ratio(1.02, 0.9, 1.1)])],
      'Within 10 ms, one replica of the function answers 2.2 times as many requests as TensorFlow Serving; the trials ' +
        'show no difference between the function and TensorFlow Serving over gRPC.',
    ],
    [
      'all are equal',
      [within([many, many, many], [ratio(1.01, 0.9, 1.1), ratio(0.99, 0.9, 1.1)])],
      'The trials show no difference between the function and TensorFlow Serving or TensorFlow Serving over gRPC in how ' +
        'many requests one replica answers within 10 ms.',
    ],
    [
      'the function can take more than could be sent',
      [within([atLeast(8000), few], [{ ...ratio(5.41, 5, Infinity), bound: 'at least' }])],
      'Within 10 ms, one replica of the function answers at least 5.4 times as many requests as TensorFlow Serving.',
    ],
    [
      'the other can take more than could be sent',
      [within([few, atLeast(8000)], [{ ...ratio(0.185, 0, 0.2), bound: 'at most' }])],
      'Within 10 ms, one replica of TensorFlow Serving answers at least 5.4 times as many requests as the function.',
    ],
    [
      'both can take more than could be sent',
      [within([atLeast(8000), atLeast(8000)], [undefined])],
      'Within 10 ms, one replica of the function answers all that could be sent, and one of TensorFlow Serving answers ' +
        'all that could be sent, too.',
    ],
    [
      'the other misses the bound at the lowest rate',
      [within([many, exactly(0)], [undefined])],
      'Within 10 ms, one replica of the function answers 3,210 requests/s, and one of TensorFlow Serving answers none.',
    ],
    [
      'the function misses the bound at the lowest rate',
      [within([exactly(0), few], [undefined])],
      'Within 10 ms, one replica of TensorFlow Serving answers 1,480 requests/s, and one of the function answers none.',
    ],
    [
      'both miss the bound at the lowest rate',
      [within([exactly(0), exactly(0)], [undefined])],
      'Within 10 ms, one replica of the function answers not even the lowest rate, and one of TensorFlow Serving answers none.',
    ],
    [
      'one target has no result',
      [within([many, undefined, fewer], [undefined, better])],
      'Within 10 ms, one replica of the function answers 2.2 times as many requests as TensorFlow Serving over gRPC.',
    ],
    [
      'there is no result',
      [within([many, undefined], [undefined])],
      'This run can’t say whether the function or TensorFlow Serving does better.',
    ],
    [
      'a ratio that may be any higher one shows nothing',
      [within([atLeast(900), few], [{ ...ratio(0.61, 0.5, Infinity), bound: 'at least' }])],
      'This run can’t say whether the function or TensorFlow Serving does better.',
    ],
    [
      'there is one trial',
      [within([many, few], [ratio(2.17)])],
      'First impression: within 10 ms, one replica of the function answers 2.2 times as many requests as TensorFlow Serving.',
    ],
    [
      'one trial has nearly the same of both',
      [within([many, many], [ratio(1.001)])],
      'First impression: within 10 ms, one replica of the function answers about as many requests as TensorFlow Serving.',
    ],
    [
      'only one target was measured',
      [within([many], [])],
      'Within 10 ms, one replica of the function answers 3,210 requests/s.',
    ],
    [
      'the rate has no result, and the CPU has one',
      [
        within([many, undefined], [undefined]),
        figureOf('cpu_per_request_us_at_half', 'less', [exactly(25), exactly(61)], [ratio(0.41, 0.38, 0.44)]),
      ],
      'A request to TensorFlow Serving takes 2.4 times as much CPU as one to the function.',
    ],
    [
      'both others take more CPU',
      [
        figureOf(
          'cpu_per_request_us_at_half',
          'less',
          [exactly(25), exactly(61), exactly(70)],
          [ratio(0.41, 0.38, 0.44), ratio(0.357, 0.3, 0.4)],
        ),
      ],
      'A request to TensorFlow Serving takes 2.4 times as much CPU as one to the function, and one to TensorFlow Serving ' +
        'over gRPC 2.8 times as much.',
    ],
    [
      'only cold starts were measured',
      [figureOf('cold_start_ms', 'less', [exactly(900), exactly(2100)], [ratio(0.43, 0.4, 0.5)])],
      'A cold start of TensorFlow Serving takes 2.3 times as long as one of the function.',
    ],
  ])('%s', (_, figures, sentence) => {
    expect(headlineOf(figures, {}, targetsOf(figures[0]!.values.length), undefined)).toBe(sentence);
  });

  test('only sizes of requests were measured', () => {
    expect(headlineOf([], {}, targetsOf(2), 'At every size …')).toBe('At every size …');
  });

  test('a difference within the noise is none', () => {
    const figure = within([many, few], [better]);
    expect(headlineOf([figure], { [figure.key]: 2.5 }, targetsOf(2), undefined)).toMatch(
      /^The trials show no difference between/,
    );
  });
});

describe('the sizes of requests', () => {
  const measured = (
    other: Target,
    measure: BreakEven['measure'],
    better: Target | undefined,
    more: Partial<BreakEven> = {},
  ): BreakEven => ({
    other,
    measure,
    better,
    size: undefined,
    isSure: true,
    measured: [1, 10_000],
    sentence: '',
    ...more,
  });
  const from = (value: number) => ({ size: exactly(value) });

  test.each<[string, BreakEven[], string | undefined]>([
    [
      'each pair of targets once, from where both measures say so',
      [
        measured(REST, 'cpu_per_value', FUNCTION),
        measured(REST, 'median_latency', FUNCTION),
        measured(GRPC, 'cpu_per_value', GRPC, from(320)),
        measured(GRPC, 'median_latency', GRPC, from(484)),
      ],
      'At every size of a request, 1 to 10,000 values, the function is a better choice than TensorFlow Serving; from about ' +
        '480 values in a request on, TensorFlow Serving over gRPC is a better choice than the function.',
    ],
    [
      'both others at once, where the same holds for them',
      [REST, GRPC].map((other) => measured(other, 'cpu_per_value', FUNCTION)),
      'At every size of a request, 1 to 10,000 values, the function needs less CPU a value than TensorFlow Serving and ' +
        'TensorFlow Serving over gRPC.',
    ],
    [
      'measures that disagree, and doubt',
      [
        measured(GRPC, 'cpu_per_value', GRPC, { ...from(320), isSure: false }),
        measured(GRPC, 'median_latency', FUNCTION),
      ],
      'From about 320 values in a request on, TensorFlow Serving over gRPC seems to need less CPU a value than the function; ' +
        'at every size of a request, 1 to 10,000 values, the function has a lower median latency than TensorFlow Serving over gRPC.',
    ],
    ['nothing where the trials show nothing', [measured(REST, 'cpu_per_value', undefined)], undefined],
  ])('%s', (_, breakEvens, sentence) => expect(sizesInWords(breakEvens, targetsOf(3))).toBe(sentence));
});
