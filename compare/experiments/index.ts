// Lists the experiments in the order in which they run. A new one is a file of its own, and a line here.

import { sum } from 'simple-statistics';
import { EXPERIMENT_NAMES, type ExperimentName } from '../../results/files.ts';
import type { Place } from '../place.ts';
import type { Settings } from '../settings.ts';
import { autoscale } from './autoscale.ts';
import { batch } from './batch.ts';
import { calibrate } from './calibrate.ts';
import { coldstart } from './coldstart.ts';
import type { Context, Experiment } from './experiment.ts';
import { leaveOut } from './measure.ts';
import { scaleFromZero } from './scale-from-zero.ts';
import { sweep } from './sweep.ts';

export const EXPERIMENTS = [
  calibrate,
  sweep,
  batch,
  coldstart,
  autoscale,
  scaleFromZero,
] as const satisfies readonly Experiment[];

/**
 * @param isQuick whether experiments that take long for what they tell are left out, if none is named
 * @returns the named experiments, or all, with those that they need, in the order in which they run
 */
export function withNeeds(names: readonly ExperimentName[], isQuick: boolean): ExperimentName[] {
  const chosen = EXPERIMENTS.filter(({ name, quick }) => (names.length > 0 ? names.includes(name) : quick || !isQuick));
  const needed = new Set<string>(chosen.flatMap((each: Experiment) => [each.name, ...each.needs]));
  return EXPERIMENT_NAMES.filter((name) => needed.has(name));
}

/** Runs the chosen experiments that the place fits. @throws Failure if one of them breaks */
export async function runExperiments(run: Pick<Context, 'place' | 'settings' | 'progress' | 'folder'>): Promise<void> {
  const { place, settings, progress } = run;
  let context: Context = {
    ...run,
    limits: { bound: Infinity, targets: new Map() },
    sweeps: new Map(),
  };
  const quickOnes = withNeeds([], true);
  if (settings.quick && quickOnes.every((name) => settings.experiments.includes(name))) {
    const others = EXPERIMENT_NAMES.filter((name) => !settings.experiments.includes(name));
    if (others.length > 0) leaveOut(context, `${others.join(', ')}: too long for --quick, unless you name them.`);
  }
  const experiments: Experiment[] = EXPERIMENTS.filter(
    (each: Experiment) => settings.experiments.some((name) => name === each.name) && each.fits(place),
  );
  for (const [index, experiment] of experiments.entries()) {
    // Earlier experiments may have taken less time than expected, so the estimate starts anew.
    progress.expect(sum(experiments.slice(index).map((each) => seconds(each, settings, place))));
    context = { ...context, ...(await experiment.run(context)) };
  }
}

function seconds(experiment: Experiment, settings: Settings, { interfaces }: Place): number {
  return experiment.seconds(settings) * interfaces.length;
}
