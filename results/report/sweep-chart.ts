// The curve of the sweep: latency against the rate that one replica answers, from idle to saturation.

import { throughputOf } from '../sweep.ts';
import { left, right, type Picture } from './document.ts';
import { ABSENT, number, words } from './format.ts';
import { bareLoadOf, saturatedSteps, type Part } from './measurements.ts';
import { boundsOf, pointsOf, sweepOf } from './sweep-figures.ts';
import { forEachTarget, labelsOf, trialsThatCount, type Targets } from './targets.ts';
import { byColour, byLine, byPoint, dashesOf, draw, LOG, numbers, WIDTH, withoutLegend } from './vega.ts';

/** A percentile of one target at one rate. */
interface PointOfCurve {
  target: string;
  percent: number;
  /** Offered, in requests/s. */
  rate: number;
  /** Right answers/s; of a bare server, and where the target is saturated, too. */
  answered: number;
  /** In ms, of all trials together, and of the trials with the lowest and the highest one. */
  value: number;
  low: number;
  high: number;
}

/** Labelled latencies in ms. */
const TICKS = [0.01, 0.1, 1, 10, 100, 1000, 10_000];

/** Pixels of the first percentile's panel, and of each further one. */
const HEIGHTS = [190, 110];

/** Pixels of the only panel of the first page. */
const HEIGHT_ALONE = 240;

interface Look {
  /** Whether it shows the percentile of the first bound only, without a table of its values: that is in its section. */
  isBrief?: boolean;
  /** A title above it, as Vega-Lite takes it. */
  title?: object;
}

/** Undefined where no trial of `sweep` counts. */
export async function sweepPicture(
  targets: Targets,
  { isBrief = false, title }: Look = {},
): Promise<Picture | undefined> {
  const trials = trialsThatCount(targets, 'sweep');
  if (!trials) return undefined;
  const bounds = boundsOf(targets[0]);
  const known = bounds.map(({ percentile }) => percentile);
  const percents = (isBrief ? known.slice(0, 1) : [...new Set([99, 50, ...known])]).sort((a, b) => b - a);
  const curveOf = (parts: readonly Part[], target: string) => percents.flatMap((at) => curve(parts, target, at));
  const rows = forEachTarget(targets, trials, curveOf);
  const ends = forEachTarget(targets, trials, (parts, target) => {
    const steps = parts.flatMap(saturatedSteps);
    return steps.length > 0 ? [{ target, answered: throughputOf(steps), rate: steps[0]?.offered_rate ?? NaN }] : [];
  });
  const most = Math.max(...[...rows, ...ends].map(({ answered }) => answered));
  const bare = targets.flatMap((target) => {
    const part = bareLoadOf(target, 'floor');
    return part ? curveOf([part], target.label).filter(({ answered }) => answered <= most) : [];
  });

  const labels = labelsOf(targets);
  const panels = percents.map((percent, index) => {
    const isHere = <T extends { percent: number }>(all: readonly T[]) => all.filter((row) => row.percent === percent);
    const bound = bounds.flatMap((known) => (known.percentile === percent ? known.milliseconds : []));
    const shown = [...isHere(rows).flatMap(({ value, high }) => [value, high]), ...bound];
    // A saturated target has no latency: its curve ends at the upper edge.
    const top = 1.3 * Math.max(...shown);
    const saturated = ends.map((end) => ({ ...end, value: top }));
    const ofAxis = index === percents.length - 1 ? 'right answers/s of one replica' : null;
    const x = numbers('answered', ofAxis, {
      scale: { domain: [0, 1.02 * most], nice: false },
      axis: ofAxis === null ? { labels: false, ticks: false } : { format: ',d' },
    });
    const y = (field: string) =>
      numbers(field, `p${String(percent)}, ms`, {
        scale: { ...LOG, domainMax: top },
        axis: { format: '~g', values: TICKS, minExtent: 42 },
      });
    const order = { field: 'rate' };
    const look = index === 0 ? (encoding: object) => encoding : withoutLegend;
    return {
      width: WIDTH - 80,
      height: isBrief ? HEIGHT_ALONE : (HEIGHTS[index] ?? HEIGHTS.at(-1)),
      layer: [
        {
          data: { values: isHere(rows) },
          mark: { type: 'area', opacity: 0.18 },
          encoding: { x, y: y('low'), y2: { field: 'high' }, ...look(byColour(labels)) },
        },
        ...labels.map((label, target) => ({
          data: { values: isHere(bare).filter((row) => row.target === label) },
          mark: { type: 'line', strokeWidth: 1, color: '#888', strokeDash: dashesOf(target) },
          encoding: { x, y: y('value'), order },
        })),
        {
          data: { values: [...isHere(rows), ...saturated] },
          mark: 'line',
          encoding: { x, y: y('value'), order, ...look(byLine(labels)) },
        },
        {
          data: { values: isHere(rows) },
          mark: { type: 'point', size: 28 },
          encoding: { x, y: y('value'), ...look(byPoint(labels)) },
        },
        {
          data: { values: saturated },
          mark: { type: 'point', shape: 'cross', angle: 45, size: 130 },
          encoding: { x, y: y('value'), ...look(byColour(labels)) },
        },
        ...bound.flatMap((milliseconds) => [
          {
            data: { values: [{ value: milliseconds }] },
            mark: { type: 'rule', color: '#222' },
            encoding: { y: y('value') },
          },
          {
            data: { values: [{ value: milliseconds, text: `${String(milliseconds)} ms` }] },
            mark: { type: 'text', align: 'left', baseline: 'bottom', dx: 4, dy: -2, color: '#222' },
            encoding: { x: { value: 0 }, y: y('value'), text: { field: 'text' } },
          },
        ]),
      ],
    };
  });
  const svg = await draw([], {
    ...(title && { title }),
    vconcat: panels,
    spacing: 12,
    bounds: 'flush',
    resolve: { scale: { color: 'independent', strokeDash: 'independent', shape: 'independent' } },
  });
  const [first] = bounds;
  return {
    kind: 'picture',
    svg,
    caption:
      `${isBrief ? `p${String(percents[0])}` : 'Latency'} against the rate answered by one replica, from idle to saturation (a cross at the upper edge)` +
      (trials.some(({ length }) => length > 1) ? '; the bands reach from the lowest to the highest trial' : '') +
      (bare.length > 0
        ? '; thin and grey, in the same dashes: the load generator’s own part, from a bare server'
        : '') +
      (first ? '. The line is the bound.' : '.'),
    alt:
      `Curves of ${words(percents.map((percent) => `p${String(percent)}`))} against the right answers/s for each target: ` +
      'flat at low rates, and steep near saturation.',
    ...(!isBrief && {
      values: {
        kind: 'table' as const,
        columns: [
          left('Target'),
          ...['percentile', 'offered/s', 'answered/s', 'ms', 'lowest trial', 'highest trial'].map(right),
          right('bare server'),
        ],
        rows: rows.map((row) => {
          const floor = bare.find(
            ({ target, percent, rate }) => target === row.target && percent === row.percent && rate === row.rate,
          );
          return [
            row.target,
            ...[row.percent, row.rate, row.answered, row.value, row.low, row.high].map(number),
            floor ? number(floor.value) : ABSENT,
          ];
        }),
        source: 'sweep/*/<target>_steps.csv and _latency.csv, all trials together, and calibrate/3',
      },
    }),
  };
}

/** A percentile at each rate that each trial sustained. */
function curve(parts: readonly Part[], target: string, percent: number): PointOfCurve[] {
  const sweeps = parts.map(sweepOf);
  const ofTrials = sweeps.map((sweep) => pointsOf([sweep], percent));
  return pointsOf(sweeps, percent).flatMap(({ rate, value }) => {
    const steps = parts.flatMap((part) => part.read('steps').filter(({ offered_rate }) => offered_rate === rate));
    const ms = ofTrials.flatMap((points) => points.flatMap((point) => (point.rate === rate ? point.value / 1000 : [])));
    return Number.isFinite(value)
      ? [
          {
            target,
            percent,
            rate,
            answered: throughputOf(steps),
            value: value / 1000,
            low: Math.min(...ms),
            high: Math.max(...ms),
          },
        ]
      : [];
  });
}
