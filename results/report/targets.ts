// The targets that a report compares: the baseline and the others, side by side in its words, tables and charts.

import { INTERFACE_NAMES, type Environment, type ExperimentName } from '../files.ts';
import { right, type Cell, type Table } from './document.ts';
import { counted, number, words } from './format.ts';
import { countingOf, type Measured, type Measurements, type Part } from './measurements.ts';

/** One of those that are compared: an interface of a server in a run. */
export type Side = Measured & Environment['interfaces'][string];

/** Each of the others is compared with the baseline. */
export type Sides = readonly [baseline: Side, ...others: Side[]];

/** The interfaces that a run has files of, in the order of `INTERFACE_NAMES`. */
export function sidesOf(measurements: Measurements): Sides {
  const targets = INTERFACE_NAMES.filter((target) => measurements.parts.some((part) => part.target === target));
  const { interfaces } = measurements.environment;
  const sides = targets.flatMap((target) => {
    const known = interfaces[target];
    return known ? { measurements, target, ...known } : [];
  });
  // There is one at least, as readMeasurements refuses a run without any.
  return sides as [Side, ...Side[]];
}

export const labelsOf = (sides: Sides) => sides.map(({ label }) => label);

/** Such as `both targets`. */
export function allTargets({ length }: Sides): string {
  return length === 1 ? 'the target' : length === 2 ? 'both targets' : 'all targets';
}

/** How one value is asked for: a sentence without its full stop; undefined where all sides are asked alike. */
export function askedBy(sides: Sides): string | undefined {
  if (new Set(sides.map(({ method }) => method)).size < 2) return undefined;
  return `One value is asked of ${words(sides.map(({ name, method }) => `${name} by ${method}`))}`;
}

/** The side that stands for a server's own figures, such as cold starts; undefined if that is the given one itself. */
export function representativeOf(side: Side, sides: Sides): Side | undefined {
  const first = sides.find((each) => each.measurements === side.measurements && each.server === side.server);
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
