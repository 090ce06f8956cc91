// Puts loads on targets, and writes what was measured.

import { sum } from 'simple-statistics';
import { fileName, type ExperimentName, type Plan, type Interface } from '../../results/files.ts';
import type { Scaling, Step, Place, Load, Samples } from '../place.ts';
import { csv, rowsOf, type Files, verdictOf } from '../run/files.ts';
import { INTERFACES } from '../servers/index.ts';
import { OVERHEAD_SECONDS, type Context, type Experiment } from './experiment.ts';
import { withinLimits } from './limits.ts';
import { idleReplicas, judged, describeOverload, tooFast, whyFailed } from './verdicts.ts';

const WARM_UP_USERS = 4;
/** A load of an experiment. */
interface ExperimentLoad {
  experiment: ExperimentName;
  /** The folder of the experiment that the results go to. */
  trial: number;
  /** Of `capacity`, whose rounds have a load for each number of users. */
  round?: number;
  /** What tells this load from the others of the experiment, such as `1/3`. */
  which: string;
  target: Interface;
  scaling: Scaling;
  steps: Step[];
}

/** Puts one load on one target: warms it up first, samples it meanwhile, and writes the files and their verdict. */
export async function measure(
  context: Context,
  { experiment, trial, round, which, target, scaling, steps }: ExperimentLoad,
): Promise<Files> {
  const { place, settings, progress, folder, limits } = context;
  const name = `${experiment} ${which}: ${INTERFACES[target].name}`;
  progress.begin(name, OVERHEAD_SECONDS + sum(steps.map(({ seconds }) => seconds)));
  await place.prepare(target, scaling, async () => {
    folder.add(await place.environment());
    await warmUp(context, target);
  });

  const { files, samples } = await watched(place, {
    target,
    settleSeconds: settings.pace.settle,
    // In one trial all targets are asked the same at the same instants.
    seed: settings.seed + trial - 1,
    steps,
  });
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
  folder.add({ pods: place.pods });
  folder.write(experiment, trial, files);
  folder.judge(experiment, trial, verdict, round);
  const overloads = describeOverload(rowsOf(files, target, 'steps'), samples.timeline);
  const why = verdict.failures > 0 ? whyFailed(files, target) : '';
  const figures = [
    `${verdict.throughput.toFixed(1)} requests/s`,
    ...overloads,
    `${verdict.failures} failed${why}`,
  ].join('; ');
  const isValid = verdict.verdict === 'VALID';
  progress.say(`${name}: ${isValid ? figures : `INVALID. ${verdict.reasons.join(' ')}`}`, isValid ? 'ok' : 'warning');
  return files;
}

/** Runs a load while the target's replicas are sampled, where they are under control. */
async function watched(place: Place, load: Load): Promise<{ files: Files; samples: Samples }> {
  const { server } = INTERFACES[load.target];
  const watch = place.servers.includes(server) ? place.watch(server) : undefined;
  const [loaded] = await Promise.allSettled([place.load(load)]);
  const samples = (await watch?.stop()) ?? { timeline: [], pods: [], throttling: [] };
  if (loaded.status === 'rejected') throw loaded.reason;
  return { files: loaded.value, samples };
}

/** Warms up a target's replica, and throws away what was measured. */
export async function warmUp({ place, settings }: Context, target: Interface): Promise<void> {
  const steps = [{ seconds: settings.pace.warmUp, users: WARM_UP_USERS }];
  await place.load({ target, steps, settleSeconds: 0, seed: settings.seed });
}

/** Puts the same steps on all targets of an experiment, one after another, once for each trial. */
export async function measureInTurns(
  context: Context,
  { name, targets }: Pick<Experiment, 'name' | 'targets'>,
  plan: Plan,
): Promise<void> {
  const { place, folder, limits } = context;
  const { trials, scaling, steps } = plan;
  folder.plan(name, plan);
  const asked = targets.filter((target) => place.interfaces.includes(target));
  for (let trial = 1; trial <= trials; trial++) {
    const which = `${trial}/${trials}`;
    for (const target of inTurn(asked, trial - 1)) {
      const sent = withinLimits(steps, limits.targets.get(target));
      if (trial === 1 && sent.length < steps.length) {
        leaveOut(
          context,
          `${name}: ${steps.length - sent.length} of ${steps.length} rates to ${INTERFACES[target].name}, which are ` +
            'more than the load generator can send without strain, or the nodes have CPU for.',
        );
      }
      if (sent.length > 0) await measure(context, { experiment: name, trial, which, target, scaling, steps: sent });
    }
  }
}

/** Says what is not measured, and why, here and in the results. */
export function leaveOut({ progress, folder }: Pick<Context, 'progress' | 'folder'>, sentence: string): void {
  folder.leaveOut(sentence);
  progress.say(`Left out: ${sentence}`, 'warning');
}

/** Reverses the order of the targets in every other round, so that a drift of the machine affects all alike. */
export function inTurn<T extends Interface>(targets: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? targets : targets.toReversed();
}
