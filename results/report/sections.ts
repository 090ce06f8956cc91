// The sections of the report about what was measured: one for each experiment, none where it was not run.

import { max, median, sum } from 'simple-statistics';
import {
  batches,
  coldStarts,
  latencies,
  saturation as saturationChart,
  sideBySide,
  type Batch,
  type Saturation,
  type Sides,
} from './charts.ts';
import { left, paragraph, right, type Cell, type Section } from './document.ts';
import type { Figure } from './figures.ts';
import { ABSENT, counted, interval, number, ratioWithInterval, words } from './format.ts';
import { latencyOf, pairsOf, partsOf, type Part, type Side } from './measurements.ts';
import { countOf, percentile, percentileInterval } from './statistics.ts';
import { answersOf, startOf, timeline } from './timeline.ts';
import { floorOf } from './verdict.ts';

const SHARES = [0.5, 0.9, 0.95, 0.99, 0.999];

export async function latency(sides: Sides, noise: readonly Figure[]): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'latency');
  const [pair] = pairs;
  if (!pair) return undefined;
  const parts = [pairs.map(([part]) => part), pairs.map(([, part]) => part)] as const;
  const rate = pair[0].read('steps')[0]?.offered_rate;
  const floors = noise.flatMap((figure) => {
    const floor = floorOf(figure);
    return floor === undefined ? [] : `${figure.name} ${number(Math.round((floor - 1) * 1000) / 10)} %`;
  });
  return {
    title: 'Latency at the same rate',
    blocks: [
      paragraph(
        `${counted(pairs.length, 'trial')} of each count, at ${number(rate ?? NaN)} requests/s, one replica. The slowest requests are what users notice, so the scale gives them room.` +
          (floors.length > 0
            ? ` Measured against itself, the function differs by up to (95 % interval): ${words(floors)}. Less than that is taken for noise.`
            : ''),
      ),
      await latencies(parts, sides),
      {
        kind: 'table',
        columns: [left('Percentile, ms'), ...sides.flatMap(({ label }) => [right(label), right('95 % interval')])],
        rows: SHARES.map((share) => [
          `${number(100 * share)} %`,
          ...parts.flatMap((some) => {
            const histograms = some.map((part) => latencyOf(part));
            const its = percentileInterval(histograms, share);
            const ms = (us: number) => number(us / 1000);
            return [ms(percentile(histograms, share)), its ? interval(its, ms) : 'too few requests'];
          }),
        ]),
        source: `latency/*/<target>_latency.csv, in steps of 10 µs; ${words(parts.map((some, index) => `${number(countOf(some.map((part) => latencyOf(part))))} answers of ${sides[index]?.name ?? ''}`))}`,
      },
    ],
  };
}

/** Of the highest throughput: from here on more users only wait longer. */
const KNEE_SHARE = 0.95;

export async function saturation(sides: Sides): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'capacity');
  if (pairs.length === 0) return undefined;
  const parts = [pairs.map(([part]) => part), pairs.map(([, part]) => part)] as const;
  const rows = sides.flatMap(({ label }, index) => curve(parts[index] ?? [], label));
  const of = ({ label }: Side) => rows.filter(({ side }) => side === label);
  const kneeOf = (side: Side) => {
    const most = max(of(side).map(({ throughput }) => throughput));
    return of(side).find(({ throughput }) => throughput >= KNEE_SHARE * most)?.users ?? NaN;
  };
  const knees = [kneeOf(sides[0]), kneeOf(sides[1])] as const;
  const told = sides.map((side, index) => {
    const knee = of(side).find(({ users }) => users === knees[index]);
    return `${side.name} at ${counted(knees[index] ?? NaN, 'user')} with ${number(knee?.throughput ?? NaN)} right answers/s and a 99th percentile of ${number(knee?.p99 ?? NaN)} ms`;
  });
  return {
    title: 'Throughput of one replica',
    blocks: [
      paragraph(
        `${counted(pairs.length, 'trial')} of each count. The knee, where 95 % of the highest throughput is reached, is for ${words(told)}.`,
      ),
      await saturationChart(rows, parts, sides, knees),
      sideBySide(
        'Users',
        sides,
        rows,
        ({ users }) => users,
        {
          'right answers/s': ({ throughput }) => throughput,
          'p50, ms': ({ p50 }) => p50,
          'p99, ms': ({ p99 }) => p99,
        },
        'capacity/*/<target>_steps.csv and _latency.csv, all trials together',
      ),
    ],
  };
}

/** Of trials together; only numbers of users that each of them reached. */
function curve(parts: readonly Part[], side: string): Saturation[] {
  const users = [...new Set(parts.flatMap((part) => part.read('steps').map((step) => step.users)))].sort(
    (a, b) => a - b,
  );
  return users.flatMap((count) => {
    const steps = parts.flatMap((part) =>
      part
        .read('steps')
        .filter((step) => step.users === count)
        .map((step) => ({ part, step })),
    );
    if (steps.length < parts.length) return [];
    const histograms = steps.map(({ part, step }) => latencyOf(part, step.step));
    const answers = sum(steps.map(({ step }) => step.requests - step.failures));
    const seconds = sum(steps.map(({ step }) => step.end_s - step.start_s));
    return {
      side,
      users: count,
      throughput: answers / seconds,
      p50: percentile(histograms, 0.5) / 1000,
      p99: percentile(histograms, 0.99) / 1000,
    };
  });
}

export async function autoscaling(sides: Sides): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'autoscale');
  const [pair] = pairs;
  if (!pair) return undefined;
  const value = (tell: (part: Part) => string): Cell[] => pair.map((part) => tell(part));
  return {
    title: 'Autoscaling',
    blocks: [
      paragraph(
        `Both get the same rate, in four steps, with 1 to 5 replicas. Shown is trial ${String(pair[0].trial)}, of ${String(pairs.length)} that count; the appendix has the others. Kubernetes scales down five minutes after a load at the earliest, so that no run of five minutes shows it.`,
      ),
      {
        kind: 'table',
        columns: [left('In this trial'), ...sides.map(({ label }) => right(label))],
        rows: [
          [
            'Most replicas that were ready',
            ...value((part) => number(max(part.read('timeline').map((row) => row.ready_replicas)))),
          ],
          [
            'More than one replica wanted, after s',
            ...value((part) => firstSecond(part, ({ desired_replicas }) => desired_replicas > 1)),
          ],
          [
            'More than one replica ready, after s',
            ...value((part) => firstSecond(part, ({ ready_replicas }) => ready_replicas > 1)),
          ],
          ['A second replica’s first answer, after s', ...value(secondAnswer)],
          ['Failed requests', ...value((part) => number(part.read('verdict').failures))],
          ['Median latency, ms', ...value((part) => number(percentile([latencyOf(part)], 0.5) / 1000))],
          ['99th percentile, ms', ...value((part) => number(percentile([latencyOf(part)], 0.99) / 1000))],
        ],
        source:
          'autoscale/<trial>/<target>_timeline.csv, _replicas.csv, _verdict.json, _latency.csv; the answers of TensorFlow Serving don’t tell which replica they come from',
      },
      await timeline(pair, sides),
    ],
  };
}

function firstSecond(
  part: Part,
  holds: (row: { desired_replicas: number; ready_replicas: number }) => boolean,
): string {
  const row = part.read('timeline').find(holds);
  return row ? number(Math.max(0, Math.round(row.timestamp_s - startOf(part)))) : 'never';
}

function secondAnswer(part: Part): string {
  if (!part.has('replicas')) return ABSENT;
  const row = answersOf(part).find(({ replica }) => replica === 2);
  return row ? number(row.second) : 'never';
}

/** What a node costs. */
export interface Price {
  dollarsPerHour: number;
  cpus: number;
}

export function cost(figures: readonly Figure[], sides: Sides, { dollarsPerHour, cpus }: Price): Section | undefined {
  const cpu = figures.find(({ key }) => key === 'cpu_per_request_us');
  if (!cpu?.values.every(Boolean)) return undefined;
  const dollars = (microseconds: number) => (microseconds * dollarsPerHour) / (cpus * 3600);
  return {
    title: 'Cost of a million requests',
    blocks: [
      paragraph(
        `A node of ${number(cpus)} CPUs for ${number(dollarsPerHour)} US dollars an hour is assumed (--node-price and --node-cpus set another one), and that its CPUs are used up. Only the target’s CPU counts: neither memory, nor network, nor what stands in front of it.`,
      ),
      {
        kind: 'table',
        columns: [
          left('A million requests'),
          ...sides.map(({ label }) => right(label)),
          right('Ratio (95 % interval)'),
        ],
        rows: [
          ['CPU, s', ...cpu.values.map((estimate) => number(estimate?.value ?? NaN)), ratioWithInterval(cpu.ratio)],
          [
            'US dollars',
            ...cpu.values.map((estimate) => number(dollars(estimate?.value ?? NaN))),
            ratioWithInterval(cpu.ratio),
          ],
        ],
        source: `CPU per request · ${number(dollarsPerHour)} ÷ ${number(cpus)} ÷ 3600`,
      },
    ],
  };
}

export async function batchSizes(sides: Sides): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'batch');
  if (pairs.length === 0) return undefined;
  const rows = sides.flatMap(({ label }, index) =>
    batchRows(
      pairs.map((pair) => pair[index]).filter((part) => part !== undefined),
      label,
    ),
  );
  return {
    title: 'Batch size',
    blocks: [
      paragraph(`${counted(pairs.length, 'trial')} of each count; four users, one replica.`),
      sideBySide(
        'Values in a request',
        sides,
        rows,
        ({ batch }) => batch,
        { 'values/s': ({ values }) => values, 'p50, ms': ({ p50 }) => p50 },
        'batch/*/<target>_steps.csv and _latency.csv, all trials together',
      ),
      await batches(rows, sides),
    ],
  };
}

function batchRows(parts: readonly Part[], side: string): Batch[] {
  const sizes = [...new Set(parts.flatMap((part) => part.read('steps').map(({ batch }) => batch)))].sort(
    (a, b) => a - b,
  );
  return sizes.flatMap((batch) => {
    const steps = parts.flatMap((part) =>
      part
        .read('steps')
        .filter((step) => step.batch === batch)
        .map((step) => ({ part, step })),
    );
    const values =
      (batch * sum(steps.map(({ step }) => step.requests - step.failures))) /
      sum(steps.map(({ step }) => step.end_s - step.start_s));
    const p50 =
      percentile(
        steps.map(({ part, step }) => latencyOf(part, step.step)),
        0.5,
      ) / 1000;
    return values > 0 ? { side, batch, values, p50 } : [];
  });
}

export async function coldStart(sides: Sides): Promise<Section | undefined> {
  const [first = [], second = []] = sides.map((side) =>
    partsOf(side, 'coldstart').flatMap((part) => (part.has('coldstarts') ? part.read('coldstarts') : [])),
  );
  if (first.length === 0 || second.length === 0) return undefined;
  const stats = (tell: (times: number[]) => number) =>
    [first, second].map((starts) => number(tell(starts.map(({ first_answer_ms }) => first_answer_ms)) / 1000));
  return {
    title: 'Cold start',
    blocks: [
      await coldStarts([first, second], sides),
      {
        kind: 'table',
        columns: [left('First right answer, s'), ...sides.map(({ label }) => right(label))],
        rows: [
          ['Starts', number(first.length), number(second.length)],
          ['Quickest', ...stats((times) => Math.min(...times))],
          ['Median', ...stats(median)],
          ['Slowest', ...stats((times) => Math.max(...times))],
        ],
        source: 'coldstart/1/<target>_coldstarts.csv: first_answer_ms. The images were on the node already',
      },
    ],
  };
}
