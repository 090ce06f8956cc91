// The targets that a report compares, the baseline first, and how words and tables put them side by side.

import { againOf, type Environment, type TargetName, type ExperimentName } from '../files.ts';
import { MOST_OTHERS, ofTarget, right, type Cell, type Table } from './document.ts';
import { counted, number, words } from './format.ts';
import { countingOf, type MeasuredTarget, type Measurements, type Part } from './measurements.ts';

/** An interface of a server in a run, which the report compares. */
export type Target = MeasuredTarget & Environment['interfaces'][string];

/** The baseline, which comes first, and the targets that are compared with it. */
export type Targets = readonly [baseline: Target, ...others: Target[]];

/** The keys of the targets that a reader wants to see; of a run that has others, these are left out. */
export interface Choice {
  /** The first of `targets` if there are any, else the run's own. */
  baseline?: TargetName;
  /** All that the run has files of, unless given. */
  targets?: readonly TargetName[];
}

/** The interfaces with files in a run, in the order of environment.json, its baseline first. */
export function measuredTargets({ parts, environment: { interfaces, comparison } }: Measurements): TargetName[] {
  const keys = new Set([comparison.baseline, ...Object.keys(interfaces)]);
  return [...keys].filter((key) => key !== againOf(comparison.baseline) && parts.some(({ target }) => target === key));
}

/** Files about a server itself have the key of its first interface, which a reader may have left out. */
const OF_SERVERS: readonly ExperimentName[] = ['coldstart', 'scale-from-zero'];

/** The targets of a run, the baseline first, which know no other target than these. */
export function targetsOf(run: Measurements, choice: Choice = {}): Targets {
  const { interfaces, comparison } = run.environment;
  const { targets = measuredTargets(run), baseline = targets[0] ?? '' } = choice;
  const keys = new Set([baseline, ...targets]);
  const chosen = [...keys].flatMap((key) => ({ key, ...interfaces[key] }) as { key: TargetName } & Target);
  const parts = run.parts.flatMap((part): Part[] => {
    const ofServer = chosen.find(({ server }) => server === interfaces[part.target]?.server)?.key;
    const target = OF_SERVERS.includes(part.experiment) ? ofServer : part.target;
    const isShown = keys.has(target === againOf(comparison.baseline) ? comparison.baseline : (target ?? ''));
    return target !== undefined && isShown ? [{ ...part, target }] : [];
  });
  const measurements = { ...run, parts };
  // Names that two targets share are told apart by their keys.
  const own = (member: 'name' | 'label', target: Target) => {
    const isShared = chosen.filter((other) => other[member] === target[member]).length > 1;
    return isolated(isShared ? `${target[member]} (${target.key})` : target[member]);
  };
  const targetsOfRun = chosen.map((target): Target => {
    return { ...target, measurements, name: own('name', target), label: own('label', target) };
  });
  // There is one at least, as readMeasurements refuses a run without any.
  return targetsOfRun as [Target, ...Target[]];
}

/** A text that runs from right to left keeps the order of what stands around it: isolates of Unicode enclose it. */
function isolated(text: string): string {
  return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(text)
    ? `\u2068${text}\u2069`
    : text;
}

/** The baseline of the run itself, and the same again, of which `sweep` knows the noise; undefined if it was not measured. */
export function measuredTwice({ environment, ...run }: Measurements): readonly [Target, Target] | undefined {
  const {
    interfaces,
    comparison: { baseline },
  } = environment;
  const measurements = { environment, ...run };
  const both = [baseline, againOf(baseline)].flatMap((key) => {
    const known = interfaces[key];
    return known && run.parts.some(({ target }) => target === key) ? { measurements, key, ...known } : [];
  });
  return both.length === 2 ? (both as [Target, Target]) : undefined;
}

/** Whether a sentence can name all of them, and a table has room for them. */
export const isFew = ({ length }: Targets) => length - 1 <= MOST_OTHERS;
export const labelsOf = (targets: Targets) => targets.map(({ label }) => label);

/** Such as `both targets`. */
export function allTargets({ length }: Targets): string {
  return length === 1 ? 'the target' : length === 2 ? 'both targets' : 'all targets';
}

/** Says how one value is asked for, without a full stop; undefined if all targets are asked alike. */
export function askedBy(targets: Targets): string | undefined {
  const byMethod = [...Map.groupBy(targets, ({ method }) => method)];
  if (byMethod.length < 2) return undefined;
  return `One value is asked of ${words(byMethod.map(([method, alike]) => `${words(alike.map(({ name }) => name))} by ${method}`))}`;
}

/** The target that carries its server's own figures, such as cold starts; undefined if that is the target itself. */
export function representativeOf(target: Target, targets: Targets): Target | undefined {
  const first = targets.find(
    ({ measurements, server }) => measurements === target.measurements && server === target.server,
  );
  return first === target ? undefined : first;
}

/** Keeps the trials that a target has in common with the baseline, and of the baseline those that any other has. */
export function paired<T extends { trial: number }>([baseline = [], ...others]: readonly T[][]): T[][] {
  const isIn = (trials: readonly T[]) => (candidate: T) => trials.some(({ trial }) => trial === candidate.trial);
  const ofOthers = others.map((trials) => trials.filter(isIn(baseline)));
  return [others.length > 0 ? baseline.filter(isIn(ofOthers.flat())) : baseline, ...ofOthers];
}

/** The trials of each target that a section shows; undefined if the baseline has none in common with another. */
export function trialsThatCount(targets: Targets, experiment: ExperimentName): Part[][] | undefined {
  const trials = paired(targets.map((target) => countingOf(target, experiment)));
  return trials[0]?.length ? trials : undefined;
}

/** Calls a function with each target's value and label, and concatenates the results. */
export function forEachTarget<T, U>(
  targets: Targets,
  values: readonly T[],
  tell: (value: T, label: string) => U[],
): U[] {
  return values.flatMap((value, index) => tell(value, targets[index]?.label ?? ''));
}

/** Such as `3 trials of each target count`. */
export function trialsOfEach(targets: Targets, trials: readonly Part[][]): string {
  const counts = trials.map(({ length }) => length);
  const [first = 0] = counts;
  if (counts.every((count) => count === first)) {
    const whose = targets.length > 1 ? 'each target' : 'the target';
    return first === 1 ? `1 trial of ${whose} counts` : `${counted(first, 'trial')} of ${whose} count`;
  }
  const texts = counts.map((count, index) => `${count > 0 ? number(count) : 'none'} of ${targets[index]?.name ?? ''}`);
  return `These trials count: ${words(texts)}`;
}

/** A table with a row for each key, such as a batch size, and columns for each target that has any row. */
export function sideBySide<R extends { target: string }>(
  title: string,
  targets: Targets,
  rows: readonly R[],
  keyOf: (row: R) => number,
  columns: Record<string, (row: R) => number>,
  source: string,
): Table {
  const keys = [...new Set(rows.map(keyOf))].sort((a, b) => a - b);
  const shown = targets.filter(({ label }) => rows.some(({ target }) => target === label));
  const names = Object.keys(columns);
  const cells = (key: number, { label }: Target): Cell[] => {
    const row = rows.find((candidate) => candidate.target === label && keyOf(candidate) === key);
    return Object.values(columns).map((tell) => number(row ? tell(row) : NaN));
  };
  return {
    kind: 'table',
    columns: [
      right(title),
      ...shown.flatMap(({ label }, target) =>
        names.map((name, index) => ofTarget(index === 0 ? `${label}: ${name}` : name, target)),
      ),
    ],
    rows: keys.map((key) => [number(key), ...shown.flatMap((target) => cells(key, target))]),
    source,
  };
}
