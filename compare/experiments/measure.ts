// Puts loads on targets, and writes what was measured.

import { sum } from 'simple-statistics';
import {
  againOf,
  fileName,
  type ExperimentName,
  type Interface,
  type Plan,
  type TargetName,
} from '../../results/files.ts';
import type { Scaling, Step, Load, Samples } from '../place.ts';
import { csv, renamed, rowsOf, type Files, verdictOf } from '../run/files.ts';
import { interfaceOf } from '../servers/comparison.ts';
import { SETTLE_SECONDS, type Settings } from '../settings.ts';
import { OVERHEAD_SECONDS, type Context } from './experiment.ts';
import { withinLimits } from './limits.ts';
import { idleReplicas, judged, describeOverload, whyFailed } from './verdicts.ts';

/** Users who ask again at once, in loads that only warm up or probe: enough to keep one replica busy. */
const FEW_USERS = 4;

/** A load of an experiment. */
interface ExperimentLoad {
  experiment: ExperimentName;
  /** The folder of the experiment that the results go to. */
  trial: number;
  /** What tells this load from the others of the experiment, such as `1/3`. */
  which: string;
  /** What the results belong to. */
  target: TargetName;
  scaling: Scaling;
  steps: Step[];
  tell: Tell;
}
/** Says in phrases what a load has found. */
type Tell = (files: Files, target: Interface) => string[];

const throughput: Tell = (files, target) => [`${verdictOf(files, target).throughput.toFixed(1)} requests/s`];

/** Puts one load on one target: warms it up first, samples it meanwhile, and writes the files and their verdict. */
async function measure(
  context: Context,
  { experiment, trial, which, target: name, scaling, steps, tell }: ExperimentLoad,
): Promise<Files> {
  const { place, settings, progress, folder } = context;
  const target = askedAs(name, settings);
  const what = `${experiment} ${which}: ${interfaceOf(settings.comparison, target).name}${name === target ? '' : ' again'}`;
  progress.begin(what, OVERHEAD_SECONDS + sum(steps.map(({ seconds }) => seconds)));
  await prepare(context, target, scaling);

  // In one trial all targets are asked the same at the same instants.
  const seed = settings.seed + trial - 1;
  const { files, samples } = await watched(context, { target, settleSeconds: SETTLE_SECONDS, seed, steps });
  for (const kind of ['timeline', 'pods', 'throttling'] as const) {
    if (samples[kind].length > 0) csv(files, target, kind, samples[kind]);
  }

  const idle =
    scaling === 'auto' && files.has(fileName(target, 'replicas'))
      ? idleReplicas(rowsOf(files, target, 'replicas'), samples.timeline)
      : [];
  const verdict = judged(verdictOf(files, target), [...idle, ...samples.endings]);
  folder.add({ pods: place.pods });
  folder.write(experiment, trial, renamed(files, target, name));
  folder.judge(experiment, trial, name, verdict);
  const why = verdict.failures > 0 ? whyFailed(files, target) : '';
  const figures = [
    ...tell(files, target),
    ...describeOverload(rowsOf(files, target, 'steps'), samples.timeline),
    `${verdict.failures} failed${why}`,
  ].join('; ');
  const isValid = verdict.verdict === 'VALID';
  progress.say(`${what}: ${isValid ? figures : `INVALID. ${verdict.reasons.join(' ')}`}`, isValid ? 'ok' : 'warning');
  return files;
}

/** Puts a load on one replica of a target that only finds out what to measure: nothing of it is kept. */
export async function probe(
  context: Context,
  { doing, target, steps }: { doing: string; target: Interface; steps: Step[] },
): Promise<Files> {
  const { place, settings, progress } = context;
  progress.begin(
    `${doing}: ${interfaceOf(settings.comparison, target).name}`,
    OVERHEAD_SECONDS + sum(steps.map(({ seconds }) => seconds)),
  );
  await prepare(context, target, 'one');
  return place.load({ target, steps, settleSeconds: SETTLE_SECONDS, seed: settings.seed });
}

/** Gets a target ready for a load; a new replica is warmed up first. */
async function prepare(context: Context, target: Interface, scaling: Scaling): Promise<void> {
  const { place, folder } = context;
  await place.prepare(target, scaling, async () => {
    folder.add(await place.environment());
    await warmUp(context, target);
  });
}

/** Runs a load while the target's replicas are sampled, where they are under control. */
async function watched(
  { place, settings: { comparison } }: Context,
  load: Load,
): Promise<{ files: Files; samples: Samples }> {
  const { server } = interfaceOf(comparison, load.target);
  const watch = place.servers.includes(server) ? place.watch(server) : undefined;
  const [loaded] = await Promise.allSettled([place.load(load)]);
  const samples = (await watch?.stop()) ?? { timeline: [], pods: [], throttling: [], endings: [] };
  if (loaded.status === 'rejected') throw loaded.reason;
  return { files: loaded.value, samples };
}

/** Warms up a target's replica, and throws away what was measured. */
export async function warmUp({ place, settings }: Context, target: Interface): Promise<void> {
  const steps = [{ seconds: settings.pace.warmUp, users: usersOf(settings) }];
  await place.load({ target, steps, settleSeconds: 0, seed: settings.seed });
}

/** A few users, or one for each worker of the load generator. */
export function usersOf({ workers }: Settings): number {
  return Math.max(FEW_USERS, workers);
}

interface Differing {
  /** The steps of a target, if they are not the plan's. */
  stepsOf?: (target: Interface) => Step[];
  tell?: Tell;
}

/**
 * Puts steps on all targets of an experiment, one after another, once for each trial.
 * @returns the files of each load, by target
 */
export async function measureInTurns(
  context: Context,
  { name, targets }: { name: ExperimentName; targets: readonly TargetName[] },
  plan: Plan & { scaling: Scaling },
  { stepsOf = () => plan.steps, tell = throughput }: Differing = {},
): Promise<Map<TargetName, Files[]>> {
  const { place, folder, limits, settings } = context;
  const { trials, scaling } = plan;
  folder.plan(name, plan);
  const measured = new Map<TargetName, Files[]>();
  const asked = targets.filter((target) => place.interfaces.includes(askedAs(target, settings)));
  for (let trial = 1; trial <= trials; trial++) {
    for (const target of inTurn(asked, trial - 1)) {
      const of = askedAs(target, settings);
      const steps = stepsOf(of);
      const sent = withinLimits(steps, limits.targets.get(of));
      if (trial === 1 && sent.length < steps.length) {
        leaveOut(
          context,
          `${name}: ${steps.length - sent.length} of ${steps.length} rates to ${interfaceOf(settings.comparison, of).name}, which are ` +
            'more than the load generator can send without strain, or the nodes have CPU for.',
        );
      }
      if (sent.length === 0) continue;
      const load = { experiment: name, trial, which: `${trial}/${trials}`, target, scaling, steps: sent, tell };
      const files = await measure(context, load);
      measured.set(target, [...(measured.get(target) ?? []), files]);
    }
  }
  return measured;
}

/** What is asked when a target is. */
function askedAs(target: TargetName, { comparison: { baseline } }: Settings): Interface {
  return target === againOf(baseline) ? baseline : target;
}

/** Says what is not measured, and why, here and in the results. */
export function leaveOut({ progress, folder }: Pick<Context, 'progress' | 'folder'>, sentence: string): void {
  folder.leaveOut(sentence);
  progress.say(`Left out: ${sentence}`, 'warning');
}

/** Reverses the order of the targets in every other round, so that a drift of the machine affects all alike. */
export function inTurn<T extends TargetName>(targets: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? targets : targets.toReversed();
}
