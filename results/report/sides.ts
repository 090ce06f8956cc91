// The targets that a report compares: the baseline and the others, side by side in its words, tables and charts.

import { TARGETS, type ExperimentName, type Target } from '../files.ts';
import type { Pair } from '../statistics.ts';
import { right, type Cell, type Table } from './document.ts';
import { counted, number, upperFirst, words } from './format.ts';
import { countingOf, releaseOf, type Measurements, type Part, type Measured } from './measurements.ts';

/** One of those that are compared. */
export interface Side extends Measured {
  /** The name in charts and tables, such as `Function`. */
  label: string;
  /** The name in the middle of a sentence, such as `the function`. */
  name: string;
}

/** Each of the others is compared with the baseline. */
export type Sides = readonly [baseline: Side, ...others: Side[]];

/** The targets that a run has files of, in the order of `TARGETS`. */
export function sidesOf(measurements: Measurements): Sides {
  const targets = TARGETS.filter((target) => measurements.parts.some((part) => part.target === target));
  const sides = targets.map((target): Side => {
    const name = nameOf(measurements, target);
    return { measurements, target, name, label: labelOf(name, targets.length > 2) };
  });
  // There is one at least, as readMeasurements refuses a run without any.
  return sides as [Side, ...Side[]];
}

export function nameOf({ environment }: Measurements, target: Target): string {
  return environment.targets[target]?.name ?? target;
}

/** @param isShort for more columns than two: `TF Serving, gRPC` instead of `TensorFlow Serving over gRPC` */
function labelOf(name: string, isShort: boolean): string {
  const label = upperFirst(name.replace(/^the /, ''));
  return isShort ? label.replace('TensorFlow', 'TF').replace(' over ', ', ') : label;
}

export const labelsOf = (sides: Sides) => sides.map(({ label }) => label);

/** Such as `both targets`. */
export function allTargets({ length }: Sides): string {
  return length === 1 ? 'the target' : length === 2 ? 'both targets' : 'all targets';
}

/** The experiments whose requests hold one value. */
const ONE_VALUE: readonly ExperimentName[] = ['latency', 'capacity', 'autoscale', 'noise'];

/**
 * How one value is asked for, as Locust's files name the method of a request: a sentence without its full stop;
 * undefined where all sides are asked alike.
 */
export function askedBy(sides: Sides): string | undefined {
  const methods = sides.flatMap((side) => {
    const method = methodOf(side);
    return method === undefined ? [] : [{ name: side.name, method }];
  });
  if (new Set(methods.map(({ method }) => method)).size < 2) return undefined;
  return `One value is asked of ${words(methods.map(({ name, method }) => `${name} by ${method}`))}`;
}

/** How one value is asked of a side: `gRPC`, or a method of HTTP; undefined where no load tells. */
function methodOf({ measurements, target }: Side): string | undefined {
  const load = measurements.parts.find(
    (part) => part.target === target && ONE_VALUE.includes(part.experiment) && part.has('stats'),
  );
  const method = load?.read('stats').find(({ Type }) => Type !== '')?.Type;
  return method && /^grpc$/i.test(method) ? GRPC : method;
}

const GRPC = 'gRPC';

/** Whether some of the sides are asked by a request without a body. */
export function areAskedWithoutBody(sides: Sides): boolean {
  return sides.some((side) => methodOf(side) === 'GET');
}

/** Whether the load generator asks one side by its client for gRPC, and the other by the one for HTTP. */
export function haveUnlikeClients([one, other]: Pair<Side>): boolean {
  return (methodOf(one) === GRPC) !== (methodOf(other) === GRPC);
}

/** The side whose pods answer this one too, and were started and weighed for both; undefined if these are its own. */
export function sharedWith(side: Side, sides: Sides): Side | undefined {
  const releaseOfSide = ({ measurements, target }: Side) => releaseOf(measurements.environment, target);
  const first = sides.find(
    (each) => each.measurements === side.measurements && releaseOfSide(each) === releaseOfSide(side),
  );
  return first === side ? undefined : first;
}

/** The trials that count for a side and the baseline too; of the baseline, those that count for any other. */
export function paired<T extends { trial: number }>([baseline = [], ...others]: readonly T[][]): T[][] {
  const isIn = (trials: readonly T[]) => (its: T) => trials.some(({ trial }) => trial === its.trial);
  const theirs = others.map((trials) => trials.filter(isIn(baseline)));
  return [others.length > 0 ? baseline.filter(isIn(theirs.flat())) : baseline, ...theirs];
}

/** The trials of an experiment that sections are about, of each side; undefined where none counts for two. */
export function trialsThatCount(sides: Sides, experiment: ExperimentName): Part[][] | undefined {
  const trials = paired(sides.map((side) => countingOf(side, experiment)));
  return trials[0]?.length ? trials : undefined;
}

/** For each side, with its label. */
export function forEachSide<T, U>(sides: Sides, its: readonly T[], tell: (its: T, label: string) => U[]): U[] {
  return its.flatMap((each, index) => tell(each, sides[index]?.label ?? ''));
}

/** Such as `3 trials of each target count`. */
export function trialsOfEach(sides: Sides, trials: readonly Part[][]): string {
  const counts = trials.map(({ length }) => length);
  const [first = 0] = counts;
  if (counts.every((count) => count === first)) {
    const those = sides.length > 1 ? 'each target' : 'the target';
    return first === 1 ? `1 trial of ${those} counts` : `${counted(first, 'trial')} of ${those} count`;
  }
  const told = counts.map((count, index) => `${count > 0 ? number(count) : 'none'} of ${sides[index]?.name ?? ''}`);
  return `These trials count: ${words(told)}`;
}

/** The sides' values in one row for each number of users, or size of request; without a side that has none. */
export function sideBySide<R extends { side: string }>(
  title: string,
  sides: Sides,
  rows: readonly R[],
  keyOf: (row: R) => number,
  columns: Record<string, (row: R) => number>,
  source: string,
): Table {
  const keys = [...new Set(rows.map(keyOf))].sort((a, b) => a - b);
  const shown = sides.filter(({ label }) => rows.some(({ side }) => side === label));
  const cells = (key: number, { label }: Side): Cell[] => {
    const row = rows.find((each) => each.side === label && keyOf(each) === key);
    return Object.values(columns).map((tell) => number(row ? tell(row) : NaN));
  };
  return {
    kind: 'table',
    columns: [
      right(title),
      ...shown.flatMap(({ label }) =>
        Object.keys(columns).map((name, index) => right(index === 0 ? `${label}: ${name}` : name)),
      ),
    ],
    rows: keys.map((key) => [number(key), ...shown.flatMap((side) => cells(key, side))]),
    source,
  };
}
