// Lists the experiments in the order in which they run. A new one is a file of its own, and a line here.

import { sum } from 'simple-statistics';
import type { Comparison, Experiment } from '../experiment.ts';
import type { Options } from '../options.ts';
import type { Place } from '../place.ts';
import { autoscale } from './autoscale.ts';
import { batch } from './batch.ts';
import { calibrate } from './calibrate.ts';
import { capacity } from './capacity.ts';
import { coldstart } from './coldstart.ts';
import { latency } from './latency.ts';
import { noise } from './noise.ts';
import { scaleFromZero } from './scale-from-zero.ts';

export const EXPERIMENTS = [
  calibrate,
  capacity,
  autoscale,
  latency,
  noise,
  batch,
  coldstart,
  scaleFromZero,
] as const satisfies readonly Experiment[];

export type ExperimentName = (typeof EXPERIMENTS)[number]['name'];
export const EXPERIMENT_NAMES = EXPERIMENTS.map(({ name }) => name);

/** @returns the named experiments, all if none is named, with those that they need, in the order in which they run */
export function withNeeds(names: readonly ExperimentName[]): ExperimentName[] {
  const chosen = EXPERIMENTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const needed = new Set<string>(chosen.flatMap((each: Experiment) => [each.name, ...each.needs]));
  return EXPERIMENT_NAMES.filter((name) => needed.has(name));
}

/** Runs the chosen experiments that the place fits. @throws CompareError if one of them breaks */
export async function runExperiments(
  context: Pick<Comparison, 'place' | 'options' | 'progress' | 'folder'>,
): Promise<void> {
  const { place, options, progress } = context;
  let comparison: Comparison = {
    ...context,
    limits: { bound: Infinity, closedBounds: {}, cpuSeconds: 0 },
    capacities: { function: [], tfserving: [] },
  };
  const experiments: Experiment[] = EXPERIMENTS.filter(
    (each: Experiment) =>
      options.experiments.some((name) => name === each.name) &&
      each.fits(place) &&
      each.targets.some((target) => place.targets.includes(target)),
  );
  for (const [index, experiment] of experiments.entries()) {
    // Earlier experiments may have taken less time than expected, so the estimate starts anew.
    progress.expect(sum(experiments.slice(index).map((each) => seconds(each, options, place))));
    comparison = { ...comparison, ...(await experiment.run(comparison)) };
  }
}

function seconds(experiment: Experiment, options: Options, { targets }: Place): number {
  return experiment.seconds(options) * experiment.targets.filter((target) => targets.includes(target)).length;
}
