// A results folder so small that its figures can be worked out by hand, as report.test.ts does. Like all runs in tests
// it is SYNTHETIC.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TARGETS, type Environment, type Target } from '../files.ts';
import { ENVIRONMENT } from '../files.ts';
import { writeSyntheticRun } from './synthetic/run.ts';

/** Begin of every load, Unix time in s. */
const START = 1_767_225_600;

/** By target, what one trial of it is. */
interface Trial {
  /** Requests by latency in ms. */
  latency: Record<number, number>;
  /** CPU seconds of 200 requests. */
  cpu: number;
  /** Right answers in 10 s with 1, 2 and 4 users. */
  answers: [number, number, number];
}

const TRIALS: Record<Target, Trial[]> = {
  function: [
    { latency: { 1: 98, 3: 2 }, cpu: 0.02, answers: [100, 400, 390] },
    { latency: { 1: 98, 3: 2 }, cpu: 0.022, answers: [100, 390, 410] },
    { latency: { 1: 98, 3: 2 }, cpu: 0.018, answers: [100, 390, 390] },
  ],
  tfserving: [
    { latency: { 2: 90, 6: 10 }, cpu: 0.04, answers: [50, 100, 100] },
    { latency: { 2: 90, 6: 10 }, cpu: 0.04, answers: [50, 100, 90] },
    { latency: { 2: 90, 6: 10 }, cpu: 0.04, answers: [50, 90, 100] },
  ],
};

const COLD_STARTS: Record<Target, number[]> = { function: [100, 200, 300], tfserving: [400, 400, 1000] };
const BYTES: Record<Target, number[]> = { function: [100e6, 50e6, 80e6], tfserving: [400e6, 250e6, 320e6] };

export function writeGoldenRun(folder: string): void {
  // Its environment, whose CPU limit of the single replica is 200m.
  writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['coldstart'] });
  const put = (path: string, lines: (string | number)[][]) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), `${lines.map((cells) => cells.join(',')).join('\n')}\n`);
  };
  for (const target of TARGETS) {
    TRIALS[target].forEach(({ latency, cpu, answers }, index) => {
      const trial = String(index + 1);
      const buckets = Object.entries(latency).map(([ms, count]) => [Number(ms) * 1000, count]);
      put(`latency/${trial}/${target}_latency.csv`, [
        LATENCY,
        // The percentiles leave these two rows out.
        [0, 'service', 'ok', 10, 100],
        [0, 'response', 'failed', 9_000_000, 100],
        ...buckets.map(([us = 0, count = 0]) => [0, 'response', 'ok', us, count]),
      ]);
      put(`latency/${trial}/${target}_steps.csv`, [STEPS, [0, 4, 1, 100, START, START + 10, 1000, 0, 0]]);
      put(`latency/${trial}/${target}_seconds.csv`, [
        ['timestamp_s', 'users', 'requests', 'failures', 'p50_us', 'p99_us', 'max_us'],
        ...Array.from({ length: 10 }, (_, second) => [START + second, 4, 100, 0, 1000, 3000, 3000]),
      ]);
      put(`latency/${trial}/${target}_pods.csv`, [
        ['timestamp_s', 'pod', 'cpu_seconds', 'memory_bytes'],
        // Before the load, from 0.5 s to 2.5 s of it, and after it: 2 s of 100 requests/s count.
        [START - 1, target, 7, 1],
        [START + 0.5, target, 10, 1],
        [START + 2.5, target, 10 + cpu, 1],
        [START + 11, target, 99, 1],
      ]);
      put(`capacity/${trial}/${target}_latency.csv`, [
        LATENCY,
        ...answers.map((count, step) => [step, 'service', 'ok', 1000, count]),
      ]);
      put(`capacity/${trial}/${target}_steps.csv`, [
        STEPS,
        ...answers.map((count, step) => [
          step,
          2 ** step,
          1,
          '',
          START + step * 10,
          START + step * 10 + 10,
          count + 5,
          5,
          0,
        ]),
      ]);
    });
    put(`coldstart/1/${target}_coldstarts.csv`, [
      ['start', 'pod_created_s', 'first_answer_ms', 'first_service_answer_ms'],
      ...COLD_STARTS[target].map((ms, start) => [start, START, ms, '']),
    ]);
    put(`coldstart/1/${target}_footprint.csv`, [
      ['what', 'bytes'],
      ...['image', 'memory_idle', 'memory_loaded'].map((what, index) => [what, BYTES[target][index] ?? 0]),
    ]);
  }
  put('scale-from-zero/1/function_zerostarts.csv', [
    ['start', 'first_answer_ms'],
    [0, 1300],
    [1, 1100],
    [2, 1700],
  ]);
}

const LATENCY = ['step', 'clock', 'outcome', 'latency_us', 'count'];
const STEPS = ['step', 'users', 'batch', 'offered_rate', 'start_s', 'end_s', 'requests', 'failures', 'wrong_answers'];

/** Changes members of a run's environment. */
export function changeEnvironment(folder: string, members: Partial<Environment>): void {
  const path = join(folder, ENVIRONMENT);
  const environment = JSON.parse(readFileSync(path, 'utf8')) as Environment;
  writeFileSync(path, JSON.stringify({ ...environment, ...members }));
}
