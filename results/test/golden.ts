// A results folder so small that its figures can be worked out by hand, as report.test.ts does. Like all runs in tests
// it is SYNTHETIC.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENVIRONMENT, fileName, type Environment } from '../files.ts';
import type { RunEnvironment } from '../report/measurements.ts';
import { environmentOf, MADE_UP, verdictOf, type MadeUp } from './synthetic.ts';

/** Begin of every load, Unix time in s. */
const START = 1_767_225_600;

/** What the run has of one target. */
interface Data {
  /** Requests to a bare server by latency in ms: at each rate of `sweep`, and at each of the first two of `autoscale`. */
  bare: { floor: Record<number, number>; scaling: Record<number, number>[] };
  /** By trial of `sweep`. */
  sweep: Sweep[];
  /**
   * Of both trials of `autoscale`, whose rates are 100, 200 and 400 requests/s: requests by latency in ms in each step,
   * counters of CPU time at the ends of the steps by pod, and the seconds in which the autoscaler asked for a second
   * replica, and in which there were two.
   */
  autoscale: { ms: Record<number, number>[]; cpu: Record<string, (number | null)[]>; wanted: number; second: number };
  /** Of both trials of `batch`, with 1, 100 and 10 000 values: CPU of a request in µs, and its latency in ms. */
  batch: { cpu: [number, number, number]; ms: [number, number, number] };
  /** First answers in ms, and the bytes of the image, and of the memory when idle and loaded. */
  starts?: { ms: number[]; bytes: [number, number, number] };
}

interface Sweep {
  /** Requests by latency in ms, at each of the first of `RATES`. */
  ms: Record<number, number>[];
  /** Right answers in 10 s at the rate behind them, which the target does not sustain; undefined if it was not offered. */
  saturated?: number;
  /** CPU of a request, µs. */
  cpu: number;
}

/** Rates of `sweep` in requests/s; each step takes 10 s. */
const RATES = [25, 50, 100, 200, 400, 800];

const FUNCTION = [
  { 1: 98, 2: 2 },
  { 1: 98, 2: 2 },
  { 1: 98, 2: 2 },
  { 1: 90, 5: 10 },
  { 4: 90, 20: 10 },
];
const SLOW = [
  { 2: 98, 4: 2 },
  { 2: 98, 4: 2 },
  { 2: 98, 2.5: 2 },
];
const GRPC = RATES.map(() => ({ 1: 98, 3: 2 }));

/** The function again differs in its CPU only. */
const AGAIN_SWEEP: Sweep[] = [120, 110, 108].map((cpu) => ({ ms: FUNCTION, saturated: 4500, cpu }));

const RUN: Record<MadeUp, Data> = {
  function: {
    bare: { floor: { 0.5: 98, 1: 2 }, scaling: [{ 0.5: 100 }, { 0.5: 100 }] },
    sweep: [
      { ms: FUNCTION, saturated: 4500, cpu: 100 },
      { ms: FUNCTION, saturated: 4600, cpu: 110 },
      { ms: FUNCTION, saturated: 4400, cpu: 90 },
    ],
    // The second pod was first read 10 s after the load began: all of its CPU counts.
    autoscale: {
      ms: [{ 1: 100 }, { 1: 90, 4: 10 }, { 50: 100 }],
      cpu: { a: [10, 11, 13, 20], b: [null, 0.5, 1.5, 9] },
      wanted: 1,
      second: 5,
    },
    batch: { cpu: [100, 200, 8000], ms: [1, 1, 10] },
    starts: { ms: [100, 200, 300], bytes: [100e6, 50e6, 80e6] },
  },
  tfserving: {
    bare: { floor: { 2.5: 98, 3: 2 }, scaling: [{ 0.5: 100 }, { 1.5: 100 }] },
    sweep: [
      { ms: [...SLOW, { 10: 90, 40: 10 }], saturated: 3000, cpu: 200 },
      { ms: [...SLOW, { 10: 90, 160: 10 }], saturated: 2900, cpu: 200 },
      { ms: [...SLOW, { 10: 90, 40: 10 }], saturated: 3100, cpu: 200 },
    ],
    autoscale: { ms: [{ 2: 100 }, { 8: 100 }, { 90: 100 }], cpu: { a: [10, 13, 19, 30] }, wanted: 5, second: 15 },
    batch: { cpu: [200, 400, 32_000], ms: [2, 2, 20] },
    starts: { ms: [400, 400, 1000], bytes: [400e6, 250e6, 320e6] },
  },
  // Its cold starts and sizes are those of the same release, and its third trial of `sweep` is missing. It sustains each rate.
  'tfserving-grpc': {
    bare: { floor: { 0.5: 98, 1: 2 }, scaling: [{ 0.5: 100 }, { 1: 100 }] },
    sweep: [
      { ms: GRPC, cpu: 250 },
      { ms: GRPC, cpu: 250 },
    ],
    autoscale: { ms: [{ 2: 100 }, { 4: 100 }, { 60: 100 }], cpu: { a: [10, 12, 16, 25] }, wanted: 2, second: 10 },
    batch: { cpu: [200, 400, 1000], ms: [2, 2, 5] },
  },
};

interface Golden {
  targets: readonly MadeUp[];
  environment: Partial<RunEnvironment>;
}

export function writeGoldenRun(folder: string, { targets = MADE_UP, environment }: Partial<Golden> = {}): void {
  const put: Put = (path, lines) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), `${lines.map((cells) => cells.join(',')).join('\n')}\n`);
  };
  for (const target of targets) {
    const { bare, sweep, starts } = RUN[target];
    putBare(
      put,
      `calibrate/3/${target}`,
      RATES.map((rate) => ({ rate, ms: bare.floor })),
    );
    putBare(
      put,
      `calibrate/4/${target}`,
      bare.scaling.map((ms, index) => ({ rate: [100, 200][index] ?? NaN, ms })),
    );
    sweep.forEach((trial, index) => putSweep(put, `sweep/${String(index + 1)}/${target}`, trial));
    if (target === 'function')
      AGAIN_SWEEP.forEach((trial, index) => putSweep(put, `sweep/${String(index + 1)}/function-again`, trial));
    for (const trial of ['1', '2']) {
      putAutoscale(put, `autoscale/${trial}/${target}`, RUN[target].autoscale, target === 'tfserving');
      const verdict = verdictOf(target, { requests: 7000, seconds: 30 });
      writeFileSync(join(folder, 'autoscale', trial, fileName(target, 'verdict')), JSON.stringify(verdict));
      putBatch(put, `batch/${trial}/${target}`, RUN[target].batch);
    }
    if (starts) putStarts(put, `coldstart/1/${target}`, starts);
  }
  put('scale-from-zero/1/function_zerostarts.csv', [
    ['start', 'first_answer_ms'],
    [0, 1300],
    [1, 1100],
    [2, 1700],
  ]);
  const { interfaces, ...others } = environmentOf(targets, environment);
  // Between clients of two protocols nobody could say which median latency is lower at which batch size.
  const alike = Object.entries(interfaces).map(([target, known]) => [target, { ...known, protocol: 'http' }]);
  const text = JSON.stringify({ ...others, interfaces: Object.fromEntries(alike) as unknown });
  writeFileSync(join(folder, ENVIRONMENT), text);
}

type Put = (path: string, lines: (string | number)[][]) => void;

function putBare(put: Put, path: string, loads: { rate: number; ms: Record<number, number> }[]): void {
  put(`${path}_latency.csv`, [LATENCY, ...loads.flatMap(({ ms }, step) => buckets(step, 'response', ms))]);
  put(`${path}_steps.csv`, [
    STEPS,
    ...loads.map(({ rate }, step) => [step, 4, 1, rate, ...during(step), 100, 0, 0, 0]),
  ]);
}

function putSweep(put: Put, path: string, { ms, saturated, cpu }: Sweep): void {
  const loads = ms.map((counts, step) => ({ counts, rate: RATES[step] ?? NaN, answers: 10 * (RATES[step] ?? NaN) }));
  const overload = saturated === undefined ? [] : [{ counts: {}, rate: RATES[ms.length] ?? NaN, answers: saturated }];
  const steps = [...loads, ...overload];
  put(`${path}_latency.csv`, [
    LATENCY,
    // What took so long from its sending is left out, and so is what a saturated target answered.
    [0, 'service', 'ok', 10, 100],
    ...loads.flatMap(({ counts }, step) => buckets(step, 'response', counts)),
    ...overload.flatMap(() => buckets(ms.length, 'response', { 5000: 100 })),
  ]);
  put(`${path}_steps.csv`, [
    STEPS,
    ...steps.map(({ rate, answers }, step) => [
      step,
      4,
      1,
      rate,
      ...during(step),
      answers,
      0,
      0,
      step < ms.length ? 0 : 1,
    ]),
  ]);
  const perSecond = steps.flatMap(({ answers }) => Array<number>(10).fill(answers / 10));
  put(`${path}_seconds.csv`, secondsOf(perSecond));
  let used = 7;
  const counters = steps.map(({ answers }, step) => [10 * step + 10, (used += (answers * cpu) / 1e6)]);
  put(`${path}_pods.csv`, [PODS, ...podRows('a', [[0, 7], ...counters])]);
}

/** @param isSlow the target can't keep up with the third rate */
function putAutoscale(put: Put, path: string, { ms, cpu, wanted, second }: Data['autoscale'], isSlow: boolean): void {
  put(`${path}_latency.csv`, [LATENCY, ...ms.flatMap((counts, step) => buckets(step, 'response', counts))]);
  put(`${path}_steps.csv`, [
    STEPS,
    ...[100, 200, 400].map((rate, step) => {
      return [step, 4, 1, rate, ...during(step), 10 * rate, 0, 0, isSlow && rate === 400 ? 1 : 0];
    }),
  ]);
  put(`${path}_seconds.csv`, secondsOf(Array<number>(30).fill(200)));
  const read = Object.entries(cpu).flatMap(([pod, counters]) =>
    podRows(
      pod,
      counters.flatMap((counter, index) => (counter === null ? [] : [[10 * index, counter]])),
    ),
  );
  put(`${path}_pods.csv`, [PODS, ...read]);
  put(`${path}_timeline.csv`, [
    ['timestamp_s', 'desired_replicas', 'ready_replicas', 'cpu_cores', 'memory_bytes'],
    ...Array.from({ length: 30 }, (_, at) => [START + at, at < wanted ? 1 : 2, at < second ? 1 : 2, 0.1, 1]),
  ]);
}

function putBatch(put: Put, path: string, { cpu, ms }: Data['batch']): void {
  put(`${path}_latency.csv`, [LATENCY, ...ms.flatMap((time, step) => buckets(step, 'service', { [time]: 1000 }))]);
  put(`${path}_steps.csv`, [
    STEPS,
    ...[1, 100, 10_000].map((batch, step) => [step, 4, batch, '', ...during(step), 1000, 0, 0, 0]),
  ]);
  put(`${path}_seconds.csv`, secondsOf(Array<number>(30).fill(100)));
  // Within each step, 8 s of 100 requests/s lie between the two readings.
  const rises = cpu.flatMap((microseconds, step) => [
    [10 * step + 1, step],
    [10 * step + 9, step + (800 * microseconds) / 1e6],
  ]);
  put(`${path}_pods.csv`, [PODS, ...podRows('a', rises)]);
}

function putStarts(put: Put, path: string, { ms, bytes }: NonNullable<Data['starts']>): void {
  put(`${path}_coldstarts.csv`, [
    ['start', 'pod_created_s', 'first_answer_ms', 'first_service_answer_ms'],
    ...ms.map((firstAnswer, start) => [start, START, firstAnswer, '']),
  ]);
  put(`${path}_footprint.csv`, [
    ['what', 'bytes'],
    ...['image', 'memory_idle', 'memory_loaded'].map((what, index) => [what, bytes[index] ?? 0]),
  ]);
}

const LATENCY = ['step', 'clock', 'outcome', 'latency_us', 'count'];
const STEPS = 'step,users,batch,offered_rate,start_s,end_s,requests,failures,wrong_answers,saturated'.split(',');
const PODS = ['timestamp_s', 'pod', 'cpu_seconds', 'memory_bytes'];

/** Begin and end of a step of 10 s. */
function during(step: number): [number, number] {
  return [START + step * 10, START + step * 10 + 10];
}

function buckets(step: number, clock: string, ms: Record<number, number>): (string | number)[][] {
  return Object.entries(ms).map(([latency, count]) => [step, clock, 'ok', Number(latency) * 1000, count]);
}

/** @param requests of each second */
function secondsOf(requests: readonly number[]): (string | number)[][] {
  return [
    ['timestamp_s', 'users', 'requests', 'failures', 'p50_us', 'p99_us', 'max_us'],
    ...requests.map((count, second) => [START + second, 4, count, 0, 1000, 3000, 3000]),
  ];
}

/** @param readings seconds since the load began, and the counter then */
function podRows(pod: string, readings: number[][]): (string | number)[][] {
  return readings.map(([at = NaN, counter = NaN]) => [START + at, pod, counter, 1]);
}

/** Changes members of a run's environment. */
export function changeEnvironment(folder: string, members: Partial<Environment>): void {
  const path = join(folder, ENVIRONMENT);
  const environment = JSON.parse(readFileSync(path, 'utf8')) as Environment;
  writeFileSync(path, JSON.stringify({ ...environment, ...members }));
}
