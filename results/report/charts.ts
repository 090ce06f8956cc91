// Every chart of the report but the timeline, with the values in it.

import type { Row } from '../files.ts';
import { draw, numbers, sideOfColour, sideOfLine, sideOfPoint, wide, WIDTH, withoutLegend } from './chart.ts';
import { left, right, type Figure, type Table } from './document.ts';
import type { Figure as Measured } from './figures.ts';
import { number, ratio } from './format.ts';
import { throughputOf, type Part, type Side } from './measurements.ts';
import { countOf, percentile, percentileInterval, type Histogram, type Pair } from './statistics.ts';

export type Sides = Pair<Side>;
export const labelsOf = (sides: Sides) => sides.map(({ label }) => label);

/** For each side, with its label. */
export function bothSides<T, U>(sides: Sides, both: Pair<T>, tell: (its: T, label: string) => U[]): U[] {
  return [...tell(both[0], sides[0].label), ...tell(both[1], sides[1].label)];
}

const LOG = { type: 'log', nice: false };

/** A ratio of the first page, turned so that more is better for the first side. */
interface Advantage {
  name: string;
  /** The value as text, such as `2.03×`. */
  label: string;
  value: number;
  low: number;
  high: number;
}

export function advantagesOf(figures: readonly Measured[]): Advantage[] {
  return figures.flatMap(({ name, better, ratio: its }) => {
    if (!its) return [];
    const turn = (value: number) => (better === 'more' ? value : 1 / value);
    const ends = [its.interval?.low ?? its.value, its.interval?.high ?? its.value].map(turn);
    const value = turn(its.value);
    return { name, label: `${ratio(value)}×`, value, low: Math.min(...ends), high: Math.max(...ends) };
  });
}

/** A line of the chart for each ratio: right of the line at 1 the first side is better, left of it the second one. */
export function advantageChart(rows: readonly Advantage[], [one, other]: Sides) {
  // A third more than the longest bar, for the number behind it.
  const most = Math.max(1.2, ...rows.flatMap(({ low, high }) => [high, 1 / low])) * 1.35;
  const x = {
    title: `← ${other.label} is better … times better … ${one.label} is better →`,
    scale: { ...LOG, domain: [1 / most, most] },
    axis: { tickCount: 7, format: '~g' },
  };
  const y = {
    field: 'name',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelLimit: 300, grid: true },
  };
  const height = 26 * rows.length + 40;
  const chart = wide({
    layer: [
      { mark: { type: 'rule', color: '#222' }, encoding: { x: { datum: 1, type: 'quantitative' } } },
      {
        mark: { type: 'rule', strokeWidth: 3, color: '#555' },
        encoding: { y, x: numbers('low', x.title, x), x2: { field: 'high' } },
      },
      {
        mark: { type: 'point', shape: 'diamond', size: 80, color: '#111' },
        encoding: { y, x: numbers('value', x.title, x) },
      },
      {
        mark: { type: 'text', align: 'left', dx: 8, color: '#222' },
        encoding: { y, x: numbers('high', x.title, x), text: { field: 'label' } },
      },
    ],
  });
  return { ...chart, height };
}

/** Describes the chart of the ratios for readers who can't see it. */
export function advantagesInWords(rows: readonly Advantage[], [one, other]: Sides): string {
  const values = rows.map(({ name, value }) => `${name} ${ratio(value)}`).join('; ');
  return `How many times better ${one.name} is than ${other.name}: ${values}.`;
}

/** The ratios of the first page. */
export async function advantage(figures: readonly Measured[], sides: Sides): Promise<Figure | undefined> {
  const [one, other] = sides;
  const rows = advantagesOf(figures);
  if (rows.length === 0) return undefined;
  return {
    kind: 'figure',
    svg: await draw(rows, advantageChart(rows, sides)),
    caption:
      `How many times better ${one.name} is than ${other.name}, with 95 % intervals where there are enough trials. ` +
      'An interval that crosses the line at 1 shows no difference.',
    alt: advantagesInWords(rows, sides),
    values: {
      kind: 'table',
      columns: [left('Figure'), right('times better'), right('at least'), right('at most')],
      rows: rows.map(({ name, value, low, high }) => [name, ratio(value), ratio(low), ratio(high)]),
      source: 'the ratios in the table above, or 1 by them where less is better',
    },
  };
}

const CURVE_SHARES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999];
/** A percentile needs so many slower requests: with fewer, it is the luck of one. */
const LEAST_SLOWER = 10;

/** Latency by percentile, all trials merged, on a scale that gives the slowest requests their room. */
export async function latencies(trials: Pair<readonly Histogram[]>, sides: Sides): Promise<Figure> {
  const rows = bothSides(sides, trials, (histograms, side) =>
    CURVE_SHARES.filter((share) => countOf(histograms) * (1 - share) >= LEAST_SLOWER).map((share) => {
      const { low = NaN, high = NaN } = percentileInterval(histograms, share) ?? {};
      const value = percentile(histograms, share) / 1000;
      return { side, share, odds: 1 / (1 - share), value, low: low / 1000, high: high / 1000 };
    }),
  );
  const most = Math.max(...rows.map(({ odds }) => odds));
  const x = numbers('odds', 'share of the right answers that took at most so long', {
    scale: LOG,
    axis: {
      values: [1, 2, 10, 100, 1000, 10_000].filter((odds) => odds <= most),
      labelExpr: "format(100 * (1 - 1 / datum.value), '~g') + ' %'",
      labelOverlap: false,
    },
  });
  const y = { scale: { type: 'log', nice: false, padding: 8 }, axis: { tickCount: 6, format: '~g' } };
  const labels = labelsOf(sides);
  const svg = await draw(
    rows,
    wide({
      height: 250,
      layer: [
        {
          transform: [{ filter: 'isValid(datum.low)' }],
          mark: { type: 'area', opacity: 0.2 },
          encoding: { x, y: numbers('low', 'latency, ms', y), y2: { field: 'high' }, ...sideOfColour(labels) },
        },
        { mark: 'line', encoding: { x, y: numbers('value', 'latency, ms', y), ...sideOfLine(labels) } },
      ],
    }),
  );
  return {
    kind: 'figure',
    svg,
    caption: 'Latency by percentile, both scales logarithmic, all trials merged; the bands are 95 % intervals.',
    alt: 'A rising curve of latency by percentile for each side.',
    values: {
      kind: 'table',
      columns: [left('Side'), right('percentile'), right('ms'), right('at least'), right('at most')],
      rows: rows.map(({ side, share, value, low, high }) => [side, ...[100 * share, value, low, high].map(number)]),
      source: 'latency/*/<target>_latency.csv',
    },
  };
}

/** What one side answers with so many users. */
export interface Saturation {
  side: string;
  users: number;
  throughput: number;
  p50: number;
  p99: number;
}

/** @param knees users at which each side's curve has its knee */
export async function saturation(
  rows: readonly Saturation[],
  trials: Pair<readonly Part[]>,
  sides: Sides,
  knees: Pair<number>,
): Promise<Figure> {
  const labels = labelsOf(sides);
  const dots = bothSides(sides, trials, (parts, side) =>
    parts.flatMap((part) => part.read('steps').map((step) => ({ side, users: step.users, trial: throughputOf(step) }))),
  );
  const flags = bothSides(sides, knees, (knee, label) =>
    rows.filter(({ side, users }) => side === label && users === knee).map((row) => ({ ...row, knee: row.throughput })),
  );
  const x = numbers('users', 'users at a time (log scale)', {
    scale: { type: 'log', base: 2, nice: false, padding: 12 },
    axis: { values: [...new Set(rows.map(({ users }) => users))], format: 'd' },
  });
  const layer = (field: string, mark: object, encoding: object) => ({
    transform: [{ filter: `isValid(datum.${field})` }],
    mark,
    encoding: { x, y: numbers(field, 'right answers/s'), ...encoding },
  });
  const colour = sideOfColour(labels);
  const svg = await draw(
    [...rows, ...dots, ...flags],
    wide({
      height: 250,
      layer: [
        layer('throughput', { type: 'line' }, sideOfLine(labels)),
        layer('trial', { type: 'point', opacity: 0.7 }, sideOfPoint(labels)),
        layer('knee', { type: 'point', filled: false, size: 260, strokeWidth: 1.5 }, colour),
        layer('knee', { type: 'text', dy: -16 }, { text: { value: 'knee' }, ...colour }),
      ],
    }),
  );
  return {
    kind: 'figure',
    svg,
    caption:
      'Throughput of one replica by users. Lines: all trials together; dots: each trial; ring: the knee, after which more ' +
      'users bring less than 5 % more.',
    alt: 'A curve for each side that rises and levels out.',
    values: {
      kind: 'table',
      columns: [left('Side'), right('users'), right('right answers/s in each trial')],
      rows: dots.map(({ side, users, trial }) => [side, number(users), number(trial)]),
      source: 'capacity/*/<target>_steps.csv',
    },
  };
}

/** What one side converts with requests of such a size. */
export interface Batch {
  side: string;
  batch: number;
  values: number;
  p50: number;
}

export async function batches(rows: readonly Batch[], sides: Sides): Promise<Figure> {
  const labels = labelsOf(sides);
  const sizes = [...new Set(rows.map(({ batch }) => batch))];
  const x = numbers('batch', 'values in a request', {
    scale: LOG,
    axis: { values: sizes, format: '~s', labelBound: false },
  });
  const chart = (field: string, title: string) => {
    const y = numbers(field, title, { scale: { type: 'log' }, axis: { format: '~s', tickCount: 5 } });
    return {
      width: WIDTH / 2 - 75,
      height: 190,
      layer: [
        { mark: 'line', encoding: { x, y, ...sideOfLine(labels) } },
        { mark: 'point', encoding: { x, y, ...sideOfPoint(labels) } },
      ],
    };
  };
  const svg = await draw(rows, {
    hconcat: [chart('values', 'values/s'), chart('p50', 'median latency of a request, ms')],
    spacing: 80,
    bounds: 'flush',
  });
  return {
    kind: 'figure',
    svg,
    caption: 'What larger requests bring, all scales logarithmic.',
    alt: 'Two charts: converted values a second, and the median latency of a request, by values in a request.',
  };
}

/** Each start is a dot, so that nobody has to trust a mean. */
export async function coldStarts(starts: Pair<readonly Row<'coldstarts'>[]>, sides: Sides): Promise<Figure> {
  const rows = bothSides(sides, starts, (its, side) =>
    its.map(({ start, first_answer_ms }) => ({ side, start, seconds: first_answer_ms / 1000 })),
  );
  const x = numbers('seconds', 'seconds from the creation of the pod to its first right answer', {
    scale: { zero: true },
  });
  const y = { field: 'side', type: 'nominal', title: null, sort: labelsOf(sides) };
  const svg = await draw(
    rows,
    wide({
      height: 110,
      layer: [
        { mark: { type: 'point', opacity: 0.6 }, encoding: { x, y, ...withoutLegend(sideOfPoint(labelsOf(sides))) } },
        {
          mark: { type: 'tick', thickness: 2, size: 30, color: '#111' },
          encoding: { x: { ...x, aggregate: 'median' }, y },
        },
      ],
    }),
  );
  return {
    kind: 'figure',
    svg,
    caption: 'Each start is a dot; the bars are the medians.',
    alt: 'The times of all starts as dots, in a row for each side.',
    values: {
      kind: 'table',
      columns: [left('Side'), right('start'), right('seconds')],
      rows: rows.map(({ side, start, seconds }) => [side, number(start), number(seconds)]),
      source: 'coldstart/1/<target>_coldstarts.csv: first_answer_ms',
    },
  };
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
