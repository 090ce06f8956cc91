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
  CALIBRATIONS,
  ENVIRONMENT,
  fileName,
  KINDS,
  type CsvKind,
  type Environment,
  type Plan,
  type Interface,
  type Verdict,
} from '../files.ts';
import { formatEnvironment } from '../write.ts';

/** What is true of one target. */
interface Truth {
  /** Requests/s with one value that a replica answers at most. */
  capacity: number;
  /** CPU of a request with one value, and of each further value, µs. */
  cpuMicroseconds: number;
  microsecondsPerValue: number;
  /** Lognormal, from when a request is due, µs: at the rate of the latency experiment. */
  latencyMicroseconds: { median: number; sigma: number };
  /** The same of a bare server, which is what the load generator takes to ask in this target's form. */
  bareMicroseconds: { median: number; sigma: number };
  /** Median, from the pod's creation to its own first answer. */
  coldStartMs: number;
  /** Of the image, and of the memory before and under load. */
  bytes: { image: number; memory_idle: number; memory_loaded: number };
}

const EXPERIMENTS = ['calibrate', 'capacity', 'autoscale', 'latency', 'noise', 'batch', 'coldstart', 'scale-from-zero'];

interface Synthetic {
  trials: number;
  seed: number;
  experiments: readonly string[];
  targets: readonly MadeUp[];
  truths: Record<MadeUp, Truth>;
}

const TFSERVING: Truth = {
  capacity: 700,
  cpuMicroseconds: 268,
  microsecondsPerValue: 0.26,
  latencyMicroseconds: { median: 1900, sigma: 0.5 },
  bareMicroseconds: { median: 220, sigma: 0.4 },
  coldStartMs: 2100,
  bytes: { image: 505e6, memory_idle: 290e6, memory_loaded: 318e6 },
};
/** The targets that there are made-up runs of. */
export const MADE_UP = ['function', 'tfserving', 'tfserving-grpc'] as const satisfies readonly Interface[];
export type MadeUp = (typeof MADE_UP)[number];

export const TRUTHS: Record<MadeUp, Truth> = {
  function: {
    capacity: 3400,
    cpuMicroseconds: 55,
    microsecondsPerValue: 0.09,
    latencyMicroseconds: { median: 1100, sigma: 0.35 },
    bareMicroseconds: { median: 200, sigma: 0.4 },
    coldStartMs: 900,
    bytes: { image: 148e6, memory_idle: 48e6, memory_loaded: 76e6 },
  },
  tfserving: TFSERVING,
  'tfserving-grpc': {
    ...TFSERVING,
    capacity: 900,
    cpuMicroseconds: 210,
    microsecondsPerValue: 0.005,
    latencyMicroseconds: { median: 1500, sigma: 0.45 },
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

/** One step, and what comes of it. */
interface Step {
  users: number;
  batch: number;
  rate: number | null;
  seconds: number;
}

export function writeSyntheticRun(folder: string, options: Partial<Synthetic> = {}): void {
  const run = { trials: 3, seed: 1, experiments: EXPERIMENTS, truths: TRUTHS, ...options };
  const targets = options.targets ?? (['function', 'tfserving'] as const);
  let now = START + 60;
  const loads = run.experiments
    .filter((name) => name in STEPS || name === 'calibrate')
    .flatMap((experiment) => {
      if (experiment === 'calibrate') return BARE_LOADS.map((load) => ({ experiment, isBare: true, ...load }));
      const count = experiment === 'noise' ? 2 * run.trials : run.trials;
      const steps = STEPS[experiment] ?? [];
      return Array.from({ length: count }, (_, index) => ({ experiment, isBare: false, trial: index + 1, steps }));
    });
  for (const { experiment, trial, ...load } of loads) {
    for (const target of experiment === 'noise' ? targets.slice(0, 1) : targets) {
      const draws = drawsOf(`${run.seed} ${experiment} ${trial} ${target}`);
      const truth = varied(run.truths[target], draws);
      now = writeLoad(join(folder, experiment, String(trial)), {
        ...load,
        experiment,
        target,
        truth,
        start: now,
        draws,
      });
    }
  }
  if (run.experiments.includes('coldstart')) {
    // The pods of TensorFlow Serving answer both interfaces.
    for (const target of targets.filter((key) => key !== 'tfserving-grpc')) {
      const draws = drawsOf(`${run.seed} coldstart ${target}`);
      const { coldStartMs, bytes } = run.truths[target];
      const starts = Array.from({ length: 10 }, (_, start) => [start, now, coldStartMs * draws.factor(0.08), '']);
      put(join(folder, 'coldstart/1'), target, { coldstarts: starts, footprint: Object.entries(bytes) });
    }
  }
  if (run.experiments.includes('scale-from-zero')) {
    const draws = drawsOf(`${run.seed} scale-from-zero`);
    const starts = Array.from({ length: 3 }, (_, start) => [start, 1300 * draws.factor(0.08)]);
    put(join(folder, 'scale-from-zero/1'), 'function', { zerostarts: starts });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, ENVIRONMENT),
    formatEnvironment(
      environmentOf(targets, { seed: run.seed, ceiling: ceilingOf(targets), plan: planOf(run.trials) }),
    ),
  );
}

interface Load {
  experiment: string;
  steps: readonly Step[];
  /** Whether a bare server is asked instead of the target. */
  isBare: boolean;
  target: MadeUp;
  truth: Truth;
  /** Unix time. */
  start: number;
  draws: Draws;
}

const AT_ONE_RATE: Step[] = [{ users: 32, batch: 1, rate: 350, seconds: 120 }];
const AT_RISING_RATES: Step[] = [500, 1000, 1500, 2000].map((rate) => ({ users: 32, batch: 1, rate, seconds: 70 }));
const STEPS: Record<string, Step[]> = {
  capacity: [1, 2, 4, 8, 16, 32].map((users) => ({ users, batch: 1, rate: null, seconds: 20 })),
  autoscale: AT_RISING_RATES,
  latency: AT_ONE_RATE,
  noise: AT_ONE_RATE,
  batch: [1, 10, 100, 1000, 10_000].map((batch) => ({ users: 4, batch, rate: null, seconds: 25 })),
};

/** What `calibrate` asks of a bare server, by trial. */
const BARE_LOADS = [
  { trial: CALIBRATIONS.closed, steps: [{ users: 32, batch: 1, rate: null, seconds: 20 }] },
  { trial: CALIBRATIONS.floor, steps: AT_ONE_RATE },
  { trial: CALIBRATIONS.scaling, steps: AT_RISING_RATES },
];

/** @returns the Unix time at which the load has ended */
function writeLoad(folder: string, { experiment, steps, isBare, target, truth, start, draws }: Load): number {
  const rows = { steps: [], latency: [], seconds: [], pods: [], timeline: [], replicas: [] } as Record<
    string,
    Cell[][]
  >;
  const cpuSeconds = Array.from({ length: MOST_REPLICAS }, () => 0);
  const tally = { requests: 0, seconds: 0 };
  let [now, replicas] = [start, 1];
  for (const [step, { users, batch, rate, seconds }] of steps.entries()) {
    const cpu = truth.cpuMicroseconds + (batch - 1) * truth.microsecondsPerValue;
    const slower = cpu / truth.cpuMicroseconds;
    const { median, sigma } = isBare ? truth.bareMicroseconds : truth.latencyMicroseconds;
    // In the closed loop users wait for each other, once the replica answers all that it can.
    const limit = isBare ? BARE : truth.capacity / slower;
    const answers = rate ?? 1 / (((median * slower) / 1e6 / users) ** 4 + (1 / limit) ** 4) ** 0.25;
    const wanted = experiment === 'autoscale' ? min([MOST_REPLICAS, Math.ceil((answers * cpu) / 8e4)]) : 1;
    const busy = rate === null || isBare ? 0 : min([0.8, (0.5 * answers) / (wanted * truth.capacity)]);
    const typical = rate === null ? (1e6 * users) / answers / Math.exp(sigma ** 2 / 2) : median / (1 - busy);
    const scaled = now + 20 + Math.ceil(truth.coldStartMs / 1000 + 4 * draws.uniform());
    const perSecond = Math.round(answers);
    for (const end = now + seconds; now < end; now++) {
      if (now >= scaled) replicas = max([replicas, wanted]);
      rows.seconds?.push([
        now,
        users,
        perSecond,
        0,
        typical,
        typical * Math.exp(2.33 * sigma),
        typical * Math.exp(3 * sigma),
      ]);
      rows.timeline?.push([
        now + 0.2,
        max([replicas, wanted]),
        replicas,
        (perSecond * cpu) / 1e6,
        truth.bytes.memory_loaded,
      ]);
      for (let index = 0; index < replicas; index++) {
        if (now % 5 === index)
          rows.pods?.push([now, `pod-${index}`, cpuSeconds[index] ?? 0, truth.bytes.memory_loaded]);
        cpuSeconds[index] = (cpuSeconds[index] ?? 0) + (perSecond * cpu) / 1e6 / replicas;
        if (target === 'function') rows.replicas?.push([now, `replica-${index}`, Math.round(perSecond / replicas)]);
      }
    }
    const requests = perSecond * (seconds - SETTLE);
    rows.steps?.push([step, users, batch, rate, now - seconds + SETTLE, now, requests, 0, 0, 0]);
    const clock = rate === null ? 'service' : 'response';
    rows.latency?.push(...lognormal(typical, sigma, requests).map((row) => [step, clock, 'ok', ...row]));
    tally.requests += requests;
    tally.seconds += seconds - SETTLE;
  }
  const pods = rows.pods?.toSorted((a, b) => Number(a[0]) - Number(b[0])) ?? [];
  const { replicas: answered, ...others } = rows;
  put(folder, target, { ...others, pods, ...(target === 'function' && { replicas: answered ?? [] }) });
  writeFileSync(join(folder, fileName(target, 'verdict')), JSON.stringify(verdictOf(target, tally)));
  return now + 30;
}

/** Latencies in µs and how many requests took so long: two thousand quantiles of a lognormal. */
function lognormal(median: number, sigma: number, count: number): [number, number][] {
  const quantiles = min([2000, count]);
  return Array.from({ length: quantiles }, (_, index) => {
    const requests = Math.floor(((index + 1) * count) / quantiles) - Math.floor((index * count) / quantiles);
    return [Math.round(median * Math.exp(sigma * probit((index + 0.5) / quantiles))), requests];
  });
}

type Cell = string | number | null;

function put(folder: string, target: Interface, files: Record<string, Cell[][]>): void {
  mkdirSync(folder, { recursive: true });
  for (const [kind, rows] of Object.entries(files)) {
    const columns = Object.keys(KINDS[kind as CsvKind].schema.entries);
    writeFileSync(join(folder, fileName(target, kind as CsvKind)), stringify(rows, { header: true, columns }));
  }
}

/** The verdict of a load that counts. */
export function verdictOf(target: Interface, { requests, seconds }: { requests: number; seconds: number }): Verdict {
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
    settings: { 'min-fahrenheit': -100, 'max-fahrenheit': 300 },
  };
}

interface Draws {
  uniform: () => number;
  /** Lognormal with median 1. */
  factor: (spread: number) => number;
}

/** Draws that depend on nothing but a text. */
function drawsOf(text: string): Draws {
  const generator = xoroshiro128plus(createHash('sha256').update(text).digest().readInt32LE());
  const uniform = () => uniformFloat64(generator);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, factor: (spread) => Math.exp(spread * normal()) };
}

/** What is true in one trial. */
function varied(truth: Truth, draws: Draws): Truth {
  const { median, sigma } = truth.latencyMicroseconds;
  return {
    ...truth,
    capacity: truth.capacity * draws.factor(SPREAD),
    cpuMicroseconds: truth.cpuMicroseconds * draws.factor(SPREAD),
    microsecondsPerValue: truth.microsecondsPerValue * draws.factor(SPREAD),
    latencyMicroseconds: { median: median * draws.factor(SPREAD), sigma },
  };
}

/** What the load generator can send to a bare server. */
function ceilingOf(targets: readonly MadeUp[]): Environment['ceiling'] {
  const requestsPerSecond = Object.fromEntries(targets.map((target) => [target, BARE]));
  return { requestsPerSecond, openRequestsPerSecond: requestsPerSecond, bound: 0.5 * BARE, share: 0.5 };
}

/** What a made-up run was to measure. */
function planOf(trials: number): Environment['plan'] {
  const loads = Object.entries(STEPS).map(([name, steps]): [string, Plan] => {
    const planned = steps.map(({ rate, ...step }) => ({ ...step, ...(rate !== null && { rate }) }));
    const count = name === 'noise' ? 2 * trials : trials;
    return [name, { trials: count, scaling: name === 'autoscale' ? 'auto' : 'one', steps: planned }];
  });
  return {
    ...Object.fromEntries(loads),
    coldstart: { trials: 10, scaling: 'one', steps: [] },
    'scale-from-zero': { trials: 3, scaling: 'one', steps: [] },
  };
}

/** Machines, charts and images that never were. One replica has a CPU limit of 200m. */
export function environmentOf(targets: readonly MadeUp[], members: Partial<Environment> = {}): Environment {
  const resources = (cpu: string) => ({ requests: { cpu }, limits: { cpu } });
  const servers = targets.filter((target) => target !== 'tfserving-grpc');
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
    git: { commit: '0'.repeat(40), dirty: false },
    machine,
    kubernetes: { version: 'v1.35.0', nodes: ['node-1', 'node-2'].map((name) => ({ name, ...node })) },
    servers: Object.fromEntries(
      servers.map((server) => {
        const chart = { version: '0.1.0', values: { replicaCount: 1, autoscaling } };
        const { name } = INTERFACES[server];
        return [server, { name, image: null, chart, resources: { one: resources('200m'), auto: resources('500m') } }];
      }),
    ),
    interfaces: Object.fromEntries(targets.map((target) => [target, INTERFACES[target]])),
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
