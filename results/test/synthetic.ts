// Makes a results folder as `npm run compare` would leave it, without measuring anything: every figure in it is SYNTHETIC,
// drawn from stated truths and a seed. It is for tests of what reads results, lives only in them, and says so in its
// README.md and its environment.json. No clock and no machine go into it: the same options make the same bytes.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { max, median, min, sum } from 'simple-statistics';
import { readOptions, type Options } from '../../loadtest/compare/options.ts';
import type { Step } from '../../loadtest/compare/place.ts';
import { highestThroughput, tooFast } from '../../loadtest/compare/verdicts.ts';
import {
  ENVIRONMENT,
  fileName,
  KINDS,
  TARGETS,
  type CsvKind,
  type Environment,
  type Kind,
  type Row,
  type Target,
  type Verdict,
} from '../files.ts';
import { describe, format } from '../write.ts';

export const EXPERIMENTS = ['calibrate', 'autoscale', 'capacity', 'latency', 'noise', 'batch', 'coldstart'] as const;
export type ExperimentName = (typeof EXPERIMENTS)[number];

/** Of one target. */
export interface Truth {
  /** Requests/s of one replica at the CPU limit of all experiments but `autoscale`. */
  capacity: number;
  /** CPU of a request with one value, µs. */
  cpuMicroseconds: number;
  /** Lognormal, from the sending of a request, µs: at the load of the latency experiment. */
  latencyMicroseconds: { median: number; sigma: number };
  /** Median, from the pod's creation to its own first answer. */
  coldStartMs: number;
  imageBytes: number;
  memoryIdleBytes: number;
  memoryLoadedBytes: number;
  /** Share of requests that fail. */
  failureShare: number;
}

export interface Synthetic {
  trials: number;
  seed: number;
  /** Relative standard deviation between trials, lognormal with median 1: of capacities, of latencies, and of CPU. */
  trialSpread: number;
  experiments: readonly ExperimentName[];
  targets: readonly Target[];
  truths: Record<Target, Truth>;
  /** Loads that are to be INVALID, and why: a sentence each. */
  invalid: { experiment: string; trial: number; target: Target; reason: string }[];
  quick: boolean;
  mode: Environment['mode'];
}

export const DEFAULTS: Synthetic = {
  trials: 3,
  seed: 1,
  trialSpread: 0.03,
  experiments: EXPERIMENTS,
  targets: TARGETS,
  truths: {
    function: {
      capacity: 3400,
      cpuMicroseconds: 55,
      latencyMicroseconds: { median: 1100, sigma: 0.35 },
      coldStartMs: 900,
      imageBytes: 148_000_000,
      memoryIdleBytes: 48_000_000,
      memoryLoadedBytes: 76_000_000,
      failureShare: 0,
    },
    tfserving: {
      capacity: 700,
      cpuMicroseconds: 268,
      latencyMicroseconds: { median: 1900, sigma: 0.5 },
      coldStartMs: 2100,
      imageBytes: 505_000_000,
      memoryIdleBytes: 290_000_000,
      memoryLoadedBytes: 318_000_000,
      failureShare: 0.0001,
    },
  },
  invalid: [],
  quick: false,
  mode: 'cluster',
};

/** Requests/s that the load generator can send at most, in each target's form. */
const CEILINGS: Record<Target, number> = { function: 8100, tfserving: 7600 };
/** CPU of each further value of a request, µs. */
const MICROSECONDS_PER_VALUE: Record<Target, number> = { function: 0.2, tfserving: 0.26 };
/** By how much more CPU a replica may use in `autoscale` than in all other experiments: 500m, and 200m. */
const AUTOSCALE_CPU = 2.5;
/** What the autoscaler aims at for each replica: 80 % of the 100m that it requests, in cores. */
const AIM_CORES = 0.08;
const MOST_REPLICAS = 5;
const METRICS_SECONDS = 15;
const RATE_USERS = 32;
const SPAWN_RATE = 20;
const BUCKET_US = 10;
const START = Date.UTC(2026, 0, 1) / 1000;

/** @param folder compare would name it by the time at which the run began: 2026-01-01T00-00-00 */
export function writeSyntheticRun(folder: string, options: Partial<Synthetic> = {}): void {
  const run = begin(folder, { ...DEFAULTS, ...options });
  for (const experiment of EXPERIMENTS.filter((name) => run.experiments.includes(name))) {
    // On one machine, nothing scales.
    if (experiment === 'autoscale' && run.isLocal) continue;
    if (experiment === 'coldstart') for (const target of run.targets) startOften(run, target);
    else for (const [trial, target] of rounds(run, experiment)) measure(run, experiment, trial, target);
  }
  finish(run);
}

interface Run extends Synthetic {
  folder: string;
  isLocal: boolean;
  command: Options;
  /** Unix time. */
  now: number;
  ceilings: Partial<Record<Target, number>>;
  /** Requests/s, of each trial so far. */
  capacities: Record<Target, number[]>;
  verdicts: Environment['verdicts'];
  kinds: Set<Kind>;
}

function begin(folder: string, synthetic: Synthetic): Run {
  const { trials, seed, quick, mode } = synthetic;
  const isLocal = mode === 'local';
  const flags = [...(quick ? ['--quick'] : []), ...(isLocal ? ['--local'] : [])];
  const command = readOptions([...flags, '--trials', String(trials), '--seed', String(seed)]);
  const empty = { ceilings: {}, capacities: { function: [], tfserving: [] }, verdicts: [], kinds: new Set<Kind>() };
  return { ...synthetic, ...empty, folder, isLocal, command, now: START + 60 };
}

/** Trials and targets of an experiment, in the order in which they are measured. */
function rounds({ trials, targets }: Run, experiment: ExperimentName): [number, Target][] {
  const count = experiment === 'calibrate' ? 1 : experiment === 'noise' ? 2 * trials : trials;
  const its = experiment === 'noise' ? targets.filter((target) => target === 'function') : targets;
  return Array.from({ length: count }, (_, index) => index + 1).flatMap((trial) =>
    (trial % 2 === 1 ? its : its.toReversed()).map((target): [number, Target] => [trial, target]),
  );
}

/** Draws that depend on nothing but a text. */
class Draws {
  #state: number;

  constructor(text: string) {
    this.#state = createHash('sha256').update(text).digest().readUInt32LE();
  }

  /** From 0 up, below 1: mulberry32. */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Lognormal with median 1. */
  factor(relativeSd: number): number {
    return Math.exp(Math.sqrt(Math.log(1 + relativeSd ** 2)) * this.normal());
  }

  hex(length: number): string {
    return Array.from({ length }, () => Math.floor(this.uniform() * 16).toString(16)).join('');
  }
}

/** One load of one target. */
interface Load {
  experiment: ExperimentName;
  target: Target;
  /** What is true in this trial. */
  truth: Truth;
  /** First seconds of each step that are not measured. */
  settle: number;
  draws: Draws;
}

function measure(run: Run, experiment: ExperimentName, trial: number, target: Target): void {
  // A load has draws of its own, so that it stays the same, or nearly, when others are left out.
  const draws = new Draws(`${run.seed} ${experiment} ${trial} ${target}`);
  const truth = truthOf(run, experiment, target, draws);
  const load: Load = { experiment, target, truth, settle: run.command.pace.settle, draws };
  const steps = stepsOf(run, load);
  const { seconds, timeline, pods } = simulate(run, load, steps);

  const rows = stepRows(steps, seconds);
  const histograms = histogramsOf(seconds);
  const asked = run.invalid.filter(
    (each) => each.experiment === experiment && each.trial === trial && each.target === target,
  );
  const reasons = asked.map(({ reason }) => reason);
  if (experiment !== 'calibrate') reasons.unshift(...tooFast(rows, boundOf(run)));
  const verdict = judge(run, load, steps, seconds, histograms, reasons);
  const files: [Kind, string][] = [
    ...locustFiles(target, seconds),
    ['steps', csv('steps', rows)],
    ['latency', csv('latency', histograms.flatMap(latencyRows))],
    ['seconds', csv('seconds', seconds.map(secondRow))],
    ['generator', csv('generator', seconds.map(generatorRow))],
    ['verdict', `${JSON.stringify(verdict, null, 2)}\n`],
  ];
  if (target === 'function') files.push(['replicas', csv('replicas', seconds.flatMap(replicaRows))]);
  if (experiment === 'calibrate') run.ceilings[target] = verdict.throughput;
  else {
    files.push(['timeline', format('timeline', timeline)], ['pods', format('pods', pods)]);
    run.verdicts.push({ experiment, trial, target, verdict: verdict.verdict, reasons: verdict.reasons });
  }
  if (experiment === 'capacity') run.capacities[target].push(highestThroughput(rows));
  put(run, experiment, trial, target, files);
}

function put({ folder, kinds }: Run, experiment: string, trial: number, target: Target, files: [Kind, string][]): void {
  const path = join(folder, experiment, String(trial));
  mkdirSync(path, { recursive: true });
  for (const [kind, text] of files) {
    writeFileSync(join(path, fileName(target, kind)), text);
    kinds.add(kind);
  }
}

/** What is true in one trial: for `calibrate`, of a bare server that is faster than the load generator. */
function truthOf({ truths, trialSpread }: Run, experiment: ExperimentName, target: Target, draws: Draws): Truth {
  const truth = structuredClone(truths[target]);
  if (experiment === 'calibrate') {
    const latencyMicroseconds = { median: 100, sigma: 0.15 };
    return { ...truth, capacity: CEILINGS[target], latencyMicroseconds, failureShare: 0 };
  }
  truth.capacity *= draws.factor(trialSpread);
  truth.cpuMicroseconds *= draws.factor(trialSpread);
  truth.latencyMicroseconds.median *= draws.factor(trialSpread);
  return truth;
}

/** As loadtest/compare/experiments.ts asks for them. */
function stepsOf(run: Run, load: Load): Step[] {
  const { pace, users: most } = run.command;
  switch (load.experiment) {
    case 'calibrate':
      return [{ seconds: pace.calibrate, users: RATE_USERS }];
    case 'autoscale': {
      const part = { seconds: Math.floor(pace.runTime / 4), users: RATE_USERS };
      return [0.25, 0.5, 0.75, 1].map((share) => ({ ...part, rate: Math.floor(share * boundOf(run)) }));
    }
    case 'capacity': {
      const powers = Array.from({ length: Math.log2(most) + 1 }, (_, power) => 2 ** power);
      return untilSaturated(
        load,
        powers.map((users) => ({ seconds: pace.capacityStep, users })),
      );
    }
    case 'latency':
    case 'noise': {
      const capacities = run.targets.map((target) =>
        run.capacities[target].length > 0 ? median(run.capacities[target]) : run.truths[target].capacity,
      );
      return [{ seconds: pace.latency, users: RATE_USERS, rate: Math.floor(min([min(capacities) / 2, boundOf(run)])) }];
    }
    default:
      return [1, 10, 100, 1000, 10_000].map((batch) => ({ seconds: pace.batchStep, users: 4, batch }));
  }
}

/** Requests/s that no load may exceed. */
function boundOf({ ceilings }: Run): number {
  return 0.6 * min(TARGETS.map((target) => ceilings[target] ?? CEILINGS[target]));
}

/** Steps up to the second in a row in which throughput rises by less than 5 %. */
function untilSaturated(load: Load, steps: Step[]): Step[] {
  const rates = steps.map((step) => serve(load, step, 1).rate);
  const isFlat = rates.map((rate, index) => index > 0 && rate < 1.05 * max(rates.slice(0, index)));
  const end = isFlat.findIndex((_, index) => isFlat[index] && isFlat[index - 1]);
  return end < 0 ? steps : steps.slice(0, end + 1);
}

/** What is to be expected of a step: requests/s, and the median of their times in µs. */
function serve(load: Load, { users, rate, batch = 1 }: Step, replicas: number): { rate: number; median: number } {
  const { cpuMicroseconds, latencyMicroseconds, capacity } = load.truth;
  const { median, sigma } = latencyMicroseconds;
  if (rate === undefined) {
    // Users ask again at once: as many requests as they can wait for, or as the replica can answer; between is a knee.
    const mean = median * Math.exp(sigma ** 2 / 2) + cpuOf(load, batch) - cpuMicroseconds;
    const busy = (1e6 / capacity) * (cpuOf(load, batch) / cpuMicroseconds);
    const each = ((mean / users) ** 4 + busy ** 4) ** 0.25;
    return { rate: 1e6 / each, median: (users * each) / Math.exp(sigma ** 2 / 2) };
  }
  if (load.experiment !== 'autoscale') return { rate, median };
  // The more of the CPU limit they need, the longer they wait for it.
  const share = min([0.9, rate / (replicas * capacity * AUTOSCALE_CPU)]);
  return { rate, median: median / (1 - share) };
}

/** CPU of a request, µs. */
function cpuOf({ target, truth }: Load, batch: number): number {
  return truth.cpuMicroseconds + MICROSECONDS_PER_VALUE[target] * (batch - 1);
}

/** What the load generator does in a second. */
interface Phase {
  users: number;
  /** Nothing while the first users start. */
  sends: Step | undefined;
  /** Number of the step, if the second is measured. */
  step: number | undefined;
}

function phasesOf(steps: Step[], settle: number): Phase[] {
  const most = steps[0]?.users ?? 0;
  const starting = Array.from({ length: Math.ceil(most / SPAWN_RATE) }, (_, second) => {
    return { users: min([most, SPAWN_RATE * (second + 1)]), sends: undefined, step: undefined };
  });
  const running = steps.flatMap((sends, step) =>
    // A second more: the users go on until the next step begins.
    Array.from({ length: sends.seconds + 1 }, (_, second) => {
      const isMeasured = second >= settle && second < sends.seconds;
      return { users: sends.users, sends, step: isMeasured ? step : undefined };
    }),
  );
  return [...starting, ...running];
}

interface Replica {
  pod: string;
  appId: string;
  /** Unix time. */
  readyAt: number;
  /** CPU since its start. */
  cpuSeconds: number;
  loadedSeconds: number;
  /** Part of a second at which its counters are read. */
  offset: number;
}

/** A load, and the samples that compare takes of the target meanwhile. */
function simulate(run: Run, load: Load, steps: Step[]) {
  const { draws, truth, experiment, target } = load;
  const scales = experiment === 'autoscale';
  const phases = phasesOf(steps, load.settle);
  // Samples begin before the load generator's pod does, and end after it.
  const [first, begin] = [run.now, run.now + 8];
  const last = begin + phases.length + 3;
  const tick = Math.floor(draws.uniform() * METRICS_SECONDS);
  const replicaSet = `f2c-${target}-${draws.hex(9)}`;
  const [seconds, timeline, pods]: [Second[], Row<'timeline'>[], Row<'pods'>[]] = [[], [], []];
  const replicas: Replica[] = [];
  const create = (readyAt: number) => {
    const pod = run.isLocal ? 'process-4711' : `${replicaSet}-${draws.hex(5)}`;
    const appId = experiment === 'calibrate' ? 'static' : uuid(draws);
    replicas.push({ pod, appId, readyAt, cpuSeconds: 1, loadedSeconds: 0, offset: draws.uniform() });
  };
  create(first - METRICS_SECONDS);
  const used: number[] = [];
  // Of new replicas, nothing is known at first.
  let metrics = { cpu_cores: scales ? null : 0, memory_bytes: scales ? null : truth.memoryIdleBytes };

  for (let time = first; time <= last; time++) {
    const ready = replicas.filter(({ readyAt }) => readyAt <= time);
    const phase = phases[time - begin];
    const second = phase && draw(load, time, phase, ready);
    if (second) seconds.push(second);
    // No more than the requests need, so that CPU by requests is the truth.
    const cores = second ? (second.all.length * cpuOf(load, second.batch)) / 1e6 : 0;
    used.push(cores);
    for (const replica of ready) {
      const its = second ? (cores * (second.answers.get(replica.appId) ?? 0)) / max([1, answered(second)]) : 0;
      // The kubelet reads them every 10 s.
      const isRead =
        run.isLocal || time === first || time === last || (time + Math.floor(replica.offset * 10)) % 10 === 0;
      if (isRead) pods.push(podRow(truth, replica, time, its));
      replica.cpuSeconds += its;
      if (its > 0) replica.loadedSeconds++;
    }
    if (run.isLocal || (time % METRICS_SECONDS === tick && time - first >= METRICS_SECONDS)) {
      const mean = run.isLocal ? cores : sum(used.slice(-METRICS_SECONDS)) / METRICS_SECONDS;
      metrics = { cpu_cores: rounded(mean, 6), memory_bytes: sum(ready.map((replica) => memoryOf(truth, replica))) };
    }
    const timestamp_s = rounded(time + 0.2 + 0.1 * draws.uniform(), 3);
    timeline.push({ timestamp_s, desired_replicas: replicas.length, ready_replicas: ready.length, ...metrics });
    // The autoscaler looks some seconds after the metrics have come, tolerates a tenth, and in a load takes none away.
    const wanted = (metrics.cpu_cores ?? 0) / AIM_CORES;
    if (scales && time % METRICS_SECONDS === (tick + 5) % METRICS_SECONDS && wanted > 1.1 * ready.length) {
      const ofStart = () => time + Math.ceil(truth.coldStartMs / 1000 + 2 * draws.uniform());
      while (replicas.length < min([MOST_REPLICAS, Math.ceil(wanted)])) create(ofStart());
    }
  }
  run.now = last + 15;
  return { seconds, timeline, pods: pods.sort((a, b) => a.timestamp_s - b.timestamp_s) };
}

function podRow(truth: Truth, replica: Replica, time: number, cores: number): Row<'pods'> {
  const { pod, offset, cpuSeconds } = replica;
  const cpu_seconds = rounded(cpuSeconds + cores * offset, 9);
  return { timestamp_s: rounded(time + offset, 3), pod, cpu_seconds, memory_bytes: memoryOf(truth, replica) };
}

/** It grows under load, within a minute or so. */
function memoryOf({ memoryIdleBytes, memoryLoadedBytes }: Truth, { loadedSeconds }: Replica): number {
  return Math.round(memoryIdleBytes + (memoryLoadedBytes - memoryIdleBytes) * (1 - Math.exp(-loadedSeconds / 20)));
}

function uuid(draws: Draws): string {
  return [8, 4, 4, 4, 12].map((length) => draws.hex(length)).join('-');
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const TIMES = ['service ok', 'service failed', 'response ok', 'response failed'] as const;

/** What ended in a second. */
interface Second extends Pick<Phase, 'users' | 'step'> {
  time: number;
  batch: number;
  /** Lower ends of buckets in µs, sorted; of `response` only where a rate is offered. */
  times: Record<(typeof TIMES)[number], Int32Array>;
  /** All of `service`, sorted. */
  all: Int32Array;
  /** By app id. */
  answers: Map<string, number>;
  generator: { cores: number; lagMs: number };
}

function draw(load: Load, time: number, { users, sends, step }: Phase, ready: Replica[]): Second {
  const { draws, truth, target } = load;
  const { rate, median } = sends ? serve(load, sends, ready.length) : { rate: 0, median: 0 };
  const isScheduled = sends?.rate !== undefined;
  const count = Math.round(rate * (1 + (isScheduled ? 0.002 : 0.01) * draws.normal()));
  const all = new Int32Array(count);
  const late = new Int32Array(isScheduled ? count : 0);
  for (let index = 0; index < count; index++) {
    const microseconds = median * Math.exp(truth.latencyMicroseconds.sigma * draws.normal());
    all[index] = bucket(microseconds);
    // The load generator sends some a little later than it should.
    if (isScheduled) late[index] = bucket(microseconds + 0.1 * median * draws.uniform());
  }
  const failures = Math.floor(count * truth.failureShare + draws.uniform());
  const times = {
    'service ok': all.slice(failures).sort(),
    'service failed': all.slice(0, failures).sort(),
    'response ok': late.slice(failures).sort(),
    'response failed': late.slice(0, failures).sort(),
  };
  const share = count / CEILINGS[target];
  const generator = {
    cores: rounded(0.015 + 0.965 * share * (1 + 0.01 * draws.normal()), 4),
    lagMs: rounded((0.4 + 6 * share) * draws.factor(0.5), 3),
  };
  const answers = answersOf(draws, time, count - failures, ready);
  return { time, users, step, batch: sends?.batch ?? 1, times, all: all.sort(), answers, generator };
}

function bucket(microseconds: number): number {
  return BUCKET_US * Math.floor(microseconds / BUCKET_US);
}

/** A new replica has its share only after some seconds, when users have taken new connections. */
function answersOf(draws: Draws, time: number, count: number, ready: Replica[]): Map<string, number> {
  const weights = ready.map(({ readyAt }) => min([1, (time - readyAt + 1) / 4]) * draws.factor(0.04));
  const answers = new Map<string, number>();
  let [left, weight] = [count, sum(weights)];
  ready.forEach(({ appId }, index) => {
    const its = Math.round((left * (weights[index] ?? 0)) / weight);
    if (its > 0) answers.set(appId, its);
    left -= its;
    weight -= weights[index] ?? 0;
  });
  return answers;
}

function answered({ answers }: Second): number {
  return sum([0, ...answers.values()]);
}

function failuresOf({ times }: Second): number {
  return times['service failed'].length;
}

function total(seconds: Second[], amount: (second: Second) => number): number {
  return sum([0, ...seconds.map(amount)]);
}

type Cell = string | number | null;

function csv(kind: CsvKind, rows: (Cell[] | object)[], end: 'unix' | 'windows' = 'unix'): string {
  const columns = Object.keys(KINDS[kind].schema.entries);
  return stringify(rows, { header: true, columns, record_delimiter: end });
}

function stepRows(steps: Step[], seconds: Second[]): Row<'steps'>[] {
  return steps.map(({ users, batch = 1, rate = null }, step) => {
    const measured = seconds.filter((second) => second.step === step);
    const start_s = measured[0]?.time ?? 0;
    const requests = total(measured, ({ all }) => all.length);
    const counts = { requests, failures: total(measured, failuresOf), wrong_answers: 0 };
    return { step, users, batch, offered_rate: rate, start_s, end_s: start_s + measured.length, ...counts };
  });
}

interface Histogram {
  step: number;
  kind: (typeof TIMES)[number];
  /** By the lower end of the bucket. */
  counts: Map<number, number>;
}

function histogramsOf(seconds: Second[]): Histogram[] {
  const steps = [...new Set(seconds.flatMap(({ step }) => step ?? []))];
  return steps.flatMap((step) =>
    TIMES.map((kind) => {
      const counts = new Map<number, number>();
      for (const second of seconds) if (second.step === step) count(counts, second.times[kind]);
      return { step, kind, counts: inOrder(counts) };
    }),
  );
}

/** @param values sorted, so that only a new one has to be looked up */
function count(counts: Map<number, number>, values: Int32Array, keyOf = (value: number) => value): void {
  for (let start = 0, end = 0; start < values.length; start = end) {
    const value = values[start] ?? 0;
    while (values[end] === value) end++;
    const key = keyOf(value);
    counts.set(key, (counts.get(key) ?? 0) + end - start);
  }
}

function inOrder(counts: Map<number, number>): Map<number, number> {
  return new Map([...counts].sort(([a], [b]) => a - b));
}

function addTo(counts: Map<number, number>, more: Map<number, number>): void {
  for (const [key, value] of more) counts.set(key, (counts.get(key) ?? 0) + value);
}

function latencyRows({ step, kind, counts }: Histogram): Cell[][] {
  return [...counts].map(([bucket, count]) => [step, ...kind.split(' '), bucket, count]);
}

function secondRow({ time, users, all, times }: Second): Cell[] {
  const of = (share: number) => all[max([1, Math.ceil(share * all.length)]) - 1] ?? null;
  return [time, users, all.length, times['service failed'].length, of(0.5), of(0.99), of(1)];
}

function generatorRow({ time, generator }: Second): Cell[] {
  return [time, 'local', generator.cores.toFixed(4), generator.lagMs.toFixed(3)];
}

function replicaRows({ time, answers }: Second): Cell[][] {
  return [...answers].sort().map(([appId, its]) => [time, appId, its]);
}

/** As the load test judges it, as far as it can come out so here; `more` reasons are compare's, and the asked ones. */
function judge(
  run: Run,
  { target, experiment, settle }: Load,
  steps: Step[],
  seconds: Second[],
  histograms: Histogram[],
  more: string[],
): Verdict {
  const measured = seconds.filter(({ step }) => step !== undefined);
  const ofStep = (number: number) => measured.filter(({ step }) => step === number);
  const requests = total(measured, ({ all }) => all.length);
  const failures = total(measured, failuresOf);
  const throughput = rounded(requests / measured.length, 3);
  const rates = steps.flatMap(({ rate }) => rate ?? []);
  const counts = new Map<number, number>();
  for (const histogram of histograms) if (histogram.kind.startsWith('service')) addTo(counts, histogram.counts);
  const cpuCores = max(steps.map((_, index) => median(ofStep(index).map(({ generator }) => generator.cores))));
  const lags = measured.map(({ generator }) => generator.lagMs).sort((a, b) => a - b);
  const busy =
    `The load generator was the bottleneck: a process of it used ${cpuCores.toFixed(2)} cores, more than 0.9. ` +
    'Give it more --processes or --workers, or offer less.';
  const failed = `${failures} of ${requests} requests failed, more than the share of 0.01 that may.`;
  const reasons = [...(cpuCores > 0.9 ? [busy] : []), ...(failures > 0.01 * requests ? [failed] : []), ...more];
  const appIds = new Set(ofStep(steps.length - 1).flatMap(({ answers }) => [...answers.keys()]));
  return {
    target,
    verdict: reasons.length > 0 ? 'INVALID' : 'VALID',
    reasons,
    requests,
    failures,
    wrongAnswers: 0,
    seconds: measured.length,
    throughput,
    offeredRate: rates.length > 0 ? sum(rates) / rates.length : null,
    sentRate: rates.length > 0 ? throughput : null,
    p50Us: percentile(counts, 0.5),
    p99Us: percentile(counts, 0.99),
    generator: { processes: 1, cpuCores: rounded(cpuCores, 4), lagMs: lags[Math.ceil(0.9 * lags.length) - 1] ?? null },
    replicas: { answered: target === 'function' ? appIds.size : null, ready: null },
    locust: '2.47.0',
    python: '3.13.5',
    settings: {
      target,
      host: `http://f2c-${target}`,
      steps: steps.map(({ rate = null, batch = 1, ...step }) => ({ ...step, rate, batch })),
      'spawn-rate': SPAWN_RATE,
      seed: run.seed,
      settle,
      'until-saturated': experiment === 'capacity',
      processes: 1,
    },
  };
}

/** By the rule of loadtest/f2c_loadtest/recorder.py: the first bucket up to which there is the share. */
function percentile(counts: Map<number, number>, share: number): number | null {
  let rank = max([1, Math.ceil(share * sum([0, ...counts.values()]))]);
  for (const [bucket, count] of inOrder(counts)) if ((rank -= count) <= 0) return bucket;
  return null;
}

/** What Locust keeps of requests, in ms. */
interface Tally {
  count: number;
  failures: number;
  sum: number;
  /** By time with two digits. */
  times: Map<number, number>;
}

function tallyOf(second: Second): Tally {
  const { all } = second;
  const times = new Map<number, number>();
  count(times, all, (microseconds) => {
    const unit = microseconds < 100_000 ? 1 : 10 ** Math.floor(Math.log10(microseconds / 10_000));
    return unit * Math.round(microseconds / 1000 / unit);
  });
  const sum = all.reduce((before, each) => before + (each + BUCKET_US / 2) / 1000, 0);
  return { count: all.length, failures: failuresOf(second), sum, times };
}

function merged(tallies: Tally[]): Tally {
  const result: Tally = { count: 0, failures: 0, sum: 0, times: new Map() };
  for (const tally of tallies) {
    for (const key of ['count', 'failures', 'sum'] as const) result[key] += tally[key];
    addTo(result.times, tally.times);
  }
  return result;
}

const SHARES = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1];

/** By Locust's rule. */
function percentiles({ count, times }: Tally): number[] {
  const falling = [...times].sort(([a], [b]) => b - a);
  return SHARES.map((share) => {
    let left = count;
    return falling.find(([, its]) => (left -= its) <= Math.floor(count * share))?.[0] ?? 0;
  });
}

/** Median, mean, least and most of the times, and the mean size, which is made up. */
function summary(tally: Tally): Cell[] {
  const { count, sum, times } = tally;
  if (count === 0) return [0, 0, 0, 0, 0];
  return [percentiles(tally)[0] ?? 0, sum / count, min([...times.keys()]), max([...times.keys()]), 60];
}

function locustFiles(target: Target, seconds: Second[]): [CsvKind, string][] {
  const kept = seconds.map((second) => ({ ...second, tally: tallyOf(second) }));
  const busy = kept.filter(({ all }) => all.length > 0);
  const [begin, end] = [busy[0]?.time ?? 0, (busy.at(-1)?.time ?? 0) + 0.98];
  const ALL = ['', 'Aggregated'];
  const names = [...new Set(busy.map(({ batch }) => batch))].map((batch) => ({
    labels: [[target === 'function' && batch === 1 ? 'GET' : 'POST', `${batch} a request`]],
    its: kept.filter((second) => second.batch === batch),
  }));
  // Where there is one name only, it has all.
  const groups =
    names.length === 1
      ? [{ labels: [...(names[0]?.labels ?? []), ALL], its: kept }]
      : [...names, { labels: [ALL], its: kept }];
  const between = (its: typeof kept, from: number, to: number) =>
    merged(its.filter(({ time }) => time >= from && time < to).map(({ tally }) => tally));

  const stats = groups.flatMap(({ labels, its }) => {
    const tally = between(its, 0, Infinity);
    const rates = [tally.count, tally.failures].map((each) => each / (end - begin));
    const cells = [tally.count, tally.failures, ...summary(tally), ...rates, ...percentiles(tally)];
    return labels.map((label) => [...label, ...cells]);
  });

  const soFar = groups.map(() => merged([]));
  const times = Array.from({ length: seconds.length + 2 }, (_, index) => (seconds[0]?.time ?? 0) + index);
  const history = times.flatMap((time, second) =>
    groups.flatMap(({ labels, its }, index) => {
      const tally = merged([soFar[index] ?? merged([]), between(its, time - 1, time)]);
      soFar[index] = tally;
      const known = between(its, time - 13, time - 3);
      const cells = [
        ...[known.count, known.failures].map((each) => (each / 10).toFixed(6)),
        ...(tally.count > 0 ? percentiles(between(its, time - 10, time)) : SHARES.map(() => 'N/A')),
        ...[tally.count, tally.failures, ...summary(tally)],
      ];
      // Locust knows a name from its first request on.
      const shown = labels.filter((label) => label === ALL || tally.count > 0);
      return shown.map((label) => [time, seconds[second]?.users ?? 0, ...label, ...cells]);
    }),
  );

  const failures = groups.flatMap(({ labels, its }) => {
    const failed = its.filter((second) => failuresOf(second) > 0);
    const seen = [failed[0], failed.at(-1)].map((second) => `${utc(second?.time ?? 0).slice(0, 19)}Z`);
    const cells = ['LocustBadStatusCode(code=503)', total(failed, failuresOf), ...seen];
    return failed.length > 0 ? labels.filter((label) => label !== ALL).map((label) => [...label, ...cells]) : [];
  });
  return [
    ['stats', csv('stats', stats, 'windows')],
    ['stats_history', csv('stats_history', history, 'windows')],
    ['failures', csv('failures', failures, 'windows')],
    ['exceptions', csv('exceptions', [], 'windows')],
  ];
}

function utc(time: number): string {
  return new Date(time * 1000).toISOString();
}

/** Cold starts of a target, and its sizes. */
function startOften(run: Run, target: Target): void {
  const draws = new Draws(`${run.seed} coldstart ${target}`);
  const { coldStartMs, imageBytes, memoryIdleBytes, memoryLoadedBytes } = run.truths[target];
  const starts = Array.from({ length: run.command.pace.coldStarts }, (_, start): Row<'coldstarts'> => {
    run.now += 15;
    const first_answer_ms = rounded(coldStartMs * draws.factor(0.08), 3);
    const service = rounded(first_answer_ms + 100 + 1000 * draws.uniform(), 3);
    const pod_created_s = rounded(run.now + draws.uniform(), 3);
    return { start, pod_created_s, first_answer_ms, first_service_answer_ms: run.isLocal ? null : service };
  });
  run.now += 90;
  const footprint: Row<'footprint'>[] = [
    // A process has no image.
    ...(hasImage(run, target) ? [{ what: 'image' as const, bytes: imageBytes }] : []),
    { what: 'memory_idle', bytes: memoryIdleBytes },
    { what: 'memory_loaded', bytes: memoryLoadedBytes },
  ];
  put(run, 'coldstart', 1, target, [
    ['coldstarts', format('coldstarts', starts)],
    ['footprint', format('footprint', footprint)],
  ]);
}

function hasImage({ isLocal }: Run, target: Target): boolean {
  return !isLocal || target === 'tfserving';
}

function finish(run: Run): void {
  const { isLocal, targets, truths, ceilings } = run;
  const images = targets
    .filter((target) => hasImage(run, target))
    .map((target) => image(target, truths[target].imageBytes));
  const environment: Environment & { synthetic: true } = {
    synthetic: true,
    version: '0.1.0',
    started: utc(START),
    ended: utc(run.now),
    mode: run.mode,
    quick: run.quick,
    interrupted: false,
    options: { ...run.command, experiments: run.experiments.filter((name) => name !== 'calibrate') },
    seed: run.seed,
    git: { commit: '0'.repeat(40), dirty: false },
    machine: { cpuModel: 'Synthetic CPU', cpus: 4, memoryBytes: 16e9, kernel: '6.12.0', os: 'Linux' },
    ...(isLocal ? ON_ONE_MACHINE : inCluster(targets)),
    images: Object.fromEntries([...images, ...(isLocal ? [] : [image('loadtest', 214e6)])]),
    ceiling: Object.keys(ceilings).length > 0 ? { requestsPerSecond: { ...ceilings }, bound: boundOf(run) } : null,
    verdicts: run.verdicts,
  };
  mkdirSync(run.folder, { recursive: true });
  writeFileSync(join(run.folder, ENVIRONMENT), `${JSON.stringify(environment, null, 2)}\n`);
  const heading =
    '# Synthetic: not results\n\nMade for tests, from stated truths and a seed. Nothing here was measured.';
  writeFileSync(join(run.folder, 'README.md'), describe(heading, run.kinds));
}

function image(name: string, sizeBytes: number) {
  const id = `sha256:${createHash('sha256').update(name).digest('hex')}`;
  return [`f2c-${name}`, { reference: `f2c-${name}:0.1.0`, id, sizeBytes }] as const;
}

const ON_ONE_MACHINE = {
  kubernetes: null,
  resources: {},
  charts: {},
  clock: { offsetSeconds: 0, of: 'this machine, where all of it ran' },
  leftOut: ['autoscale: on one machine without a cluster, nothing scales.'],
};

function inCluster(targets: readonly Target[]) {
  const resources = (request: string, limit: string) => ({
    requests: { cpu: request, memory: '512Mi' },
    limits: { cpu: limit, memory: '512Mi' },
  });
  const autoscaling = {
    enabled: false,
    minReplicas: 1,
    maxReplicas: MOST_REPLICAS,
    targetCPUUtilizationPercentage: 80,
  };
  const chart = { version: '0.1.0', values: { replicaCount: 1, autoscaling, resources: resources('200m', '200m') } };
  const machine = { cpuModel: null, cpus: 4, memoryBytes: 16e9, kernel: '6.12.0', os: 'Debian GNU/Linux 13 (trixie)' };
  const node = { ...machine, containerRuntime: 'containerd://2.2.0', architecture: 'amd64' };
  return {
    kubernetes: { version: 'v1.35.0', nodes: ['node-1', 'node-2', 'node-3'].map((name) => ({ name, ...node })) },
    resources: Object.fromEntries(
      targets.flatMap((target) => [
        [`${target}/one`, resources('200m', '200m')],
        [`${target}/auto`, resources('100m', '500m')],
      ]),
    ),
    charts: Object.fromEntries([...targets, 'loadtest'].map((name) => [`f2c-${name}`, chart])),
    clock: { offsetSeconds: 0.012, of: 'the API server, to a second' },
    leftOut: [],
  };
}
