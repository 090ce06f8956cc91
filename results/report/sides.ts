// The two that a report compares, side by side in its words, tables and charts.

import { right, type Table } from './document.ts';
import { number } from './format.ts';
import type { Part, Side } from './measurements.ts';
import type { Pair } from './statistics.ts';

export type Sides = Pair<Side>;

export const labelsOf = (sides: Sides) => sides.map(({ label }) => label);

/** For each side, with its label. */
export function bothSides<T, U>(sides: Sides, both: Pair<T>, tell: (its: T, label: string) => U[]): U[] {
  return [...tell(both[0], sides[0].label), ...tell(both[1], sides[1].label)];
}

/** Such as `3 trials of each target count`. */
export function trialsOfEach({ length }: readonly Pair<Part>[]): string {
  return length === 1 ? '1 trial of each target counts' : `${length} trials of each target count`;
}

/** Takes something out of the trials of each side. */
export function ofBoth<T>(pairs: readonly Pair<Part>[], take: (part: Part) => T): Pair<T[]> {
  return [pairs.map(([part]) => take(part)), pairs.map(([, part]) => take(part))];
}

/** Both sides' values in one row for each number of users, or size of request. */
export function sideBySide<R extends { side: string }>(
  title: string,
  sides: Sides,
  rows: readonly R[],
  keyOf: (row: R) => number,
  columns: Record<string, (row: R) => number>,
  source: string,
): Table {
  const keys = [...new Set(rows.map(keyOf))].sort((a, b) => a - b);
  const cells = (key: number, { label }: Side) => {
    const row = rows.find((each) => each.side === label && keyOf(each) === key);
    return Object.values(columns).map((tell) => number(row ? tell(row) : NaN));
  };
  return {
    kind: 'table',
    columns: [
      right(title),
      ...sides.flatMap(({ label }) =>
        Object.keys(columns).map((name, index) => right(index === 0 ? `${label}: ${name}` : name)),
      ),
    ],
    rows: keys.map((key) => [number(key), ...sides.flatMap((side) => cells(key, side))]),
    source,
  };
}
