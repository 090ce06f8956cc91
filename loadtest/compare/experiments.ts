// The experiments: what is asked of the targets, in which order, and when a result counts.

import { max, median, min, sum } from 'simple-statistics';
import { fileName, type Row, type Target } from '../../results/files.ts';
import type { ResultsFolder } from './folder.ts';
import type { ExperimentName, Options } from './options.ts';
import { CompareError, type Files, type Load, type Place, type Scaling, type Step } from './place.ts';
import type { Progress } from './progress.ts';
import { NAMES } from './targets.ts';
import { csv, highestThroughput, idleReplicas, judged, rowsOf, tooFast, verdictOf } from './verdicts.ts';

/** Share of what the load generator can send that is asked of it, so that the target is measured and not Locust. */
const BOUND_SHARE = 0.6;
/** Users of a rate, if there may be so many: enough to have requests under way while slow ones are waited for. */
const RATE_USERS = 32;
const RATE_SHARES = [0.25, 0.5, 0.75, 1];
const BATCHES = [1, 10, 100, 1000, 10_000];
/** Enough to keep one replica busy; with more, large batches would only wait in line. */
const BATCH_USERS = 4;
/** What a load takes beside its own time, about: for its pod to start and its archive to come. */
const OVERHEAD_SECONDS = 15;
/** What a start takes with the end of the replica before, about. */
const COLD_START_SECONDS = 15;

export interface Comparison {
  place: Place;
  options: Options;
  progress: Progress;
  folder: ResultsFolder;
  /** Rate that no load may exceed, requests/s. */
  bound: number;
  /** Requests/s of one saturated replica, of each trial. */
  capacities: Record<Target, number[]>;
}

const RUN: Record<ExperimentName, (comparison: Comparison) => Promise<void>> = {
  autoscale: (comparison) =>
    forEachTrial(comparison, async (trial, target) => {
      const { options, bound } = comparison;
      const seconds = Math.floor(options.pace.runTime / RATE_SHARES.length);
      const users = Math.min(RATE_USERS, options.users);
      const steps = RATE_SHARES.map((share) => ({ seconds, users, rate: rounded(share * bound) }));
      await measure(comparison, 'autoscale', trial, target, 'auto', { steps });
    }),

  capacity: (comparison) =>
    forEachTrial(comparison, async (trial, target) => {
      const { options, capacities } = comparison;
      const steps = doubled(options.users).map((users) => ({ seconds: options.pace.capacityStep, users }));
      const files = await measure(comparison, 'capacity', trial, target, 'one', { steps, untilSaturated: true });
      capacities[target].push(highestThroughput(rowsOf(files, target, 'steps')));
    }),

  latency: (comparison) =>
    forEachTrial(comparison, async (trial, target) => {
      await measure(comparison, 'latency', trial, target, 'one', { steps: [equalRate(comparison)] });
    }),

  noise: async (comparison) => {
    const { place, options } = comparison;
    if (!place.targets.includes('function')) return;
    for (let trial = 1; trial <= trialsOf('noise', options); trial++) {
      await measure(comparison, 'noise', trial, 'function', 'one', { steps: [equalRate(comparison)] });
    }
  },

  batch: (comparison) =>
    forEachTrial(comparison, async (trial, target) => {
      const { options } = comparison;
      const users = Math.min(BATCH_USERS, options.users);
      const steps = BATCHES.map((batch) => ({ seconds: options.pace.batchStep, users, batch }));
      await measure(comparison, 'batch', trial, target, 'one', { steps });
    }),

  coldstart: async (comparison) => {
    const { place, options, progress, folder } = comparison;
    const targets = place.targets.filter((target) => place.controls(target));
    const rows: Record<Target, Row<'coldstarts'>[]> = { function: [], tfserving: [] };
    for (const target of targets) await place.prepare(target, 'one');
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
      await warmUp(comparison, target, 'one');
      add('memory_loaded', await place.memoryBytes(target));
      folder.write('coldstart', 1, csv(new Map(), target, 'footprint', footprint));
    }
  },
};

/** @throws CompareError when one of them breaks */
export async function runExperiments(comparison: Comparison): Promise<void> {
  await calibrate(comparison);
  for (const name of runnable(comparison.options, comparison.place)) await RUN[name](comparison);
}

/** Seconds that all of it takes, about. */
export function estimate(options: Options, place: Place): number {
  const { pace } = options;
  const steps: Record<Exclude<ExperimentName, 'coldstart'>, number> = {
    autoscale: pace.runTime,
    capacity: doubled(options.users).length * pace.capacityStep,
    latency: pace.latency,
    noise: pace.latency,
    batch: BATCHES.length * pace.batchStep,
  };
  const targets = place.targets.length;
  const seconds = runnable(options, place).map((name) => {
    if (name === 'coldstart')
      return targets * (pace.coldStarts * COLD_START_SECONDS + pace.warmUp + 3 * OVERHEAD_SECONDS);
    return (name === 'noise' ? 1 : targets) * trialsOf(name, options) * (steps[name] + OVERHEAD_SECONDS);
  });
  return sum([targets * (pace.calibrate + OVERHEAD_SECONDS), ...seconds]);
}

function runnable(options: Options, place: Place): ExperimentName[] {
  return options.experiments.filter((name) => name !== 'autoscale' || place.scales);
}

/**
 * Finds what the load generator can send at most, in each target's form of request, to a server that only answers.
 * Its own verdict is that it is the bottleneck, which is what is wanted here.
 */
async function calibrate(comparison: Comparison): Promise<void> {
  const { place, options, progress, folder } = comparison;
  const ceilings: Record<string, number> = {};
  for (const target of place.targets) {
    const name = `calibrate: what the load generator can send in the form of ${NAMES[target]}`;
    progress.begin(name, options.pace.calibrate + OVERHEAD_SECONDS);
    const steps = [{ seconds: options.pace.calibrate, users: Math.min(RATE_USERS, options.users) }];
    const load: Load = { target, steps, settleSeconds: options.pace.settle, toStaticServer: true };
    const files = await place.load(load);
    folder.write('calibrate', 1, files);
    const { failures, throughput } = verdictOf(files, target);
    if (failures > 0 || throughput === 0) {
      throw new CompareError(
        `calibrate: ${failures} requests to a bare server failed, so that nothing can be measured.`,
      );
    }
    ceilings[target] = throughput;
  }
  const ceiling = min(Object.values(ceilings));
  comparison.bound = BOUND_SHARE * ceiling;
  folder.add({ ceiling: { requestsPerSecond: ceilings, bound: comparison.bound } });
  progress.say(
    `The load generator can send ${ceiling.toFixed(0)} requests/s here; at most ${comparison.bound.toFixed(0)} are asked of it.`,
  );
}

/** One load of one target, from a warm start to files that say whether they count. */
async function measure(
  comparison: Comparison,
  experiment: ExperimentName,
  trial: number,
  target: Target,
  scaling: Scaling,
  part: { steps: Step[]; untilSaturated?: boolean },
): Promise<Files> {
  const { place, options, progress, folder, bound } = comparison;
  const name = `${experiment} ${trial}/${trialsOf(experiment, options)}: ${NAMES[target]}`;
  const load: Load = { target, settleSeconds: options.pace.settle, ...part };
  progress.begin(name, OVERHEAD_SECONDS + sum(part.steps.map(({ seconds }) => seconds)));
  if (await place.prepare(target, scaling)) {
    folder.add(await place.environment());
    await warmUp(comparison, target, scaling);
  }

  const watch = place.controls(target) ? place.watch(target) : undefined;
  const files = await place.load(load).finally(() => watch?.stop());
  const { timeline = [], pods = [] } = (await watch?.stop()) ?? {};
  if (timeline.length > 0) csv(files, target, 'timeline', timeline);
  if (pods.length > 0) csv(files, target, 'pods', pods);

  const more = [
    ...(scaling === 'auto' && target === 'function' ? idleReplicas(rowsOf(files, target, 'replicas'), timeline) : []),
    ...tooFast(rowsOf(files, target, 'steps'), bound),
  ];
  const verdict = judged(verdictOf(files, target), more);
  files.set(fileName(target, 'verdict'), Buffer.from(`${JSON.stringify(verdict, null, 2)}\n`));
  folder.write(experiment, trial, files);
  folder.judge(experiment, trial, verdict);
  const figures = `${verdict.throughput.toFixed(1)} requests/s, ${verdict.failures} failed`;
  const isValid = verdict.verdict === 'VALID';
  progress.say(`${name}: ${isValid ? figures : `INVALID. ${verdict.reasons.join(' ')}`}`, isValid ? 'ok' : 'warning');
  return files;
}

/** Half of what the slower target can answer, for as long as a p99 takes. */
function equalRate({ options, bound, capacities }: Comparison): Step {
  const slower = min(Object.values(capacities).flatMap((all) => (all.length > 0 ? median(all) : [])));
  const users = Math.min(RATE_USERS, options.users);
  return { seconds: options.pace.latency, users, rate: rounded(Math.min(slower / 2, bound)) };
}

/** Of each target. The noise is between two trials, 1 and 2, 3 and 4, and so on. */
function trialsOf(experiment: ExperimentName, { pace }: Options): number {
  return experiment === 'noise' ? 2 * pace.trials : pace.trials;
}

/** Gets a target's replicas warm; what is measured meanwhile is thrown away. */
async function warmUp({ place, options, bound }: Comparison, target: Target, scaling: Scaling): Promise<void> {
  // A tenth of the bound is too little for an autoscaler to act.
  const step = { seconds: options.pace.warmUp, users: BATCH_USERS };
  const steps = [scaling === 'auto' ? { ...step, rate: rounded(bound / 10) } : step];
  await place.load({ target, steps, settleSeconds: 0 });
}

async function forEachTrial(
  { place, options }: Comparison,
  each: (trial: number, target: Target) => Promise<void>,
): Promise<void> {
  for (let trial = 1; trial <= options.pace.trials; trial++) {
    for (const target of interleaved(place.targets, trial - 1)) await each(trial, target);
  }
}

/** The function first, then last, and so on: a drift of the machine meets both alike. */
function interleaved(targets: readonly Target[], round: number): readonly Target[] {
  return round % 2 === 0 ? targets : targets.toReversed();
}

/** 1, 2, 4 and so on, and the most. */
function doubled(most: number): number[] {
  const powers = Array.from({ length: Math.ceil(Math.log2(most)) }, (_, power) => 2 ** power);
  return [...powers, most];
}

/** A rate that is easy to read, and not 0. */
function rounded(rate: number): number {
  return max([1, Math.floor(rate)]);
}
