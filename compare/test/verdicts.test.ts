// Tests the checks that `compare` itself makes of a load, with made-up rows.

import { describe, expect, test } from 'vitest';
import type { Row, Verdict } from '../../results/files.ts';
import { askBareServer } from '../experiments/calibrate.ts';
import type { Context } from '../experiments/experiment.ts';
import { openCeiling } from '../experiments/limits.ts';
import { idleReplicas, judged, whyFailed } from '../experiments/verdicts.ts';
import { readOptions } from '../options.ts';
import { csv, rowsOf, verdictOf } from '../run/files.ts';
import { filesOf } from './log.ts';

const seconds = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function answers(appIds: string[], from: number, to: number): Row<'replicas'>[] {
  return seconds(from, to).flatMap((timestamp_s) => appIds.map((app_id) => ({ timestamp_s, app_id, answers: 10 })));
}

function timeline(ready_replicas: number, from: number, to: number): Row<'timeline'>[] {
  const rest = { desired_replicas: ready_replicas, ready_replicas, cpu_cores: null, memory_bytes: null };
  return seconds(from, to).map((second) => ({ timestamp_s: second + 0.5, ...rest }));
}

const IDLE = { lag_ms: 0, throttled: null, stolen_cores: null, late: 0 };

function step(requests: number): Row<'steps'> {
  const times = { start_s: 100, end_s: 110 };
  return {
    ...{ step: 0, users: 1, batch: 1, offered_rate: null, ...times },
    ...{ requests, failures: 0, wrong_answers: 0, saturated: 0 },
  };
}

describe('replicas that answer no requests', () => {
  test('all that were ready answered', () => {
    expect(idleReplicas(answers(['a', 'b'], 100, 200), timeline(2, 100, 200))).toEqual([]);
  });

  test('one of them answered none', () => {
    expect(idleReplicas(answers(['a', 'b'], 100, 200), timeline(3, 100, 200))).toEqual([
      'Only 2 of 3 ready replicas answered in the last 20 s: the load was not balanced.',
    ]);
  });

  test('one of them answered only earlier', () => {
    const rows = [...answers(['a', 'b'], 100, 150), ...answers(['a'], 151, 200)];
    expect(idleReplicas(rows, timeline(2, 100, 200))).toHaveLength(1);
  });

  test('a replica that became ready just before the end is not waited for', () => {
    const samples = [...timeline(1, 100, 195), ...timeline(2, 196, 200)];
    expect(idleReplicas(answers(['a'], 100, 200), samples)).toEqual([]);
  });

  test('samples from after the load do not count', () => {
    const samples = [...timeline(1, 100, 200), ...timeline(5, 201, 230)];
    expect(idleReplicas(answers(['a'], 100, 200), samples)).toEqual([]);
  });

  test('without samples there is nothing to say', () => {
    expect(idleReplicas(answers(['a'], 100, 200), [])).toEqual([]);
  });
});

describe('the ceiling of the open loop', () => {
  /** Steps of 10 s with an offered rate, the rate that was sent, and the cores of each process. */
  function calibrated(...steps: [offered: number, sent: number, cores: number[]][]) {
    const rows = steps.map(([offered_rate, sent], index) => {
      const start_s = 100 + 15 * index;
      return { ...step(10 * sent), step: index, offered_rate, start_s, end_s: start_s + 10 };
    });
    const samples = steps.flatMap(([, , cores], index) =>
      seconds(100 + 15 * index, 109 + 15 * index).flatMap((timestamp_s) =>
        cores.map((cpu_cores, number) => ({ ...IDLE, timestamp_s, process: `worker-${number}`, cpu_cores })),
      ),
    );
    return [rows, samples] as const;
  }
  const generator = { processes: 1, cpuCores: null, limitCores: 1, lagMs: null, throttled: null, stolenCores: null };

  test('is where the CPU of its busiest process meets what the verdict allows', () => {
    const [rows, samples] = calibrated([1000, 1000, [0.3]], [2000, 2000, [0.6]], [4000, 4000, [1]]);
    const { rate, cpuSeconds } = openCeiling(rows, samples, { generator });
    expect(rate).toBeCloseTo(3500);
    expect(cpuSeconds).toBeCloseTo(0.9 / 3500);
  });

  test('is lower where a process may use less than a core', () => {
    const [rows, samples] = calibrated([1000, 1000, [0.27]], [2000, 2000, [0.54]], [4000, 4000, [0.6]]);
    const { rate } = openCeiling(rows, samples, { generator: { ...generator, limitCores: 0.6 } });
    expect(rate).toBeCloseTo(2000);
  });

  test('counts the CPU of all processes', () => {
    const [rows, samples] = calibrated([1000, 1000, [0.4, 0.2]], [2000, 2000, [0.8, 0.4]]);
    const { rate, cpuSeconds } = openCeiling(rows, samples, { generator });
    expect(rate).toBe(2000);
    expect(cpuSeconds).toBeCloseTo(1.2 / 2000);
  });

  test('is the highest rate that was kept, where a higher one was not', () => {
    const [rows, samples] = calibrated([1000, 1000, [0.3]], [2000, 1900, [0.5]], [3000, 1900, [0.5]]);
    expect(openCeiling(rows, samples, { generator }).rate).toBe(1000);
  });

  test('does not fall where more came than was offered, which was late before', () => {
    const [rows, samples] = calibrated([1000, 1000, [0.3]], [2000, 2060, [0.5]]);
    expect(openCeiling(rows, samples, { generator }).rate).toBe(2060);
  });

  test('is an error where no rate was kept', () => {
    const [rows, samples] = calibrated([1000, 500, [0.5]]);
    expect(() => openCeiling(rows, samples, { generator })).toThrow(
      'calibrate: the load generator could not even send 1000 requests/s to a bare server',
    );
  });
});

test('new reasons make a verdict INVALID, next to the earlier ones', () => {
  const verdict = { verdict: 'VALID', reasons: [] as string[] } as Verdict;
  expect(judged(verdict, [])).toBe(verdict);
  expect(judged({ ...verdict, verdict: 'INVALID', reasons: ['One.'] }, ['Two.'])).toMatchObject({
    verdict: 'INVALID',
    reasons: ['Two.', 'One.'],
  });
});

test('rows are written and read again', () => {
  const rows = timeline(2, 100, 101);
  expect(rowsOf(csv(new Map(), 'function', 'timeline', rows), 'function', 'timeline')).toEqual(rows);
});

describe('why requests failed ends a sentence', () => {
  const failing = (...rows: [error: string, count: number][]) => {
    const lines = rows.map(
      ([error, count]) => `GET,1 a request,"${error}",${count},2026-11-28T00:26:30Z,2026-11-28T00:26:40Z`,
    );
    const text = ['Method,Name,Error,Occurrences,First Seen,Last Seen', ...lines, ''].join('\r\n');
    return new Map([['function_failures.csv', Buffer.from(text)]]);
  };

  test('with the most frequent error of all forms of requests, and its share', () => {
    const files = failing(['refused', 2], ["gaierror(-2, 'Name or service not known')", 3], ['refused', 2]);
    expect(whyFailed(files, 'function')).toBe('; 57.1 % of them: refused');
  });

  test('in one line of bounded length, without a second full stop', () => {
    expect(whyFailed(failing([' two\n\tlines. ', 1]), 'function')).toBe('; 100 % of them: two lines');
    expect(whyFailed(failing(['x'.repeat(5000), 1]), 'function')).toMatch(/: x{199}…$/);
  });

  test('with nothing if none failed', () => expect(whyFailed(failing(), 'function')).toBe(''));

  test('where no request to a bare server came to an end', async () => {
    const files = filesOf('function').set(
      'function_failures.csv',
      failing(['no such name', 52]).get('function_failures.csv')!,
    );
    const verdict = { ...verdictOf(files, 'function'), requests: 0, failures: 0, throughput: 0 };
    files.set('function_verdict.json', Buffer.from(JSON.stringify(verdict)));
    const comparison = {
      place: { load: () => Promise.resolve(files) },
      settings: readOptions([]),
      progress: { begin: () => undefined },
      folder: { write: () => undefined },
    } as unknown as Context;
    await expect(askBareServer(comparison, 'closed', 'function', [])).rejects.toThrow(
      'calibrate: nothing can be measured, as 52 requests to a bare server failed; 100 % of them: no such name.',
    );
  });
});
