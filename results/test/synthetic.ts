// Makes a results folder without measuring anything: every figure in it is SYNTHETIC, drawn from stated truths and a
// seed, and its environment.json says so. It is for tests of the report only, and has only the files that a report
// reads. No clock and no machine go into it: the same options make the same bytes.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { max, min, probit } from 'simple-statistics';
import {
  againOf,
  CALIBRATIONS,
  ENVIRONMENT,
  fileName,
  KINDS,
  type CsvKind,
  type Environment,
  type Plan,
  type TargetName,
  type Verdict,
} from '../files.ts';
import type { RunEnvironment } from '../report/measurements.ts';
import { formatEnvironment } from '../write.ts';

/**
 * What is true of one target: a queue with one server whose times of service are exponential (M/M/1), behind a client that
 * takes some time itself.
 */
interface Truth {
  /** Requests/s with one value that a replica answers at most. */
  capacity: number;
  /** CPU of a request with one value, and of each further value, µs. */
  cpuMicroseconds: number;
  microsecondsPerValue: number;
  /** Lognormal: what a bare server takes, which is the load generator's own part in this target's form of request. */
  bareMicroseconds: { median: number; sigma: number };
  /** Median, from the pod's creation to its own first answer. */
  coldStartMs: number;
  /** Of the image, and of the memory before and under load. */
  bytes: { image: number; memory_idle: number; memory_loaded: number };
}

/**
 * The latency in µs that a share of the requests stays below, at a rate in requests/s to one replica. Requests that are
 * slow for the queue are slow for the client, so that the shares of both add up: a percentile is known exactly.
 */
export function latencyAt({ bareMicroseconds, capacity }: Truth, rate: number, share: number): number {
  return bareLatencyAt(bareMicroseconds, share) - (1e6 * Math.log(1 - share)) / (capacity - rate);
}

function bareLatencyAt({ median, sigma }: Truth['bareMicroseconds'], share: number): number {
  return median * Math.exp(sigma * probit(share));
}

/** The rate at which a share of the requests takes at most so many µs. */
export function rateWithin({ bareMicroseconds, capacity }: Truth, share: number, microseconds: number): number {
  return capacity + (1e6 * Math.log(1 - share)) / (microseconds - bareLatencyAt(bareMicroseconds, share));
}

const EXPERIMENTS = ['calibrate', 'sweep', 'autoscale', 'batch', 'coldstart', 'scale-from-zero'];

interface Synthetic {
  trials: number;
  seed: number;
  experiments: readonly string[];
  /** The baseline first. */
  targets: readonly TargetName[];
  truths: Readonly<Record<TargetName, Truth>>;
  /** The interface of each target. */
  interfaces: Environment['interfaces'];
}

const TFSERVING: Truth = {
  capacity: 1850,
  cpuMicroseconds: 268,
  microsecondsPerValue: 0.26,
  bareMicroseconds: { median: 220, sigma: 0.4 },
  coldStartMs: 2100,
  bytes: { image: 505e6, memory_idle: 290e6, memory_loaded: 318e6 },
};
/** The targets that there are made-up runs of. */
export const MADE_UP = ['function', 'tfserving', 'tfserving-grpc'] as const;
export type MadeUp = (typeof MADE_UP)[number];

export const TRUTHS: Record<MadeUp, Truth> = {
  function: {
    capacity: 3300,
    cpuMicroseconds: 150,
    microsecondsPerValue: 0.09,
    bareMicroseconds: { median: 200, sigma: 0.4 },
    coldStartMs: 900,
    bytes: { image: 148e6, memory_idle: 48e6, memory_loaded: 76e6 },
  },
  tfserving: TFSERVING,
  'tfserving-grpc': {
    ...TFSERVING,
    capacity: 2350,
    cpuMicroseconds: 210,
    microsecondsPerValue: 0.005,
    bareMicroseconds: { median: 300, sigma: 0.4 },
  },
};

/** Unix time at which a run begins. */
const START = Date.UTC(2026, 0, 1) / 1000;
/** First seconds of each step that are not measured. */
const SETTLE = 5;
/** Relative spread of a target's truths from trial to trial. */
const SPREAD = 0.03;
const MOST_REPLICAS = 5;
/** Requests/s that a bare server answers. */
const BARE = 8000;

/** One step; a load without a rate is a closed loop. */
interface Step {
  users: number;
  batch: number;
  rate: number | null;
  seconds: number;
}

export function writeSyntheticRun(folder: string, options: Partial<Synthetic> = {}): void {
  const run: Omit<Synthetic, 'targets'> = {
    trials: 3,
    seed: 1,
    experiments: EXPERIMENTS,
    truths: TRUTHS,
    interfaces: INTERFACES,
    ...options,
  };
  const targets = options.targets ?? ['function', 'tfserving'];
  const baseline = targets[0]!;
  const steps = { sweep: LADDER, autoscale: AT_RISING_RATES, batch: batchSteps(targets, run.truths) };
  let now = START + 60;
  const write = (name: TargetName, target: TargetName, trial: number, load: Pick<Load, 'experiment' | 'steps'>) => {
    const draws = drawsOf(`${run.seed} ${load.experiment} ${trial} ${name}`);
    const truth = varied(run.truths[target]!, draws);
    const { end, rows, verdict } = rowsOfLoad({
      ...load,
      target,
      namesReplicas: target === baseline,
      truth,
      start: now,
      draws,
    });
    const path = join(folder, load.experiment, String(trial));
    put(path, name, rows);
    writeFileSync(join(path, fileName(name, 'verdict')), JSON.stringify(verdict));
    now = end;
  };
  for (const [experiment, planned] of Object.entries(steps).filter(([name]) => run.experiments.includes(name))) {
    for (let trial = 1; trial <= run.trials; trial++) {
      for (const target of targets) {
        const load = { experiment, steps: experiment === 'sweep' ? sweepSteps(run.truths[target]!) : planned };
        write(target, target, trial, load);
        if (experiment === 'sweep' && target === baseline) write(againOf(target), target, trial, load);
      }
    }
  }
  if (run.experiments.includes('calibrate')) {
    for (const { trial, steps } of BARE_LOADS) {
      for (const target of targets) write(target, target, trial, { experiment: 'calibrate', steps });
    }
  }
  if (run.experiments.includes('coldstart')) {
    // The pods of a server answer all of its interfaces.
    for (const target of targets.filter((key) => key === run.interfaces[key]!.server)) {
      const draws = drawsOf(`${run.seed} coldstart ${target}`);
      const { coldStartMs, bytes } = run.truths[target]!;
      const starts = Array.from({ length: 10 }, (_, start) => [start, now, coldStartMs * draws.factor(0.08), '']);
      put(join(folder, 'coldstart/1'), target, { coldstarts: starts, footprint: Object.entries(bytes) });
    }
  }
  if (run.experiments.includes('scale-from-zero')) {
    const draws = drawsOf(`${run.seed} scale-from-zero`);
    const starts = Array.from({ length: 3 }, (_, start) => [start, 1300 * draws.factor(0.08)]);
    put(join(folder, 'scale-from-zero/1'), baseline, { zerostarts: starts });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, ENVIRONMENT),
    formatEnvironment(
      environmentOf(
        targets,
        { seed: run.seed, ceiling: ceilingOf(targets), plan: planOf(run.trials, steps) },
        run.interfaces,
      ),
    ),
  );
}

interface Load {
  /** Of `calibrate`, a bare server is asked instead of the target. */
  experiment: string;
  steps: readonly Step[];
  target: TargetName;
  namesReplicas?: boolean;
  truth: Truth;
  /** Unix time. */
  start: number;
  draws: Draws;
}

const AT_RISING_RATES: Step[] = [500, 1000, 1500, 2000].map((rate) => ({ users: 32, batch: 1, rate, seconds: 70 }));

/** The rates of `sweep` that all targets get. */
const LADDER: Step[] = Array.from({ length: 12 }, (_, power) => sweepStep(Math.round(60 * 1.5 ** power)));
export const BOUND = { percentile: 99, milliseconds: 10 };

/** A step lasts until it has a thousand requests. */
function sweepStep(rate: number): Step {
  return { users: 32, batch: 1, rate, seconds: SETTLE + max([10, Math.ceil(1000 / rate)]) };
}

/** The ladder, and rates near the place where a target crosses the bound. */
export function sweepSteps(truth: Truth): Step[] {
  const within = rateWithin(truth, BOUND.percentile / 100, 1000 * BOUND.milliseconds);
  const near = [-0.5, 0, 0.5].map((power) => sweepStep(Math.round(within * 1.5 ** power)));
  return [...LADDER, ...near].sort((a, b) => (a.rate ?? 0) - (b.rate ?? 0));
}

/** Half of what the slowest target answers at each size. */
function batchSteps(targets: readonly TargetName[], truths: Readonly<Record<TargetName, Truth>>): Step[] {
  return [1, 10, 100, 1000, 10_000].map((batch) => {
    const capacities = targets.map((target) => truths[target]!.capacity / slowdown(truths[target]!, batch));
    return { users: 32, batch, rate: Math.round(0.5 * min(capacities)), seconds: 25 };
  });
}

/** How many times as much CPU, and time, a request takes as one with one value. */
function slowdown({ cpuMicroseconds, microsecondsPerValue }: Truth, batch: number): number {
  return 1 + ((batch - 1) * microsecondsPerValue) / cpuMicroseconds;
}

/** What `calibrate` asks of a bare server, by trial. */
const BARE_LOADS = [
  { trial: CALIBRATIONS.closed, steps: [{ users: 32, batch: 1, rate: null, seconds: 20 }] },
  { trial: CALIBRATIONS.floor, steps: LADDER },
  { trial: CALIBRATIONS.scaling, steps: AT_RISING_RATES },
];

/** The rows of a load's files, by kind, and the Unix time at which it has ended. */
export function rowsOfLoad({ experiment, steps, target, namesReplicas = false, truth, start, draws }: Load) {
  const rows = { steps: [], latency: [], seconds: [], pods: [], timeline: [], throttling: [] } as Record<
    'steps' | 'latency' | 'seconds' | 'pods' | 'timeline' | 'throttling',
    Cell[][]
  >;
  const replicaRows: Cell[][] = [];
  const cpuSeconds = Array.from({ length: MOST_REPLICAS }, () => 0);
  const tally = { requests: 0, seconds: 0 };
  let [now, replicas, periods, throttled] = [start, 1, 0, 0];
  for (const [step, { users, batch, rate, seconds }] of steps.entries()) {
    const slower = slowdown(truth, batch);
    const capacity = truth.capacity / slower;
    const isBare = experiment === 'calibrate';
    const offered = rate ?? BARE;
    const wanted =
      experiment === 'autoscale' ? min([MOST_REPLICAS, Math.ceil((offered * truth.cpuMicroseconds) / 8e4)]) : 1;
    const isSaturated = !isBare && offered >= wanted * capacity;
    const perSecond = Math.round(isSaturated ? wanted * capacity : offered);
    const cpu = (perSecond * slower * truth.cpuMicroseconds) / 1e6;
    const scaled = now + 20 + Math.ceil(truth.coldStartMs / 1000 + 4 * draws.uniform());
    for (const end = now + seconds; now < end; now++) {
      if (now >= scaled) replicas = max([replicas, wanted]);
      rows.seconds.push([now, users, perSecond, 0, '', '', '']);
      rows.timeline.push([now + 0.2, max([replicas, wanted]), replicas, cpu, truth.bytes.memory_loaded]);
      [periods, throttled] = [periods + 10, throttled + 10 * (perSecond / (wanted * capacity)) ** 8];
      if (experiment === 'sweep') rows.throttling.push([now, 'pod-0', periods, Math.floor(throttled)]);
      for (let index = 0; index < replicas; index++) {
        if (now % 5 === index) rows.pods.push([now, `pod-${index}`, cpuSeconds[index] ?? 0, truth.bytes.memory_loaded]);
        cpuSeconds[index] = (cpuSeconds[index] ?? 0) + cpu / replicas;
        replicaRows.push([now, `replica-${index}`, Math.round(perSecond / replicas)]);
      }
    }
    const requests = perSecond * (seconds - SETTLE);
    rows.steps.push([step, users, batch, rate, now - seconds + SETTLE, now, requests, 0, 0, isSaturated ? 1 : 0]);
    const latency = (share: number) =>
      isBare
        ? bareLatencyAt(truth.bareMicroseconds, share)
        : isSaturated
          ? 1e7 * share
          : latencyAt({ ...truth, capacity }, offered / wanted, share);
    const clock = rate === null ? 'service' : 'response';
    rows.latency.push(...drawn(latency, requests, draws).map((row) => [step, clock, 'ok', ...row]));
    tally.requests += requests;
    tally.seconds += seconds - SETTLE;
    if (experiment === 'sweep' && isSaturated) break;
  }
  rows.pods.sort((a, b) => Number(a[0]) - Number(b[0]));
  return {
    rows: { ...rows, ...(namesReplicas && { replicas: replicaRows }) },
    verdict: verdictOf(target, tally),
    end: now + 30,
  };
}

/** A histogram of latencies in µs that are drawn at random: a thousand stand for all. */
function drawn(latency: (share: number) => number, count: number, { uniform }: Draws): [number, number][] {
  const draws = min([1000, count]);
  const counts = new Map<number, number>();
  for (let index = 0; index < draws; index++) {
    const requests = Math.floor(((index + 1) * count) / draws) - Math.floor((index * count) / draws);
    const microseconds = latency(uniform());
    const width = max([1, 2 ** (Math.floor(Math.log2(microseconds)) - 6)]);
    const bucket = width * Math.floor(microseconds / width);
    counts.set(bucket, (counts.get(bucket) ?? 0) + requests);
  }
  return [...counts].sort(([one], [other]) => one - other);
}

type Cell = string | number | null;

function put(folder: string, target: TargetName, files: Record<string, Cell[][]>): void {
  mkdirSync(folder, { recursive: true });
  for (const [kind, rows] of Object.entries(files)) {
    const columns = Object.keys(KINDS[kind as CsvKind].schema.entries);
    writeFileSync(join(folder, fileName(target, kind as CsvKind)), stringify(rows, { header: true, columns }));
  }
}

/** The verdict of a load that counts. */
export function verdictOf(target: TargetName, { requests, seconds }: { requests: number; seconds: number }): Verdict {
  return {
    target,
    verdict: 'VALID',
    reasons: [],
    requests,
    failures: 0,
    wrongAnswers: 0,
    seconds,
    throughput: requests / seconds,
    offeredRate: null,
    sentRate: null,
    p50Us: null,
    p99Us: null,
    saturatedFrom: null,
    generator: { processes: 1, cpuCores: 0.2, limitCores: 1, lagMs: 0.4, throttled: null, stolenCores: null },
    replicas: { answered: null, ready: null },
    locust: '2.47.0',
    python: '3.13.5',
    settings: {},
  };
}

interface Draws {
  uniform: () => number;
  /** Lognormal with median 1. */
  factor: (spread: number) => number;
}

/** Draws that depend on nothing but a text. */
export function drawsOf(text: string): Draws {
  const generator = xoroshiro128plus(createHash('sha256').update(text).digest().readInt32LE());
  const uniform = () => uniformFloat64(generator);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, factor: (spread) => Math.exp(spread * normal()) };
}

/** What is true in one trial. */
export function varied(truth: Truth, draws: Draws): Truth {
  return {
    ...truth,
    capacity: truth.capacity * draws.factor(SPREAD),
    cpuMicroseconds: truth.cpuMicroseconds * draws.factor(SPREAD),
    microsecondsPerValue: truth.microsecondsPerValue * draws.factor(SPREAD),
  };
}

/** What the load generator can send to a bare server. */
function ceilingOf(targets: readonly TargetName[]): Environment['ceiling'] {
  const requestsPerSecond = Object.fromEntries(targets.map((target) => [target, BARE]));
  return { requestsPerSecond, openRequestsPerSecond: requestsPerSecond, bound: 0.5 * BARE, share: 0.5 };
}

/** What a made-up run was to measure. */
function planOf(trials: number, steps: Record<string, readonly Step[]> = {}): Environment['plan'] {
  const loads = Object.entries(steps).map(([name, all]): [string, Plan] => {
    const planned = all.map(({ rate, ...step }) => ({ ...step, ...(rate !== null && { rate }) }));
    return [name, { trials, scaling: name === 'autoscale' ? 'auto' : 'one', steps: planned }];
  });
  return {
    ...Object.fromEntries(loads),
    sweep: {
      trials,
      scaling: 'one',
      bounds: [BOUND],
      steps: LADDER.map(({ rate, ...step }) => ({ ...step, rate: rate ?? 0 })),
    },
    coldstart: { trials: 10, scaling: 'one', steps: [] },
    'scale-from-zero': { trials: 3, scaling: 'one', steps: [] },
  };
}

/** Machines, charts and images that never were. One replica has a CPU limit of 500m. */
export function environmentOf(
  targets: readonly TargetName[],
  members: Partial<RunEnvironment> = {},
  interfaces: Environment['interfaces'] = INTERFACES,
): RunEnvironment {
  const baseline = targets[0]!;
  const resources = (cpu: string) => ({ requests: { cpu }, limits: { cpu } });
  const servers = targets.filter((target) => target === interfaces[target]!.server);
  const autoscaling = { minReplicas: 1, maxReplicas: MOST_REPLICAS, targetCPUUtilizationPercentage: 80 };
  const machine = { cpuModel: 'Synthetic CPU', cpus: 4, memoryBytes: 16e9, kernel: '6.12.0', os: 'Linux' };
  const node = { ...machine, containerRuntime: 'containerd://2.2.0', architecture: 'amd64' };
  return {
    synthetic: true,
    version: '0.1.0',
    started: new Date(START * 1000).toISOString(),
    ended: new Date((START + 7200) * 1000).toISOString(),
    mode: 'cluster',
    quick: false,
    interrupted: false,
    options: {},
    seed: 1,
    comparison: {
      title: 'A made-up comparison',
      file: 'made-up.yaml',
      baseline,
      threats: ['Nothing of it is true.'],
      columns: [],
    },
    git: { commit: '0'.repeat(40), dirty: false },
    machine,
    kubernetes: { version: 'v1.35.0', nodes: ['node-1', 'node-2'].map((name) => ({ name, ...node })) },
    servers: Object.fromEntries(
      servers.map((server) => {
        const chart = { version: '0.1.0', values: { replicaCount: 1, autoscaling } };
        const { name } = interfaces[server]!;
        return [server, { name, image: null, chart, resources: { one: resources('500m'), auto: resources('500m') } }];
      }),
    ),
    interfaces: {
      ...Object.fromEntries(targets.map((target) => [target, interfaces[target]!])),
      [againOf(baseline)]: {
        ...interfaces[baseline]!,
        name: `${interfaces[baseline]!.name} again`,
        label: `${interfaces[baseline]!.label}, again`,
      },
    },
    loadGenerator: { image: null, chart: null },
    pods: {},
    clock: { offsetSeconds: 0.012, of: 'the API server, to a second' },
    ceiling: null,
    plan: planOf(3),
    leftOut: [],
    verdicts: [],
    ...members,
  };
}

const INTERFACES: Record<MadeUp, Environment['interfaces'][string]> = {
  function: { server: 'function', name: 'the function', label: 'Function', protocol: 'http', method: 'GET' },
  tfserving: {
    server: 'tfserving',
    name: 'TensorFlow Serving',
    label: 'TF Serving',
    protocol: 'http',
    method: 'POST',
  },
  'tfserving-grpc': {
    server: 'tfserving',
    name: 'TensorFlow Serving over gRPC',
    label: 'TF Serving, gRPC',
    protocol: 'grpc',
    method: 'gRPC',
  },
};
