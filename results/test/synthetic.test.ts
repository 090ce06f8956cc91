// The synthetic runs that tests of the report read: whether their files are what compare would leave, and agree.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { max, median, min, sum } from 'simple-statistics';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ENVIRONMENT, kindsOfLoad, type Row, type Target } from '../files.ts';
import { readRun, type Run, type TargetResults } from '../read.ts';
import { DEFAULTS, type Synthetic } from './synthetic/options.ts';
import { writeSyntheticRun } from './synthetic/run.ts';

const SMALL = { quick: true, trials: 1 };
const EXACT = { ...SMALL, trialSpread: 0 };

function write(options: Partial<Synthetic>): string {
  const folder = mkdtempSync(join(tmpdir(), 'synthetic-'));
  writeSyntheticRun(folder, options);
  return folder;
}

function written(options: Partial<Synthetic>): string {
  const folder = write(options);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function resultsOf(run: Run, experiment: string, target: Target, trial = 1): TargetResults {
  const { trials } = run.experiments.find(({ name }) => name === experiment)!;
  return trials.find(({ number }) => number === trial)!.targets.find((each) => each.target === target)!;
}

/** Each load of each target, with a name for messages. */
function loadsOf(run: Run): (TargetResults & { name: string })[] {
  return run.experiments.flatMap(({ name, trials }) =>
    trials.flatMap(({ number, targets }) =>
      targets
        .filter(({ kinds }) => kinds.includes('verdict'))
        .map((results) => ({ ...results, name: `${name}/${number} ${results.target}` })),
    ),
  );
}

function total<R>(rows: R[], amount: (row: R) => number): number {
  return sum([0, ...rows.map(amount)]);
}

describe('a run', () => {
  test.each<[string, Partial<Synthetic>]>([
    ['as it is by default', {}],
    ['quick, on one machine', { ...SMALL, mode: 'local' }],
    ['where many requests fail', { ...SMALL, truths: failing(0.2) }],
    ['where all requests fail', { ...SMALL, truths: failing(1) }],
  ])('%s is read: every file of it', (_, options) => {
    const folder = written(options);
    const run = readRun(folder);
    const { trials, mode } = { ...DEFAULTS, ...options };
    const listed = run.experiments.map((experiment) => [
      experiment.name,
      experiment.trials.length,
      Object.fromEntries(experiment.trials[0]!.targets.map(({ target, kinds }) => [target, kinds])),
    ]);
    const [own, other] = [kindsOfLoad('function'), kindsOfLoad('tfserving')];
    const watched = { function: [...own, 'timeline', 'pods'], tfserving: [...other, 'timeline', 'pods'] };
    const started = ['coldstarts', 'footprint'];
    expect(listed).toEqual([
      ...(mode === 'local' ? [] : [['autoscale', trials, watched]]),
      ['batch', trials, watched],
      ['calibrate', 1, { function: own, tfserving: other }],
      ['capacity', trials, watched],
      ['coldstart', 1, { function: started, tfserving: started }],
      ['latency', trials, watched],
      ['noise', 2 * trials, { function: watched.function }],
      ...(mode === 'local' ? [] : [['scale-from-zero', 1, { function: ['zerostarts'] }]]),
    ]);
    for (const { targets } of run.experiments.flatMap((experiment) => experiment.trials)) {
      for (const { kinds, read } of targets) for (const kind of kinds) expect(() => read(kind)).not.toThrow();
    }
    const loads = loadsOf(run).filter(({ name }) => !name.startsWith('calibrate'));
    expect(run.environment().verdicts).toHaveLength(loads.length);
    expect(JSON.parse(readFileSync(join(folder, ENVIRONMENT), 'utf8'))).toHaveProperty('synthetic', true);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(/^# Synthetic: not results\n/);
  });

  test('has the same bytes for the same options, and others for another seed', () => {
    const [first, second, other] = [SMALL, SMALL, { ...SMALL, seed: 2 }].map((options) => contents(written(options)));
    expect(second).toEqual(first);
    expect(Object.keys(other!)).toEqual(Object.keys(first!));
    const same = Object.keys(first!).filter((name) => first![name] === other![name]);
    expect(same.filter((name) => !/README|exceptions|failures|footprint/.test(name))).toEqual([]);
  });

  test('has only what was asked for', () => {
    const run = readRun(written({ ...SMALL, experiments: ['capacity'], targets: ['function'] }));
    expect(run.experiments.map(({ name, trials }) => [name, trials[0]!.targets.length])).toEqual([['capacity', 1]]);
    expect(run.environment()).toMatchObject({ ceiling: null, options: { experiments: ['capacity'] } });
  });

  test('has invalid loads where they were asked for', () => {
    const load = { experiment: 'batch', trial: 1, target: 'tfserving' as const };
    const run = readRun(written({ ...SMALL, invalid: [{ ...load, reason: 'It rained.' }] }));
    const invalid = run.environment().verdicts.filter(({ verdict }) => verdict === 'INVALID');
    expect(invalid).toEqual([{ ...load, verdict: 'INVALID', reasons: ['It rained.'] }]);
    expect(resultsOf(run, 'batch', 'tfserving').read('verdict')).toMatchObject({ reasons: ['It rained.'] });
  });
});

test('a load is invalid where compare would find it so', () => {
  const { tfserving, ...truths } = failing(0.05);
  const fast = { ...tfserving, failureShare: 0, capacity: 6000, latencyMicroseconds: { median: 500, sigma: 0.3 } };
  const run = readRun(written({ ...SMALL, truths: { ...truths, tfserving: fast }, experiments: ['capacity'] }));
  expect(run.environment().verdicts.map(({ reasons }) => reasons)).toEqual([
    [expect.stringMatching(/^\d+ of \d+ requests failed, more than the share of 0\.01 that may\.$/)],
    [expect.stringMatching(/^The target answered 6\d{3} requests\/s, more than the 4\d{3} /)],
  ]);
});

describe('the files of a load', () => {
  let folder: string;
  let run: Run;
  let loads: ReturnType<typeof loadsOf>;
  beforeAll(() => {
    folder = write({ ...SMALL, truths: failing(0.005) });
    run = readRun(folder);
    loads = loadsOf(run);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('count the same requests', () => {
    for (const { name, read } of loads) {
      const seconds = read('seconds');
      const [stats, history] = [read('stats').at(-1)!, read('stats_history').at(-1)!];
      const requests = total(seconds, (row) => row.requests);
      const failures = total(seconds, (row) => row.failures);
      const named = read('stats').slice(0, -1);
      expect({ name, requests, failures }).toEqual({
        name,
        requests: stats['Request Count'],
        failures: stats['Failure Count'],
      });
      expect([history['Total Request Count'], history['Total Failure Count']], name).toEqual([requests, failures]);
      expect([named.length, total(named, (row) => row['Request Count'])], name).toEqual([
        new Set(read('steps').map(({ batch }) => batch)).size,
        requests,
      ]);
      expect(
        total(read('failures'), (row) => row.Occurrences),
        name,
      ).toBe(failures);
    }
  });

  test('have steps that add up', () => {
    for (const { name, read } of loads) {
      const [latency, seconds] = [read('latency'), read('seconds')];
      for (const { step, start_s, end_s, requests, failures, offered_rate } of read('steps')) {
        const measured = seconds.filter(({ timestamp_s }) => timestamp_s >= start_s && timestamp_s < end_s);
        const count = (clock: string, outcome: string) =>
          total(
            latency.filter((row) => row.step === step && row.clock === clock && row.outcome === outcome),
            (row) => row.count,
          );
        expect(measured, name).toHaveLength(end_s - start_s);
        expect([total(measured, (row) => row.requests), total(measured, (row) => row.failures)], name).toEqual([
          requests,
          failures,
        ]);
        const counts = [requests - failures, failures];
        expect([count('service', 'ok'), count('service', 'failed')], name).toEqual(counts);
        const scheduled = offered_rate === null ? [0, 0] : counts;
        expect([count('response', 'ok'), count('response', 'failed')], name).toEqual(scheduled);
      }
    }
  });

  test('have verdicts that follow from them', () => {
    for (const { name, read } of loads) {
      const [verdict, steps] = [read('verdict'), read('steps')];
      const requests = total(steps, (row) => row.requests);
      const seconds = total(steps, ({ start_s, end_s }) => end_s - start_s);
      const service = read('latency').filter(({ clock }) => clock === 'service');
      expect(verdict, name).toMatchObject({ requests, seconds, throughput: Number((requests / seconds).toFixed(3)) });
      expect([verdict.p50Us, verdict.p99Us], name).toEqual([percentile(service, 0.5), percentile(service, 0.99)]);
      expect(verdict.verdict, name).toBe(name.startsWith('calibrate') ? 'INVALID' : 'VALID');
      if (verdict.offeredRate !== null) {
        expect(Math.abs(verdict.sentRate! - verdict.offeredRate) / verdict.offeredRate, name).toBeLessThan(0.02);
      }
    }
  });

  test('take the response from before the sending on', () => {
    const { read } = resultsOf(run, 'latency', 'tfserving');
    for (const share of [0.5, 0.9, 0.99]) {
      const [service, response] = ['service', 'response'].map((clock) =>
        percentile(
          read('latency').filter((row) => row.clock === clock),
          share,
        ),
      );
      expect(response).toBeGreaterThanOrEqual(service!);
    }
  });

  test('tell which replica gave each right answer', () => {
    for (const { name, target, read } of loads.filter((load) => load.target === 'function')) {
      const replicas = read('replicas');
      for (const { timestamp_s, requests, failures } of read('seconds')) {
        const its = replicas.filter((row) => row.timestamp_s === timestamp_s);
        expect(
          total(its, (row) => row.answers),
          `${name} ${target} ${timestamp_s}`,
        ).toBe(requests - failures);
      }
    }
  });

  test('have Locust’s line ends', () => {
    const files = contents(join(folder, 'batch/1'));
    for (const kind of ['stats', 'stats_history', 'failures', 'exceptions']) {
      expect(files[`function_${kind}.csv`]).toMatch(/^([^\n]*\r\n)+$/);
    }
  });
});

describe('what is true of the targets can be found again', () => {
  let folder: string;
  let run: Run;
  beforeAll(() => {
    folder = write(EXACT);
    run = readRun(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(['function', 'tfserving'] as const)('%s', (target) => {
    const truth = DEFAULTS.truths[target];
    const rates = resultsOf(run, 'capacity', target)
      .read('steps')
      .map(({ requests, start_s, end_s }) => requests / (end_s - start_s));
    expect(max(rates) / truth.capacity).toBeCloseTo(1, 1);
    expect(rates.at(-1)! / rates.at(-3)!).toBeLessThan(1.1);

    const latency = resultsOf(run, 'latency', target);
    expect(latency.read('verdict').p50Us! / truth.latencyMicroseconds.median).toBeCloseTo(1, 1);
    const [first, last] = [latency.read('pods')[0]!, latency.read('pods').at(-1)!];
    const requests = total(latency.read('seconds'), (row) => row.requests);
    expect(((last.cpu_seconds - first.cpu_seconds) / requests) * 1e6).toBeCloseTo(truth.cpuMicroseconds, 3);

    const starts = resultsOf(run, 'coldstart', target).read('coldstarts');
    expect(Math.abs(median(starts.map((row) => row.first_answer_ms)) / truth.coldStartMs - 1)).toBeLessThan(0.2);
  });

  test('the rate of the latency experiment is half of the slower one’s capacity', () => {
    const rate = (target: Target) => resultsOf(run, 'latency', target).read('verdict').offeredRate!;
    expect(rate('function')).toBe(rate('tfserving'));
    expect(rate('function') / (DEFAULTS.truths.tfserving.capacity / 2)).toBeCloseTo(1, 1);
  });
});

describe('the autoscale run', () => {
  let folder: string;
  let run: Run;
  beforeAll(() => {
    folder = write({ trials: 1, experiments: ['autoscale'] });
    run = readRun(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['function', 2, 4],
    ['tfserving', 5, 5],
  ] as const)('has replicas of %s that become more, and is faster for it', (target, least, most) => {
    const { read } = resultsOf(run, 'autoscale', target);
    const timeline = read('timeline');
    const ready = timeline.map((row) => row.ready_replicas);
    expect(ready[0]).toBe(1);
    expect(ready.toSorted((a, b) => a - b)).toEqual(ready);
    expect(ready.at(-1)).toBeGreaterThanOrEqual(least);
    expect(ready.at(-1)).toBeLessThanOrEqual(most);
    expect(timeline.every((row) => row.desired_replicas >= row.ready_replicas)).toBe(true);
    expect(timeline.slice(0, 15).every((row) => row.cpu_cores === null && row.memory_bytes === null)).toBe(true);
    expect(timeline.slice(30).every((row) => row.cpu_cores !== null && row.memory_bytes !== null)).toBe(true);

    const change = timeline.find((row) => row.ready_replicas > 1)!.timestamp_s;
    const p99 = (from: number) =>
      median(
        read('seconds')
          .filter((row) => row.timestamp_s > change + from && row.timestamp_s <= change + from + 5)
          .map((row) => row.p99_us!),
      );
    expect(p99(-6)).toBeGreaterThan(1.1 * p99(1));
  });

  test('has answers of every replica at its end, about as many of each', () => {
    const { read } = resultsOf(run, 'autoscale', 'function');
    const replicas = read('replicas');
    const last = replicas.filter((row) => row.timestamp_s === replicas.at(-1)!.timestamp_s).map((row) => row.answers);
    expect(last).toHaveLength(read('timeline').at(-1)!.ready_replicas);
    expect(min(last) / max(last)).toBeGreaterThan(0.7);
  });
});

function failing(failureShare: number): Synthetic['truths'] {
  const { function: first, tfserving: second } = DEFAULTS.truths;
  return { function: { ...first, failureShare }, tfserving: { ...second, failureShare } };
}

/** The rule of loadtest/f2c_loadtest/recorder.py, written again: by a value for each request. */
function percentile(rows: Row<'latency'>[], share: number): number {
  const values = rows.flatMap(({ latency_us, count }) => Array.from({ length: count }, () => latency_us));
  return values.sort((a, b) => a - b)[Math.ceil(share * values.length) - 1]!;
}
