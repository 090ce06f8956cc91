// The sections of the report about what was measured: one for each experiment, none where it was not run.

import { max, median, sum } from 'simple-statistics';
import type { Row } from '../files.ts';
import {
  batches,
  bothSides,
  coldStarts,
  latencies,
  saturation as saturationChart,
  sideBySide,
  type Batch,
  type Saturation,
  type Sides,
} from './charts.ts';
import { left, paragraph, right, type Block, type Cell, type Section } from './document.ts';
import type { Figure } from './figures.ts';
import { ABSENT, counted, interval, number, percent, ratioWithInterval, words } from './format.ts';
import {
  byHold,
  latencyOf,
  pairsOf,
  partsOf,
  startsOf,
  throttledShare,
  throughputOf,
  zeroStartsOf,
  type Part,
  type Side,
} from './measurements.ts';
import { countOf, percentile, percentileInterval, type Histogram, type Pair } from './statistics.ts';
import { answersOf, samplesOf, startOf, timeline } from './timeline.ts';
import { cpuLimit, list, replicaBounds, scalesByDefault, valuesOf } from './plan.ts';
import { floorOf } from './verdict.ts';

const SHARES = [0.5, 0.9, 0.95, 0.99, 0.999];

export async function latency(sides: Sides, noise: readonly Figure[]): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'latency');
  const [pair] = pairs;
  if (!pair) return undefined;
  const histograms = ofBoth(pairs, (part) => latencyOf(part));
  const rate = pair[0].read('steps')[0]?.offered_rate;
  const own = sides.map(ownLatency);
  const floors = noise.flatMap((figure) => {
    const floor = floorOf(figure);
    return floor === undefined ? [] : `${figure.name} ${percent(floor - 1)}`;
  });
  return {
    title: 'Latency at the same rate',
    blocks: [
      paragraph(
        `${trialsOfEach(pairs)}, at ${number(rate ?? NaN)} requests/s to one replica, ${cpuLimit(sides, 'latency')}. ` +
          'Users notice the slowest requests, so the scale gives the tail its room.' +
          (floors.length > 0
            ? ` Measured against itself, the function differs by up to (95 % interval): ${words(floors)}. ` +
              'The report takes a smaller difference for noise.'
            : '') +
          (own.some(Boolean)
            ? ' A bare server that only answers, asked at the same rate in the same form, shows how much of each latency ' +
              'belongs to the load generator and the network.'
            : ''),
      ),
      ...throttled(pairs, sides),
      await latencies(histograms, sides),
      {
        kind: 'table',
        columns: [
          left('Percentile, ms'),
          ...sides.flatMap(({ label }, index) => [
            right(label),
            right('95 % interval'),
            ...(own[index] ? [right('Bare server')] : []),
          ]),
        ],
        rows: SHARES.map((share) => [
          `${number(100 * share)} %`,
          ...histograms.flatMap((some, index) => {
            const its = percentileInterval(some, share);
            const ms = (us: number) => number(us / 1000);
            const bare = own[index];
            return [
              ms(percentile(some, share)),
              its ? interval(its, ms) : 'too few requests',
              ...(bare ? [ms(percentile([bare], share))] : []),
            ];
          }),
        ]),
        source: `latency/*/<target>_latency.csv; ${words(histograms.map((some, index) => `${number(countOf(some))} answers of ${sides[index]?.name ?? ''}`))}`,
      },
    ],
  };
}

/** The trial of `calibrate` that asks a bare server at the rate of the latency experiment. */
const FLOOR_TRIAL = 3;

/** The latencies of a bare server that was asked as this side was; undefined where none was. */
function ownLatency(side: Side): Histogram | undefined {
  const part = partsOf(side, 'calibrate').find(({ trial }) => trial === FLOOR_TRIAL);
  return part && latencyOf(part);
}

/** A target that the kernel stops at its limit in more than this share of its CPU periods shows that in its p99. */
const MOST_THROTTLED = 0.01;

/** An alert for each side whose latencies are those of its CPU limit. */
function throttled(pairs: readonly Pair<Part>[], sides: Sides): Block[] {
  return bothSides(sides, ofBoth(pairs, throttledShare), (shares, label): Block[] => {
    const most = max([0, ...shares.map((share) => share ?? 0)]);
    if (most <= MOST_THROTTLED) return [];
    return [
      {
        kind: 'alert',
        text:
          `${label} stood at its CPU limit in up to ${percent(most)} of its CPU periods: its slowest answers waited for the ` +
          'kernel to let it go on. They tell of the limit, and not of the target.',
      },
    ];
  });
}

/** The knee is where this share of the highest throughput is reached: from there on, more users only wait longer. */
const KNEE_SHARE = 0.95;

export async function saturation(sides: Sides): Promise<Section | undefined> {
  const pairs = pairsOf(...sides, 'capacity');
  if (pairs.length === 0) return undefined;
  const parts = ofBoth(pairs, (part) => part);
  const rows = bothSides(sides, parts, curve);
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
        `${trialsOfEach(pairs)}, of one replica ${cpuLimit(sides, 'capacity')}. The knee, where ` +
          `${number(100 * KNEE_SHARE)} % of the highest throughput is reached, is for ${words(told)}.`,
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

/** What a side answered with each number of users that all of its trials reached. */
function curve(parts: readonly Part[], side: string): Saturation[] {
  return together(parts, ({ users }) => users).flatMap(({ key, steps, answersPerSecond, histograms }) =>
    steps < parts.length
      ? []
      : {
          side,
          users: key,
          throughput: answersPerSecond,
          p50: percentile(histograms, 0.5) / 1000,
          p99: percentile(histograms, 0.99) / 1000,
        },
  );
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
        `Both targets get the same rates (${list(valuesOf(sides[0].measurements, 'autoscale', (step) => step.offered_rate))} ` +
          `requests/s, one after another), with ${replicaBounds(sides)}. This is trial ${pair[0].trial} of the ` +
          `${pairs.length} that count; the appendix has the others.` +
          (scalesByDefault(sides)
            ? ' Kubernetes waits five minutes before it scales down, so you see no replica leave here.'
            : ''),
      ),
      {
        kind: 'table',
        columns: [left('In this trial'), ...sides.map(({ label }) => right(label))],
        rows: [
          ['Most replicas that were ready', ...value(mostReady)],
          [
            'More than one replica wanted, after s',
            ...value((part) => firstSecond(part, ({ desired_replicas }) => desired_replicas > 1)),
          ],
          [
            'More than one replica ready, after s',
            ...value((part) => firstSecond(part, ({ ready_replicas }) => ready_replicas > 1)),
          ],
          ['A second replica’s first answer, after s', ...value(secondAnswer)],
          ['Highest rate that was kept up with, requests/s', ...value(heldRate)],
          ...(pair.some((part) => byHold(part).saturated.length > 0)
            ? [['Answers/s where it could not keep up', ...value(overload)]]
            : []),
          ['Failed requests', ...value((part) => number(part.read('verdict').failures))],
          ['Median latency, ms', ...value((part) => number(percentile([latencyOf(part)], 0.5) / 1000))],
          ['99th percentile, ms', ...value((part) => number(percentile([latencyOf(part)], 0.99) / 1000))],
        ],
        source:
          'autoscale/<trial>/<target>_timeline.csv, _replicas.csv, _verdict.json, _latency.csv; answers of TensorFlow Serving ' +
          'don’t name the replica that gave them',
      },
      await timeline(pair, sides),
    ],
  };
}

function heldRate(part: Part): string {
  return number(byHold(part).held.at(-1)?.offered_rate ?? NaN);
}

/** Such as `4,237 of 4,731`. */
function overload(part: Part): string {
  const [step] = byHold(part).saturated;
  return step ? `${number(throughputOf(step))} of ${number(step.offered_rate ?? NaN)}` : ABSENT;
}

function mostReady(part: Part): string {
  const ready = samplesOf(part).map(({ ready_replicas }) => ready_replicas);
  return ready.length > 0 ? number(max(ready)) : ABSENT;
}

function firstSecond(part: Part, holds: (row: Row<'timeline'>) => boolean): string {
  const samples = samplesOf(part);
  const row = samples.find(holds);
  if (!row) return samples.length > 0 ? 'never' : ABSENT;
  return number(Math.max(0, Math.round(row.timestamp_s - startOf(part))));
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
  if (!cpu || cpu.why !== undefined) return undefined;
  const dollars = (microseconds: number) => (microseconds * dollarsPerHour) / (cpus * 3600);
  return {
    title: 'Cost of a million requests',
    blocks: [
      paragraph(
        `The price assumes a node of ${number(cpus)} CPUs for ${number(dollarsPerHour)} US dollars an hour, with every CPU busy; ` +
          '--node-price and --node-cpus set another one. Only the CPU of the target counts: memory, network and ' +
          'anything in front of the target are left out.',
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
  const rows = bothSides(
    sides,
    ofBoth(pairs, (part) => part),
    batchRows,
  );
  return {
    title: 'Batch size',
    blocks: [
      paragraph(
        `${trialsOfEach(pairs)}, with ${counted(valuesOf(sides[0].measurements, 'batch', ({ users }) => users).at(-1) ?? NaN, 'user')} ` +
          `and one replica ${cpuLimit(sides, 'batch')}.`,
      ),
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
  return together(parts, ({ batch }) => batch)
    .map(({ key, answersPerSecond, histograms }) => ({
      side,
      batch: key,
      values: key * answersPerSecond,
      p50: percentile(histograms, 0.5) / 1000,
    }))
    .filter(({ values }) => values > 0);
}

export async function coldStart(sides: Sides): Promise<Section | undefined> {
  const [first, second] = [startsOf(sides[0]), startsOf(sides[1])];
  if (first.length === 0 || second.length === 0) return undefined;
  const columns = sides.map(({ label }, index) => ({ label, starts: index === 0 ? first : second }));
  const source = 'coldstart/1/<target>_coldstarts.csv: first_answer_ms. The node had the images already';
  return {
    title: 'Cold start',
    blocks: [
      await coldStarts([first, second], sides),
      startTable(columns, source),
      ...sides.flatMap((side, index) => fromZero(side, index === 0 ? first : second)),
    ],
  };
}

/** The function on Knative, asked when no pod of it ran, beside a plain pod of it; nothing without such a measurement. */
function fromZero(side: Side, plain: readonly Row<'coldstarts'>[]): Block[] {
  const starts = zeroStartsOf(side);
  if (starts.length === 0) return [];
  const columns = [
    { label: `${side.label} on Knative, from no pod`, starts },
    { label: `${side.label}, a new pod`, starts: plain },
  ];
  return [
    paragraph(
      'On Knative no pod runs while nobody asks. The first request waits at Knative’s activator until a pod is ready: ' +
        'its time counts from the request, and that of a new pod from the pod’s creation.',
    ),
    startTable(
      columns,
      'scale-from-zero/1/function_zerostarts.csv and coldstart/1/function_coldstarts.csv: first_answer_ms',
    ),
  ];
}

function startTable(
  columns: readonly { label: string; starts: readonly { first_answer_ms: number }[] }[],
  source: string,
): Block {
  const row = (name: string, tell: (times: number[]) => number) => [
    name,
    ...columns.map(({ starts }) => number(tell(starts.map(({ first_answer_ms }) => first_answer_ms)) / 1000)),
  ];
  return {
    kind: 'table',
    columns: [left('First right answer, s'), ...columns.map(({ label }) => right(label))],
    rows: [
      ['Starts', ...columns.map(({ starts }) => number(starts.length))],
      row('Quickest', (times) => Math.min(...times)),
      row('Median', median),
      row('Slowest', (times) => Math.max(...times)),
    ],
    source,
  };
}

/** Such as `3 trials of each target count`. */
function trialsOfEach({ length }: readonly Pair<Part>[]): string {
  return length === 1 ? '1 trial of each target counts' : `${length} trials of each target count`;
}

/** Takes something out of the trials of each side. */
function ofBoth<T>(pairs: readonly Pair<Part>[], take: (part: Part) => T): Pair<T[]> {
  return [pairs.map(([part]) => take(part)), pairs.map(([, part]) => take(part))];
}

/**
 * Adds up the steps of all trials that have a number in common, such as their users.
 * @returns one entry for each such number, rising: how many steps it stands for, their right answers by their time, and
 * a histogram of each
 */
function together(parts: readonly Part[], keyOf: (step: Row<'steps'>) => number) {
  const all = parts.flatMap((part) => part.read('steps').map((step) => ({ part, step })));
  const keys = [...new Set(all.map(({ step }) => keyOf(step)))].sort((a, b) => a - b);
  return keys.map((key) => {
    const its = all.filter(({ step }) => keyOf(step) === key);
    const answers = sum(its.map(({ step }) => step.requests - step.failures));
    const seconds = sum(its.map(({ step }) => step.end_s - step.start_s));
    const histograms = its.map(({ part, step }) => latencyOf(part, step.step));
    return { key, steps: its.length, answersPerSecond: answers / seconds, histograms };
  });
}
