// The chart of all ratios: how many times better the baseline is than each of the others.

import { partsInWords } from './conclusions.ts';
import { winnerOf } from './decide-winner.ts';
import { left, right, type Picture } from './document.ts';
import type { Figure, NoiseFloors } from './figures.ts';
import { ratio } from './format.ts';
import { labelsOf, type Targets } from './targets.ts';
import { draw, LOG, numbers, TARGET, byColour, byPoint, wide, type ChartSpec } from './vega.ts';

/** A ratio, turned so that more is better for the baseline. */
export interface RatioRow {
  name: string;
  /** The label of the other target. */
  target: string;
  /** The value as text, such as `2.03×`. */
  label: string;
  value: number;
  low: number;
  high: number;
  /** Both parts of a difference that is the load generator's own, in words; empty of any other. */
  parts: string;
}

/** Of several others, what was measured once and has no interval is left to the table, unless that is most. */
export function ratioRowsOf(all: readonly Figure[], noise: NoiseFloors, [, ...others]: Targets): RatioRow[] {
  const figures = all.filter(({ isMain }) => isMain);
  const ratios = figures.flatMap(({ comparisons }) => comparisons.flatMap(({ ratio }) => ratio ?? []));
  const hasIntervals = ratios.filter(({ interval }) => interval).length > ratios.length / 2;
  return figures.flatMap((figure) => {
    const { key, name, better, comparisons } = figure;
    return comparisons.flatMap((comparison, index) => {
      const { ratio: estimate } = comparison;
      if (!estimate || (others.length > 1 && hasIntervals && !estimate.interval)) return [];
      const turn = (value: number) => (better === 'more' ? value : 1 / value);
      // An interval without an end is drawn up to the value.
      const { low: least = estimate.value, high: most = estimate.value } = estimate.interval ?? {};
      const ends = [least || estimate.value, Number.isFinite(most) ? most : estimate.value].map(turn);
      const value = turn(estimate.value);
      const sign = estimate.bound && ((estimate.bound === 'at least') === (better === 'more') ? '≥' : '≤');
      const target = others[index]?.label ?? '';
      const [low, high] = [Math.min(...ends), Math.max(...ends)];
      const isOfGenerator = winnerOf(figure, comparison, noise[key]) === 'generator';
      const parts = isOfGenerator ? partsInWords(figure, comparison) : '';
      return { name, target, label: [sign, `${ratio(value)}×`].filter(Boolean).join(' '), value, low, high, parts };
    });
  });
}

/** Pixels of a figure with one ratio, and of each ratio of a figure with several. */
const ROW = 16;
const ROW_OF_SEVERAL = 8;

/** A line for each ratio: right of the line at 1 the baseline is better, left of it the other one. */
export function ratioChart(rows: readonly RatioRow[], targets: Targets): ChartSpec & { height: number } {
  const [baseline, other] = targets;
  const isAlone = targets.length <= 2;
  // A third more than the longest bar, for the number behind it.
  const reach = Math.max(1.2, ...rows.flatMap(({ low, high }) => [high, 1 / low])) * (isAlone ? 1.35 : 1.1);
  const title = `← ${isAlone ? `${other?.label ?? ''} is` : 'the other is'} better … times better … `;
  const x = {
    title: `${title}${baseline.label} is better →`,
    scale: { ...LOG, domain: [1 / reach, reach] },
    axis: { tickCount: 7, format: '~g' },
  };
  const y = { field: 'name', type: 'nominal', sort: null, title: null, axis: { labelLimit: 300, grid: true } };
  const { bar, dot } = isAlone ? ONE : several(targets);
  const names = new Set(rows.map(({ name }) => name)).size;
  const chart = wide({
    layer: [
      { mark: { type: 'rule', color: '#222' }, encoding: { x: { datum: 1, type: 'quantitative' } } },
      {
        mark: { type: 'rule', strokeWidth: 3, ...bar.mark },
        encoding: { y, x: numbers('low', x.title, x), x2: { field: 'high' }, ...bar.encoding, opacity: FAINT },
      },
      ...[true, false].map((filled) => ({
        transform: [{ filter: filled ? "datum.parts === ''" : "datum.parts !== ''" }],
        mark: { type: 'point', ...dot.mark, filled, ...(!filled && { fill: 'white' }) },
        encoding: { y, x: numbers('value', x.title, x), ...dot.encoding },
      })),
      // The numbers of several would stand in each other's way.
      ...(isAlone
        ? [
            {
              mark: { type: 'text', align: 'left', dx: 8, color: '#222' },
              encoding: { y, x: numbers('high', x.title, x), text: { field: 'label' } },
            },
          ]
        : []),
    ],
  });
  return { ...chart, height: isAlone ? ROW * names + 40 : (ROW_OF_SEVERAL * (targets.length - 1) + 2) * names + 58 };
}

/** A difference of the load generator's own stands back, and has a hollow mark. */
const FAINT = { condition: { test: "datum.parts !== ''", value: 0.35 }, value: 1 };

const ONE = {
  bar: { mark: { color: '#555' }, encoding: {} },
  dot: { mark: { shape: 'diamond', size: 80, color: '#111' }, encoding: {} },
};

/** Each of several others has the look that it has in all charts, and a line of its own. */
function several(targets: Targets) {
  const labels = labelsOf(targets);
  const others = labels.slice(1);
  const yOffset = { ...TARGET, sort: others };
  const legend = { values: others };
  return {
    bar: { mark: {}, encoding: { yOffset, ...byColour(labels, legend) } },
    dot: { mark: { size: 45 }, encoding: { yOffset, ...byPoint(labels, legend) } },
  };
}

/** Describes the chart of the ratios for readers who can't see it. */
export function ratiosInWords(rows: readonly RatioRow[], [baseline, ...others]: Targets): string {
  const sentences = others.map(({ name, label }) => {
    const values = rows
      .filter(({ target }) => target === label)
      .map((row) => `${row.name} ${ratio(row.value)}${row.parts && ` (${row.parts})`}`);
    return `How many times better ${baseline.name} is than ${name}: ${values.join('; ')}.`;
  });
  return sentences.join(' ');
}

/** Such as `How many times better the function is than TensorFlow Serving`. */
export function ratioChartTitle([baseline, ...others]: Targets): string {
  const [other] = others;
  return `How many times better ${baseline.name} is than ${others.length === 1 && other ? other.name : 'the others'}`;
}

/** What a hollow mark means, with a blank before it; empty without one. */
export function hollowInWords(rows: readonly RatioRow[]): string {
  return rows.some(({ parts }) => parts !== '')
    ? ' A hollow mark is a difference of the load generator, and none of the servers.'
    : '';
}

/** Undefined where there is no ratio. */
export async function ratioPicture(
  figures: readonly Figure[],
  noise: NoiseFloors,
  targets: Targets,
): Promise<Picture | undefined> {
  const rows = ratioRowsOf(figures, noise, targets);
  if (rows.length === 0) return undefined;
  return {
    kind: 'picture',
    svg: await draw(rows, ratioChart(rows, targets)),
    caption:
      `${ratioChartTitle(targets)}, with 95 % intervals where there are enough trials. ` +
      `An interval that crosses the line at 1 shows no difference.${hollowInWords(rows)}`,
    alt: ratiosInWords(rows, targets),
    values: {
      kind: 'table',
      columns: [
        left('Figure'),
        left('Better than'),
        right('times better'),
        right('at least'),
        right('at most'),
        left('of it'),
      ],
      rows: rows.map(({ name, target, value, low, high, parts }) => [
        name,
        target,
        ...[value, low, high].map(ratio),
        parts,
      ]),
      source: 'the ratios in the table above, or 1 by them where less is better',
    },
  };
}
