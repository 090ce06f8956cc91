// What the report makes of a sweep: where figures lack, or are known on one side only, and how often its intervals cover
// the truth. The runs are SYNTHETIC; report.test.ts has the figures of one that were worked out by hand.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mean } from 'simple-statistics';
import { afterAll, describe, expect, test } from 'vitest';
import { KINDS, type CsvKind, type Environment, type Kind } from '../files.ts';
import { composeReport, type Report } from '../report/compose.ts';
import type { Picture, Table } from '../report/document.ts';
import type { Figure } from '../report/figures.ts';
import { readMeasurements, type Measurements, type Part } from '../report/measurements.ts';
import { baselineRate, sweepFigures } from '../report/sweep-figures.ts';
import { targetsOf, type Targets } from '../report/targets.ts';
import { CONFIDENCE } from '../statistics.ts';
import { changeEnvironment, writeGoldenRun } from './golden.ts';
import {
  BOUND,
  drawsOf,
  environmentOf,
  latencyAt,
  MADE_UP,
  rateWithin,
  rowsOfLoad,
  sweepSteps,
  TRUTHS,
  varied,
  type MadeUp,
} from './synthetic.ts';

const folders = mkdtempSync(join(tmpdir(), 'sweep-'));
afterAll(() => rmSync(folders, { recursive: true }));
const PRICE = { dollarsPerHour: 0.192, cpus: 4 };

/** The golden run with changes. */
function golden(change: (folder: string) => void = () => undefined, targets: readonly MadeUp[] = MADE_UP) {
  const folder = mkdtempSync(join(folders, 'golden-'));
  writeGoldenRun(folder, { targets });
  change(folder);
  return folder;
}

const report = (folder: string) => composeReport(readMeasurements(folder), PRICE);

function figureOf({ figures }: Pick<Report, 'figures'>, key: string): Figure {
  return figures.find((figure) => figure.key === key)!;
}

function edit(folder: string, path: string, change: (text: string) => string): void {
  writeFileSync(join(folder, path), change(readFileSync(join(folder, path), 'utf8')));
}

function planSweep(folder: string, bounds?: { percentile: number; milliseconds: number }[]): void {
  const { plan } = JSON.parse(readFileSync(join(folder, 'environment.json'), 'utf8')) as Environment;
  const { trials, scaling, steps } = plan.sweep!;
  changeEnvironment(folder, { plan: { ...plan, sweep: { trials, scaling, steps, ...(bounds && { bounds }) } } });
}

/** A column of the section's table: what stands in the rows of one name. */
function rowsOf({ document }: Report, name: string): unknown[][] {
  const section = document.sections.find(({ title }) => title === 'From idle to saturation')!;
  const table = section.blocks.find((block): block is Table => block.kind === 'table')!;
  return table.rows.filter(([first]) => first === name).map(([, ...cells]) => cells);
}

describe('a rate within a bound', () => {
  test('has a figure for each bound, of any percentile', async () => {
    const folder = golden((folder) =>
      planSweep(folder, [
        { percentile: 99, milliseconds: 10 },
        { percentile: 95, milliseconds: 2.5 },
      ]),
    );
    // p95 is 1 ms at 100 requests/s, and 5 ms at 200: 100 · 2^(ln 2.5 / ln 5) = 148.383.
    expect(figureOf(await report(folder), 'rate_within_p95_2.5ms')).toMatchObject({
      name: 'Rate within 2.5 ms at p95',
      values: [{ value: expect.closeTo(148.38276, 4) as unknown }, expect.anything(), expect.anything()],
    });
  });

  test('is refused where the run does not say which', async () => {
    const folder = golden((folder) => planSweep(folder));
    await expect(report(folder)).rejects.toThrow(/environment\.json has no plan\.sweep\.bounds/);
  });

  test('is 0 for a target that misses it at the lowest rate, without a ratio', async () => {
    const folder = golden(
      (folder) => planSweep(folder, [{ percentile: 99, milliseconds: 2 }]),
      ['function', 'tfserving'],
    );
    const made = await report(folder);
    // p99 is exactly 2 ms at 25 requests/s, and less is asked for.
    expect(figureOf(made, 'rate_within_p99_2ms')).toMatchObject({
      values: [{ value: 0 }, { value: 0 }],
      comparisons: [
        {
          ratio: undefined,
          why: { sentence: 'It is 0 for the function and TensorFlow Serving, and a ratio needs values above 0.' },
        },
      ],
    });
    expect(figureOf(made, 'p99_ms_at_half').comparisons[0]!.why!.sentence).toBe(
      'The baseline is within the bound at no rate, so there is none to compare at.',
    );
    expect(figureOf(made, 'dollars_per_million').comparisons[0]!.why!.sentence).toBe(
      'The function is not within the bound at the lowest rate.',
    );
  });

  test('is 0 for a target that is saturated at the lowest rate, and its curve has no point', async () => {
    const folder = golden(() => undefined, ['function', 'tfserving']);
    for (const trial of [1, 2, 3]) {
      edit(folder, `sweep/${trial}/tfserving_steps.csv`, (text) =>
        text.replace(/^(0,.*),0$/m, '$1,1').replace(/^[^0s].*\n/gm, ''),
      );
    }
    const made = await report(folder);
    expect(figureOf(made, 'rate_within_p99_10ms')).toMatchObject({
      values: [{ value: expect.closeTo(282.84, 1) as unknown }, { value: 0 }],
      comparisons: [
        { ratio: undefined, why: { sentence: 'It is 0 for TensorFlow Serving, and a ratio needs values above 0.' } },
      ],
    });
    const section = made.document.sections.find(({ title }) => title === 'From idle to saturation')!;
    const picture = section.blocks.find((block): block is Picture => block.kind === 'picture')!;
    expect(new Set(picture.values!.rows.map(([target]) => target))).toEqual(new Set(['Function']));
    expect(picture.svg).not.toMatch(/NaN|Infinity/);
  });

  test('has no ratio where both are only known “at least”', async () => {
    const folder = golden(
      (folder) => planSweep(folder, [{ percentile: 99, milliseconds: 200 }]),
      ['function', 'tfserving-grpc'],
    );
    // Without the step that it did not sustain, nothing limits the function.
    for (const trial of [1, 2, 3])
      edit(folder, `sweep/${trial}/function_steps.csv`, (text) => text.replace(/^5,.*\n/m, ''));
    const made = await report(folder);
    expect(figureOf(made, 'rate_within_p99_200ms')).toMatchObject({
      values: [
        { value: 400, bound: 'at least' },
        { value: 800, bound: 'at least' },
      ],
      comparisons: [
        { ratio: undefined, why: { sentence: 'For both it is only known “at least”, so there is no ratio.' } },
      ],
    });
  });

  test('ends with the last rate that each trial sustained', async () => {
    const folder = golden(
      (folder) => planSweep(folder, [{ percentile: 99, milliseconds: 100 }]),
      ['function', 'tfserving'],
    );
    expect(figureOf(await report(folder), 'rate_within_p99_100ms').values[0]).toMatchObject({
      value: 400,
      bound: undefined,
    });
    // One trial of three ends a step before: all together are known up to there.
    edit(folder, 'sweep/2/function_steps.csv', (text) => text.replace(/^5,.*\n/m, '').replace(/^(4,.*),0$/m, '$1,1'));
    expect(figureOf(await report(folder), 'rate_within_p99_100ms').values[0]).toMatchObject({ value: 200 });
  });

  test('counts requests that failed as outside', async () => {
    const folder = golden(() => undefined, ['function', 'tfserving']);
    // Four of 200 in all at 100 requests/s: the slowest of every hundred.
    for (const trial of [1, 2, 3]) {
      edit(folder, `sweep/${trial}/function_steps.csv`, (text) => text.replace(/^(2,.*),0,0,0$/m, '$1,4,0,0'));
    }
    expect(figureOf(await report(folder), 'rate_within_p99_10ms').values[0]).toMatchObject({ value: 50 });
  });
});

test('a rate that a target was not offered is not told as one that it did not sustain', async () => {
  const folder = golden(() => undefined, ['function', 'tfserving']);
  for (const trial of [1, 2, 3])
    edit(folder, `sweep/${trial}/tfserving_steps.csv`, (text) => text.replace(/^.*,1\n/gm, ''));
  for (const key of ['p99_ms_at_80_percent', 'cpu_per_request_us_at_80_percent'])
    expect(figureOf(await report(folder), key).comparisons[0]!.why).toMatchObject({
      few: 'not asked',
      sentence: 'The highest rate that was offered is lower than 226.3 requests/s.',
    });
});

test('without a sweep, there is no section and no figure of it', async () => {
  const folder = golden((folder) => rmSync(join(folder, 'sweep'), { recursive: true }));
  const made = await report(folder);
  expect(made.document.sections.map(({ title }) => title)).not.toContain('From idle to saturation');
  expect(figureOf(made, 'rate_within_p99_10ms')).toMatchObject({
    values: [undefined, undefined, undefined],
    comparisons: Array(2).fill({ why: { kind: 'not-run', sentence: 'The experiment sweep was not run.' } }) as unknown,
  });
});

test('one trial has a ratio, and neither an interval nor a noise floor', async () => {
  const folder = golden((folder) => {
    for (const trial of ['2', '3']) rmSync(join(folder, 'sweep', trial), { recursive: true });
  });
  const made = await report(folder);
  expect(figureOf(made, 'rate_within_p99_10ms').comparisons[0]!.ratio).toMatchObject({ interval: undefined });
  expect(made.noise).toEqual({});
});

test('the function again is no target of the report, but has its loads in the appendix', async () => {
  const { targets, document } = await report(
    golden((folder) => {
      const verdict = JSON.parse(readFileSync(join(folder, 'autoscale/1/function_verdict.json'), 'utf8')) as object;
      writeFileSync(join(folder, 'sweep/1/function-again_verdict.json'), JSON.stringify(verdict));
    }),
  );
  expect(targets.map(({ key }) => key)).toEqual([...MADE_UP]);
  const [table] = document.sections.at(-1)!.blocks as [Table];
  expect(table.rows.map(([load, target]) => [load, target])).toContainEqual(['sweep/1', 'Function, again']);
});

test('the table has the generator’s part under each latency, the noise, and how often the kernel stopped a target', async () => {
  const folder = golden((folder) => {
    const step = ['timestamp_s,pod,periods,throttled_periods'];
    // From the step with 100 requests/s, which begins after 20 s, to the end of the one with 200.
    const [start] = /(?<=^2,4,1,100,)\d+/m.exec(readFileSync(join(folder, 'sweep/1/function_steps.csv'), 'utf8'))!;
    const rows = [0, 20].map((second) => `${Number(start) + second},a,${10 * second},${second}`);
    writeFileSync(join(folder, 'sweep/1/function_throttling.csv'), `${[...step, ...rows].join('\n')}\n`);
  });
  const made = await report(folder);
  expect(rowsOf(made, 'p99 latency, ms\u00a0↓')[1]).toEqual([
    '3.162',
    '20.0',
    '3.00',
    '0.158 (0.0585–0.427)',
    '1.05 (1.05–1.05)',
    '0 %',
  ]);
  expect(rowsOf(made, '– the generator’s part')[5]).toEqual(['1.00', '3.00', '1.00', '', '', '']);
  expect(rowsOf(made, 'CPU per request, µs\u00a0↓')[2]).toEqual([
    '100',
    '–',
    '250',
    'saturated',
    '0.420 (0.229–0.770)',
    '46.3 %',
  ]);
  expect(rowsOf(made, 'CPU periods throttled')).toEqual([['10 %', '–', '–', '', '', '']]);
});

test('a million requests cost what a replica reserves within the bound, and what their CPU costs', async () => {
  const { document } = await report(golden());
  const [, table] = document.sections.find(({ title }) => title.startsWith('Cost'))!.blocks as [unknown, Table];
  // Half of a CPU at 0.048 dollars an hour for 282.8 requests/s; and 100 µs of CPU.
  expect(table.rows.map(([name, ofFunction, ofTarget]) => [name, ofFunction, ofTarget])).toEqual([
    ['What they reserve within 10 ms at p99, US dollars', '0.02357', '0.05494'],
    ['CPU per request at 141.4/s, µs (or s of a million)', '100', '200'],
    ['The CPU that they use, US dollars', '0.001333', '0.002667'],
  ]);
  expect(table.rows[0]!.at(-2)).toBe('≤ 0.008333');
});

/** Whether the figures below rest on a rate: those about a tenth and a half of it, near a bound, and of saturation. */
function isUsed(rate: number): boolean {
  return (rate > 200 && rate < 310) || rate > 1000;
}

/** Trials of two targets, in memory: their truths vary from trial to trial, and each request's latency is drawn. */
function madeUp(targets: readonly MadeUp[], trials: number, seed: number): Targets {
  const environment = environmentOf(targets);
  const parts = Array.from({ length: trials }, (_, index) => index + 1).flatMap((trial) =>
    targets.map((target): Part => {
      const draws = drawsOf(`${seed} ${trial} ${target}`);
      const steps = sweepSteps(TRUTHS[target]).filter(({ rate }) => isUsed(rate ?? 0));
      const truth = varied(TRUTHS[target], draws);
      const { rows } = rowsOfLoad({ experiment: 'sweep', steps, target, truth, start: 1e9, draws });
      const contents = new Map(Object.entries(rows).map(([kind, cells]) => [kind, objects(kind as CsvKind, cells)]));
      const read = (kind: Kind) => contents.get(kind) as never;
      return { environment, experiment: 'sweep', trial, target, has: (kind) => contents.has(kind), read, reasons: [] };
    }),
  );
  const measurements: Measurements = { name: '', folder: '', checksum: '', environment, parts };
  return targetsOf(measurements);
}

function objects(kind: CsvKind, rows: readonly (string | number | null)[][]): object[] {
  const columns = Object.keys(KINDS[kind].schema.entries);
  return rows.map((cells) => Object.fromEntries(columns.map((column, index) => [column, cells[index]])));
}

test('the intervals of its ratios cover the truth as often as they say', () => {
  const repetitions = 120;
  const both = ['function', 'tfserving'] as const;
  const [one, other] = both.map((target) => TRUTHS[target]);
  const covered: Record<string, boolean[]> = {};
  for (let seed = 0; seed < repetitions; seed++) {
    const targets = madeUp(both, 5, seed);
    const half = 0.5 * baselineRate(targets);
    const truths = {
      rate_within_p99_10ms: both.map((key) =>
        rateWithin(TRUTHS[key], BOUND.percentile / 100, 1000 * BOUND.milliseconds),
      ),
      throughput_per_cpu: [one!.capacity, other!.capacity],
      p50_ms_at_half: both.map((key) => latencyAt(TRUTHS[key], half, 0.5)),
      cpu_per_request_us_at_half: [one!.cpuMicroseconds, other!.cpuMicroseconds],
      p99_ms_at_tenth: both.map((key) => latencyAt(TRUTHS[key], 0.2 * half, 0.99)),
    };
    const figures = sweepFigures(targets);
    for (const [key, [ofOne = NaN, ofOther = NaN]] of Object.entries(truths)) {
      const { low, high } = figureOf({ figures }, key).comparisons[0]!.ratio!.interval!;
      (covered[key] ??= []).push(low <= ofOne / ofOther && ofOne / ofOther <= high);
    }
  }
  // Fewer would come once in a thousand such tests by chance.
  const least = CONFIDENCE - 3.29 * Math.sqrt((CONFIDENCE * (1 - CONFIDENCE)) / repetitions);
  for (const [key, times] of Object.entries(covered)) {
    expect.soft(mean(times.map(Number)), key).toBeGreaterThan(least);
  }
}, 120_000);
