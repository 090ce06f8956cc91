// Defines what an experiment is, and how it puts loads on the targets.

import { max, median, min, sum } from 'simple-statistics';
import { fileName, type ExperimentName, type Plan, type Target } from '../../results/files.ts';
import type { ResultsFolder } from '../run/folder.ts';
import type { Options } from '../options.ts';
import type { Files, Load, Place, Samples, Scaling, Step } from '../place.ts';
import type { Progress } from '../../lib/progress.ts';
import { DEFINITIONS } from '../servers/index.ts';
import { csv, idleReplicas, judged, overload, rowsOf, tooFast, verdictOf, whyFailed } from './verdicts.ts';

export interface Experiment {
  /** Its name on the command line, and its folder in the results. */
  readonly name: ExperimentName;
  /** What it measures, for --help. */
  readonly about: string;
  /** The targets that it asks. */
  readonly targets: readonly Target[];
  /** Those whose findings it builds on, which run before it. */
  readonly needs: readonly ExperimentName[];
  /** Whether `--quick` runs it, too, unless it is named. */
  readonly quick: boolean;
  /** Whether a place has what it takes. */
  fits(place: Place): boolean;
  /** Roughly how many seconds it takes for each target, at most. */
  seconds(options: Options): number;
  /** @throws CompareError if it breaks */
  run(comparison: Comparison): Promise<Partial<Findings>>;
}

/** What experiments find out for those that follow. */
export interface Findings {
  /** What the load generator can send here without becoming the bottleneck. */
  readonly limits: Limits;
  /** The throughput of one saturated replica in each round of `capacity`, in requests/s. */
  readonly capacities: ReadonlyMap<Target, readonly number[]>;
}

export interface Limits {
  /** The highest rate that is offered to all targets whose protocol is the baseline's, in requests/s. */
  readonly bound: number;
  /** What the load generator can send to each target. */
  readonly targets: ReadonlyMap<Target, GeneratorLimits>;
}

export interface GeneratorLimits {
  /** The highest rate that the open loop offers, in requests/s. */
  readonly open: number;
  /** The highest throughput that the load generator can measure in the closed loop, in requests/s. */
  readonly closed: number;
  /** The CPU time that the load generator needs for a request of the open loop, in seconds. */
  readonly cpuSeconds: number;
}

export interface Comparison extends Findings {
  readonly place: Place;
  readonly options: Options;
  readonly progress: Progress;
  readonly folder: ResultsFolder;
}

/** The users that share a rate, unless --users allows fewer: enough to send on time while some answers are slow. */
const RATE_USERS = 32;
const WARM_UP_USERS = 4;
/** Roughly how much longer a load takes than its steps: its pod must start, and its results must be fetched. */
export const OVERHEAD_SECONDS = 10;
/** Roughly how long it takes to replace a target's replica by one with other resources. */
export const REPLACEMENT_SECONDS = 25;

/** A load of an experiment. */
interface Measured {
  experiment: ExperimentName;
  /** The folder of the experiment that the results go to. */
  trial: number;
  /** What tells this load from the others of the experiment, such as `1/3`. */
  which: string;
  target: Target;
  scaling: Scaling;
  steps: Step[];
}

/** Puts one load on one target: warms it up first, samples it meanwhile, and writes the files and their verdict. */
export async function measure(
  comparison: Comparison,
  { experiment, trial, which, target, scaling, steps }: Measured,
): Promise<Files> {
  const { place, options, progress, folder, limits } = comparison;
  const name = `${experiment} ${which}: ${DEFINITIONS[target].name}`;
  progress.begin(name, OVERHEAD_SECONDS + sum(steps.map(({ seconds }) => seconds)));
  await place.prepare(target, scaling, async () => {
    folder.add(await place.environment());
    await warmUp(comparison, target);
  });

  const { files, samples } = await watched(place, { target, settleSeconds: options.pace.settle, steps });
  for (const kind of ['timeline', 'pods', 'throttling'] as const) {
    if (samples[kind].length > 0) csv(files, target, kind, samples[kind]);
  }

  const isClosed = steps.every(({ rate }) => rate === undefined);
  const more = [
    ...(scaling === 'auto' && files.has(fileName(target, 'replicas'))
      ? idleReplicas(rowsOf(files, target, 'replicas'), samples.timeline)
      : []),
    ...(isClosed ? tooFast(rowsOf(files, target, 'steps'), limits.targets.get(target)?.closed ?? Infinity) : []),
  ];
  const verdict = judged(verdictOf(files, target), more);
  if (place.pods) folder.add({ pods: place.pods });
  folder.write(experiment, trial, files);
  folder.judge(experiment, trial, verdict);
  const found = overload(rowsOf(files, target, 'steps'), samples.timeline);
  const why = verdict.failures > 0 ? whyFailed(files, target) : '';
  const figures = [`${verdict.throughput.toFixed(1)} requests/s`, ...found, `${verdict.failures} failed${why}`].join(
    '; ',
  );
  const isValid = verdict.verdict === 'VALID';
  progress.say(`${name}: ${isValid ? figures : `INVALID. ${verdict.reasons.join(' ')}`}`, isValid ? 'ok' : 'warning');
  return files;
}

/** Runs a load while the target's replicas are sampled, where they are under control. */
async function watched(place: Place, load: Load): Promise<{ files: Files; samples: Samples }> {
  const watch = place.controls(load.target) ? place.watch(load.target) : undefined;
  const [loaded] = await Promise.allSettled([place.load(load)]);
  const samples = (await watch?.stop()) ?? { timeline: [], pods: [], throttling: [] };
  if (loaded.status === 'rejected') throw loaded.reason;
  return { files: loaded.value, samples };
}

/** Warms up a target's replica, and throws away what was measured. */
export async function warmUp({ place, options }: Comparison, target: Target): Promise<void> {
  const steps = [{ seconds: options.pace.warmUp, users: WARM_UP_USERS }];
  await place.load({ target, steps, settleSeconds: 0 });
}

/** Puts the same steps on all targets of an experiment, one after another, once for each trial. */
export async function measureInTurns(
  comparison: Comparison,
  { name, targets }: Pick<Experiment, 'name' | 'targets'>,
  plan: Plan,
): Promise<void> {
  const { place, folder, limits } = comparison;
  const { trials, scaling, steps } = plan;
  folder.plan(name, plan);
  const its = targets.filter((target) => place.targets.includes(target));
  for (let trial = 1; trial <= trials; trial++) {
    const which = `${trial}/${trials}`;
    for (const target of inTurn(its, trial - 1)) {
      const sent = withinLimits(steps, limits.targets.get(target));
      if (trial === 1 && sent.length < steps.length) {
        leaveOut(
          comparison,
          `${name}: ${steps.length - sent.length} of ${steps.length} rates to ${DEFINITIONS[target].name}, which are ` +
            'more than the load generator can send without strain, or the nodes have CPU for.',
        );
      }
      if (sent.length > 0) await measure(comparison, { experiment: name, trial, which, target, scaling, steps: sent });
    }
  }
}

/** Says what is not measured, and why, here and in the results. */
export function leaveOut({ progress, folder }: Pick<Comparison, 'progress' | 'folder'>, sentence: string): void {
  folder.leaveOut(sentence);
  progress.say(`Left out: ${sentence}`, 'warning');
}

/** The steps whose rate is not too high for what the load generator can send to a target. */
export function withinLimits(steps: readonly Step[], limits: GeneratorLimits | undefined): Step[] {
  return steps.filter(({ rate = 0 }) => rate <= (limits?.open ?? Infinity));
}

/** Reverses the order of the targets in every other round, so that a drift of the machine affects both alike. */
export function inTurn(targets: readonly Target[], round: number): readonly Target[] {
  return round % 2 === 0 ? targets : targets.toReversed();
}

/** Returns half the rate that the slowest target can answer, or half the highest rate that the generator sends to all. */
export function equalRate({ options, limits, capacities }: Comparison): Step {
  const most = [...capacities.values()].map((all) => median([...all]));
  return {
    seconds: options.pace.latency,
    users: usersOfRate(options),
    rate: wholeRate(min([...most, ...limits.targets.values().map(({ open }) => open)]) / 2),
  };
}

/**
 * Returns the rate to which all targets of the first one's protocol can be asked. The load generator may need more CPU for
 * another protocol, whose targets then get fewer of the rates.
 */
export function boundOf(targets: Limits['targets']): number {
  const [first] = targets.keys();
  const protocolOf = (target: Target) => DEFINITIONS[target].portName;
  return min(
    [...targets].filter(([target]) => first && protocolOf(target) === protocolOf(first)).map(([, { open }]) => open),
  );
}

export function usersOfRate({ users }: Options): number {
  return Math.min(RATE_USERS, users);
}

/** Rounds a rate down to a whole number, which is at least 1. */
export function wholeRate(rate: number): number {
  return max([1, Math.floor(rate)]);
}
