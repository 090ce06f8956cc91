// Defines the experiments: which loads they put on the targets, in which order, and when a result counts.

import { max, median, min, sum } from 'simple-statistics';
import { fileName, type Row, type Target, type Verdict } from '../../results/files.ts';
import { quantity } from '../../results/quantity.ts';
import type { ResultsFolder } from './folder.ts';
import type { ExperimentName, Options } from './options.ts';
import { CompareError, type Files, type Load, type Place, type Scaling, type Step } from './place.ts';
import type { Progress } from './progress.ts';
import { NAMES } from './targets.ts';
import {
  csv,
  highestThroughput,
  idleReplicas,
  isSaturated,
  judged,
  openCeiling,
  overload,
  rowsOf,
  tooFast,
  verdictOf,
} from './verdicts.ts';

/** The load generator sends at most this share of its ceiling, so that the target is measured and not Locust. */
const BOUND_SHARE = 0.8;
/** The rates at which the open loop is calibrated, as shares of the closed loop's throughput. */
const CEILING_SHARES = [1 / 3, 2 / 3, 1];
/** The highest share of all CPUs that the load generator and a target may need together. Kubernetes needs some, too. */
const CPU_SHARE = 0.8;
/** The shortest step that shows whether a rate is kept, in seconds without the settling time. */
const SHORTEST_STEP = 4;
/** The users that share a rate, unless --users allows fewer: enough to send on time while some answers are slow. */
const RATE_USERS = 32;
const RATE_SHARES = [0.25, 0.5, 0.75, 1];
const BATCHES = [1, 10, 100, 1000, 10_000];
/** The users of `batch`: enough to keep one replica busy. With more, large batches would only wait in a queue. */
const BATCH_USERS = 4;
/** The trials of `calibrate`, which differ in what they find out. */
const CALIBRATIONS = {
  closed: { trial: 1, what: 'what the load generator can send in a closed loop' },
  open: { trial: 2, what: 'what the load generator can send at a given rate' },
  floor: { trial: 3, what: 'what the load generator itself takes at the rate of latency' },
};
/** Roughly how much longer a load takes than its steps: its pod must start, and its results must be fetched. */
const OVERHEAD_SECONDS = 15;
/** Roughly how long a cold start takes, including the end of the previous replica. */
const COLD_START_SECONDS = 15;
/** Roughly how long Knative takes until there is no pod. The answer comes soon then. */
const FROM_ZERO_SECONDS = 45;
/** Roughly how long an autoscaler takes until it has a reading of an idle replica. */
const AUTOSCALER_SECONDS = 75;

export interface Comparison {
  place: Place;
  options: Options;
  progress: Progress;
  folder: ResultsFolder;
  /** What the load generator can send here; UNLIMITED until it is calibrated. */
  limits: Limits;
  /** The throughput of one saturated replica in each round of `capacity`, in requests/s. */
  capacities: Record<Target, number[]>;
}

/** What the load generator can send without becoming the bottleneck. */
interface Limits {
  /** The highest rate that the open loop offers, in requests/s. */
  bound: number;
  /** The highest throughput that the load generator can measure in the closed loop, in requests/s. */
  closedBounds: Partial<Record<Target, number>>;
  /** The CPU time that the load generator needs for a request of the open loop, in seconds. */
  cpuSeconds: number;
}

export const UNLIMITED: Limits = { bound: Infinity, closedBounds: {}, cpuSeconds: 0 };

const RUN: Record<ExperimentName, (comparison: Comparison) => Promise<void>> = {
  capacity: async (comparison) => {
    const { place, options, capacities } = comparison;
    const rounds = options.pace.trials;
    let trial = 0;
    for (let round = 0; round < rounds; round++) {
      const throughputs: Record<Target, number[]> = { function: [], tfserving: [] };
      // The targets take turns at each number of users, so that a drift of the machine affects both alike.
      for (const users of doubled(options.users)) {
        const rising = place.targets.filter((target) => !isSaturated(throughputs[target]));
        if (rising.length === 0) break;
        trial += 1;
        for (const target of interleaved(rising, trial)) {
          const files = await measure(comparison, {
            experiment: 'capacity',
            trial,
            which: `${round + 1}/${rounds}, ${users} ${users === 1 ? 'user' : 'users'}`,
            target,
            scaling: 'one',
            steps: [{ seconds: options.pace.capacityStep, users }],
          });
          throughputs[target].push(highestThroughput(rowsOf(files, target, 'steps')));
        }
      }
      for (const target of place.targets) capacities[target].push(max(throughputs[target]));
    }
  },

  autoscale: async (comparison) => {
    const { options } = comparison;
    const bound = boundOfNodes(comparison);
    const seconds = Math.floor(options.pace.runTime / RATE_SHARES.length);
    const users = Math.min(RATE_USERS, options.users);
    const steps = RATE_SHARES.map((share) => ({ seconds, users, rate: rounded(share * bound) }));
    await forEachTrial(comparison, 'autoscale', 'auto', steps);
  },

  latency: async (comparison) => {
    const { place, options } = comparison;
    const step = equalRate(comparison);
    // A load on the bare server at this rate shows how much of the latency is the load generator's own.
    const seconds = Math.min(step.seconds, options.pace.calibrate);
    for (const target of place.targets) {
      await askBareServer(comparison, CALIBRATIONS.floor, target, [{ ...step, seconds }]);
    }
    await forEachTrial(comparison, 'latency', 'core', [step]);
  },

  noise: async (comparison) => {
    const { place, options } = comparison;
    if (!place.targets.includes('function')) return;
    const steps = [equalRate(comparison)];
    for (let trial = 1; trial <= trialsOf('noise', options); trial++) {
      await measure(comparison, { experiment: 'noise', trial, target: 'function', scaling: 'core', steps });
    }
  },

  batch: (comparison) => {
    const { options } = comparison;
    const users = Math.min(BATCH_USERS, options.users);
    const steps = BATCHES.map((batch) => ({ seconds: options.pace.batchStep, users, batch }));
    return forEachTrial(comparison, 'batch', 'one', steps);
  },

  coldstart: async (comparison) => {
    const { place, options, progress, folder } = comparison;
    const targets = place.targets.filter((target) => place.controls(target));
    const rows: Record<Target, Row<'coldstarts'>[]> = { function: [], tfserving: [] };
    // Cold starts are measured here, so nothing warms these replicas up.
    for (const target of targets) await place.prepare(target, 'one', () => Promise.resolve());
    for (let start = 0; start < options.pace.coldStarts; start++) {
      for (const target of interleaved(targets, start)) {
        progress.begin(`coldstart ${start + 1}/${options.pace.coldStarts}: ${NAMES[target]}`, COLD_START_SECONDS);
        rows[target].push({ start, ...(await place.coldStart(target)) });
        folder.write('coldstart', 1, csv(new Map(), target, 'coldstarts', rows[target]));
      }
    }
    for (const target of targets) {
      const footprint: Row<'footprint'>[] = [];
      const add = (what: Row<'footprint'>['what'], bytes: number | null) => {
        if (bytes !== null) footprint.push({ what, bytes });
      };
      add('image', await place.imageBytes(target));
      progress.begin(`coldstart: idle memory of ${NAMES[target]}`, OVERHEAD_SECONDS);
      add('memory_idle', await place.memoryBytes(target));
      await warmUp(comparison, target);
      add('memory_loaded', await place.memoryBytes(target));
      folder.write('coldstart', 1, csv(new Map(), target, 'footprint', footprint));
    }
  },

  'scale-from-zero': async ({ place: { scaleFromZero }, options, progress, folder }) => {
    if (!scaleFromZero) return;
    const rows: Row<'zerostarts'>[] = [];
    for (let start = 0; start < options.pace.coldStarts; start++) {
      const name = `scale-from-zero ${start + 1}/${options.pace.coldStarts}`;
      progress.begin(`${name}: ${NAMES.function} on Knative`, FROM_ZERO_SECONDS);
      rows.push({ start, first_answer_ms: await scaleFromZero() });
      folder.write('scale-from-zero', 1, csv(new Map(), 'function', 'zerostarts', rows));
    }
  },
};

/** What puts no load on a target that the load generator could limit. */
const UNCALIBRATED: readonly ExperimentName[] = ['coldstart', 'scale-from-zero'];

/** Runs `calibrate`, where an experiment needs it, and then each chosen experiment. @throws CompareError if one of them breaks */
export async function runExperiments(comparison: Comparison): Promise<void> {
  const { options, place, progress } = comparison;
  const names = runnable(options, place);
  if (names.some((name) => !UNCALIBRATED.includes(name))) {
    progress.expect(estimate(['calibrate', ...names], options, place));
    await calibrate(comparison);
  }
  for (const [index, name] of names.entries()) {
    // Earlier experiments may have taken less time than expected, so the estimate starts anew.
    progress.expect(estimate(names.slice(index), options, place));
    await RUN[name](comparison);
  }
}

/** Returns roughly how many seconds the experiments take at most. */
function estimate(names: readonly (ExperimentName | 'calibrate')[], options: Options, place: Place): number {
  const { pace } = options;
  const stepsOfCapacity = doubled(options.users).length;
  const seconds: Record<ExperimentName | 'calibrate', number> = {
    calibrate: (1 + CEILING_SHARES.length / 2) * pace.calibrate + 2 * OVERHEAD_SECONDS,
    autoscale: pace.trials * (pace.runTime + AUTOSCALER_SECONDS + 2 * OVERHEAD_SECONDS + pace.warmUp),
    capacity: pace.trials * stepsOfCapacity * (pace.capacityStep + OVERHEAD_SECONDS),
    latency: pace.trials * (pace.latency + OVERHEAD_SECONDS) + pace.calibrate + OVERHEAD_SECONDS,
    // `noise` has twice as many trials, but only one target.
    noise: pace.trials * (pace.latency + OVERHEAD_SECONDS),
    batch: pace.trials * (BATCHES.length * pace.batchStep + OVERHEAD_SECONDS),
    coldstart: pace.coldStarts * COLD_START_SECONDS + pace.warmUp + 3 * OVERHEAD_SECONDS,
    // Only the function runs on Knative.
    'scale-from-zero': (pace.coldStarts * FROM_ZERO_SECONDS) / place.targets.length,
  };
  return place.targets.length * sum(names.map((name) => seconds[name]));
}

function runnable(options: Options, { scales, scaleFromZero, limitsCpu }: Place): ExperimentName[] {
  const needs: Partial<Record<ExperimentName, boolean>> = {
    capacity: limitsCpu,
    batch: limitsCpu,
    autoscale: scales,
    'scale-from-zero': scaleFromZero !== undefined,
  };
  return options.experiments.filter((name) => needs[name] ?? true);
}

/**
 * Finds out how much the load generator can send to the bare server, with each target's form of request. It measures
 * the closed loop first, and then the open loop, which needs more CPU for each request. The load generator may judge these
 * loads INVALID, as it may be the bottleneck; here that is the purpose.
 */
async function calibrate(comparison: Comparison): Promise<void> {
  const { place, options, progress, folder } = comparison;
  const users = Math.min(RATE_USERS, options.users);
  const { calibrate: seconds, settle } = options.pace;
  const closed: Record<string, number> = {};
  const open: Record<string, { rate: number; cpuSeconds: number }> = {};
  for (const target of place.targets) {
    const { throughput } = (await askBareServer(comparison, CALIBRATIONS.closed, target, [{ seconds, users }])).verdict;
    const half = Math.max(settle + SHORTEST_STEP, Math.ceil(seconds / 2));
    const steps = CEILING_SHARES.map((share) => ({ seconds: half, users, rate: rounded(share * throughput) }));
    const { files, verdict } = await askBareServer(comparison, CALIBRATIONS.open, target, steps);
    closed[target] = throughput;
    open[target] = openCeiling(rowsOf(files, target, 'steps'), rowsOf(files, target, 'generator'), verdict);
  }
  const ceiling = min(Object.values(open).map(({ rate }) => rate));
  const bound = BOUND_SHARE * ceiling;
  const cpuSeconds = max(Object.values(open).map((its) => its.cpuSeconds));
  comparison.limits = {
    bound,
    cpuSeconds,
    closedBounds: Object.fromEntries(Object.entries(closed).map(([target, rate]) => [target, BOUND_SHARE * rate])),
  };
  const openRequestsPerSecond = Object.fromEntries(Object.entries(open).map(([target, { rate }]) => [target, rate]));
  folder.add({ ceiling: { requestsPerSecond: closed, openRequestsPerSecond, bound } });
  progress.say(
    `The load generator can send ${ceiling.toFixed(0)} requests/s at a given rate here; at most ${bound.toFixed(0)} are ` +
      `asked of it, for which it needs ${(bound * cpuSeconds).toFixed(2)} of the ${place.cpus.toFixed(1)} CPUs.`,
  );
}

/** Loads the bare server with a target's form of request, and writes the results. */
async function askBareServer(
  { place, options, progress, folder }: Comparison,
  { trial, what }: { trial: number; what: string },
  target: Target,
  steps: Step[],
): Promise<{ files: Files; verdict: Verdict }> {
  progress.begin(
    `calibrate: ${what} in the form of ${NAMES[target]}`,
    OVERHEAD_SECONDS + sum(steps.map(({ seconds }) => seconds)),
  );
  const files = await place.load({ target, steps, settleSeconds: options.pace.settle, toStaticServer: true });
  folder.write('calibrate', trial, files);
  const verdict = verdictOf(files, target);
  if (verdict.failures === 0 && verdict.throughput > 0) return { files, verdict };
  throw new CompareError(
    `calibrate: ${verdict.failures} requests to a bare server failed, so that nothing can be measured.`,
  );
}

/** Returns the highest rate at which the nodes have enough CPU for the load generator and for either target. */
function boundOfNodes({ place, options, progress, limits, capacities }: Comparison): number {
  const saturated = quantity(options.cpuLimit);
  const costs = place.targets
    .filter((target) => place.controls(target))
    .map((target) => saturated / median(capacities[target]));
  const cpuSeconds = limits.cpuSeconds + max([0, ...costs]);
  const bound = Math.min(limits.bound, (CPU_SHARE * place.cpus) / cpuSeconds);
  progress.say(
    `autoscale: at most ${bound.toFixed(0)} requests/s, for which the load generator and the dearer target need ` +
      `${(bound * cpuSeconds).toFixed(2)} of the ${place.cpus.toFixed(1)} CPUs.`,
  );
  return bound;
}

/** A load of an experiment. */
interface Measured {
  experiment: ExperimentName;
  /** The folder of the experiment that the results go to. */
  trial: number;
  /** What tells this load from the others of the experiment, such as `1/3`. */
  which?: string;
  target: Target;
  scaling: Scaling;
  steps: Step[];
}

/** Puts one load on one target: warms it up first, samples it meanwhile, and writes the files and their verdict. */
async function measure(
  comparison: Comparison,
  {
    experiment,
    trial,
    which = `${trial}/${trialsOf(experiment, comparison.options)}`,
    target,
    scaling,
    steps,
  }: Measured,
): Promise<Files> {
  const { place, options, progress, folder, limits } = comparison;
  const name = `${experiment} ${which}: ${NAMES[target]}`;
  const load: Load = { target, settleSeconds: options.pace.settle, steps };
  progress.begin(name, OVERHEAD_SECONDS + sum(steps.map(({ seconds }) => seconds)));
  await place.prepare(target, scaling, async () => {
    folder.add(await place.environment());
    await warmUp(comparison, target);
  });

  const watch = place.controls(target) ? place.watch(target) : undefined;
  const files = await place.load(load).finally(() => watch?.stop());
  const { timeline = [], pods = [], throttling = [] } = (await watch?.stop()) ?? {};
  if (timeline.length > 0) csv(files, target, 'timeline', timeline);
  if (pods.length > 0) csv(files, target, 'pods', pods);
  if (throttling.length > 0) csv(files, target, 'throttling', throttling);

  const isClosed = steps.every(({ rate }) => rate === undefined);
  const more = [
    ...(scaling === 'auto' && target === 'function' ? idleReplicas(rowsOf(files, target, 'replicas'), timeline) : []),
    ...(isClosed ? tooFast(rowsOf(files, target, 'steps'), limits.closedBounds[target] ?? Infinity) : []),
  ];
  const verdict = judged(verdictOf(files, target), more);
  files.set(fileName(target, 'verdict'), Buffer.from(`${JSON.stringify(verdict, null, 2)}\n`));
  folder.write(experiment, trial, files);
  folder.judge(experiment, trial, verdict);
  const found = overload(rowsOf(files, target, 'steps'), timeline);
  const figures = [`${verdict.throughput.toFixed(1)} requests/s, ${verdict.failures} failed`, ...found].join('; ');
  const isValid = verdict.verdict === 'VALID';
  progress.say(`${name}: ${isValid ? figures : `INVALID. ${verdict.reasons.join(' ')}`}`, isValid ? 'ok' : 'warning');
  return files;
}

/** Returns half the rate that the slower target can answer, or half the highest rate that the generator can send. */
function equalRate({ options, limits, capacities }: Comparison): Step {
  const most = Object.values(capacities).flatMap((all) => (all.length > 0 ? median(all) : []));
  const users = Math.min(RATE_USERS, options.users);
  return { seconds: options.pace.latency, users, rate: rounded(min([...most, limits.bound]) / 2) };
}

/** Returns the number of trials for each target. `noise` compares them in pairs: 1 and 2, 3 and 4, and so on. */
function trialsOf(experiment: ExperimentName, { pace }: Options): number {
  return experiment === 'noise' ? 2 * pace.trials : pace.trials;
}

/** Warms up a target's replica, and throws away what was measured. */
async function warmUp({ place, options }: Comparison, target: Target): Promise<void> {
  const steps = [{ seconds: options.pace.warmUp, users: BATCH_USERS }];
  await place.load({ target, steps, settleSeconds: 0 });
}

/** Puts the same steps on both targets, once for each trial. */
async function forEachTrial(
  comparison: Comparison,
  experiment: ExperimentName,
  scaling: Scaling,
  steps: Step[],
): Promise<void> {
  for (let trial = 1; trial <= trialsOf(experiment, comparison.options); trial++) {
    for (const target of interleaved(comparison.place.targets, trial - 1)) {
      await measure(comparison, { experiment, trial, target, scaling, steps });
    }
  }
}

/** Reverses the order of the targets in every other round, so that a drift of the machine affects both alike. */
function interleaved(targets: readonly Target[], round: number): readonly Target[] {
  return round % 2 === 0 ? targets : targets.toReversed();
}

/** Returns 1, 2, 4 and so on, and `most` at the end. */
function doubled(most: number): number[] {
  const powers = Array.from({ length: Math.ceil(Math.log2(most)) }, (_, power) => 2 ** power);
  return [...powers, most];
}

/** Rounds a rate down to a whole number, which is at least 1. */
function rounded(rate: number): number {
  return max([1, Math.floor(rate)]);
}
