// Percentiles of latency at the same rate.

import { max } from 'simple-statistics';
import { countOf, percentile, percentileInterval, type Histogram } from '../../statistics.ts';
import { cpuLimit, duration, ratesOf } from '../conditions.ts';
import { left, paragraph, right, type Block, type Picture } from '../document.ts';
import { interval, number, percent, words } from '../format.ts';
import { bareLoadOf, latencyOf, throttledShare, type Part } from '../measurements.ts';
import { forEachTarget, labelsOf, trialsOfEach, trialsThatCount, type Targets } from '../targets.ts';
import { draw, LOG, numbers, byColour, byLine, wide } from '../vega.ts';
import type { Material, SectionDefinition } from './section.ts';

export const latency: SectionDefinition = {
  title: 'Latency at the same rate',
  measured: { what: 'latency', experiment: 'latency' },
  blocks,
};

const SHARES = [0.5, 0.9, 0.95, 0.99, 0.999];

async function blocks({ targets, figures, noise }: Material): Promise<Block[] | undefined> {
  const trials = trialsThatCount(targets, 'latency');
  if (!trials) return undefined;
  const histograms = trials.map((parts) => parts.map((part) => latencyOf(part)));
  const { measurements } = targets[0];
  const bareLoads = targets.map((target) => {
    const load = bareLoadOf(target, 'floor');
    return load && latencyOf(load);
  });
  const answers = histograms.map(
    (ofTarget, index) => `${number(countOf(ofTarget))} answers of ${targets[index]?.name ?? ''}`,
  );
  // Beside two others there is no room for them in the table: the chart above has them as bands.
  const hasIntervals = targets.length <= 2;
  const floors = figures.flatMap(({ key, name }) => {
    const floor = noise[key];
    return floor === undefined ? [] : `${name} ${percent(floor - 1)}`;
  });
  return [
    paragraph(
      `${trialsOfEach(targets, trials)}, at ${ratesOf(measurements, 'latency')} requests/s, ` +
        `${duration(measurements, 'latency')}, to one replica, ${cpuLimit(targets, 'latency')}. ` +
        'Users notice the slowest requests, so the scale gives the tail its room.' +
        (floors.length > 0
          ? ` Measured against itself, the function differs by up to (95 % interval): ${words(floors)}. ` +
            'The report takes a smaller difference for noise.'
          : '') +
        (bareLoads.some(Boolean)
          ? ' A bare server that only answers, asked at the same rate in the same form, shows how much of each ' +
            'latency belongs to the load generator and the network. What two bare servers differ by is no difference ' +
            'of the targets.'
          : ''),
    ),
    ...throttled(trials, targets),
    await latencies(histograms, targets),
    {
      kind: 'table',
      columns: [
        left('Percentile, ms'),
        ...targets.flatMap(({ label }, index) => [
          right(label),
          ...(hasIntervals ? [right('95 % interval')] : []),
          ...(bareLoads[index] ? [right('Bare server')] : []),
        ]),
      ],
      rows: SHARES.map((share) => [
        `${number(100 * share)} %`,
        ...histograms.flatMap((ofTarget, index) => {
          const range = percentileInterval(ofTarget, share);
          const ms = (us: number) => number(us / 1000);
          const bare = bareLoads[index];
          return [
            ms(percentile(ofTarget, share)),
            ...(hasIntervals ? [range ? interval(range, ms) : 'too few requests'] : []),
            ...(bare ? [ms(percentile([bare], share))] : []),
          ];
        }),
      ]),
      source: `latency/*/<target>_latency.csv; ${words(answers)}`,
    },
  ];
}

/** A target that the kernel stops at its limit in more than this share of its CPU periods shows that in its p99. */
const MOST_THROTTLED = 0.01;

/** An alert for each target whose latencies are those of its CPU limit. */
function throttled(trials: readonly Part[][], targets: Targets): Block[] {
  return forEachTarget(targets, trials, (parts, label): Block[] => {
    const throttling = max([0, ...parts.map((part) => throttledShare(part) ?? 0)]);
    if (throttling <= MOST_THROTTLED) return [];
    return [
      {
        kind: 'alert',
        text:
          `${label} stood at its CPU limit in up to ${percent(throttling)} of its CPU periods: its slowest answers waited ` +
          'for the kernel to let it go on. They tell of the limit, and not of the target.',
      },
    ];
  });
}

const CURVE_SHARES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999];
/** A percentile needs at least this many slower requests: with fewer, chance decides. */
const LEAST_SLOWER = 10;

/** Latency by percentile, all trials merged, on a scale that gives the slowest requests their room. */
async function latencies(trials: readonly Histogram[][], targets: Targets): Promise<Picture> {
  const rows = forEachTarget(targets, trials, (histograms, target) =>
    CURVE_SHARES.filter((share) => countOf(histograms) * (1 - share) >= LEAST_SLOWER).map((share) => {
      const { low = NaN, high = NaN } = percentileInterval(histograms, share) ?? {};
      const value = percentile(histograms, share) / 1000;
      return { target, share, odds: 1 / (1 - share), value, low: low / 1000, high: high / 1000 };
    }),
  );
  const highestOdds = Math.max(...rows.map(({ odds }) => odds));
  const x = numbers('odds', 'share of the right answers that took at most so long', {
    scale: LOG,
    axis: {
      values: [1, 2, 10, 100, 1000, 10_000].filter((odds) => odds <= highestOdds),
      labelExpr: "format(100 * (1 - 1 / datum.value), '~g') + ' %'",
      labelOverlap: false,
    },
  });
  const y = { scale: { ...LOG, padding: 8 }, axis: { tickCount: 6, format: '~g' } };
  const labels = labelsOf(targets);
  const svg = await draw(
    rows,
    wide({
      height: 250,
      layer: [
        {
          transform: [{ filter: 'isValid(datum.low)' }],
          mark: { type: 'area', opacity: 0.2 },
          encoding: { x, y: numbers('low', 'latency, ms', y), y2: { field: 'high' }, ...byColour(labels) },
        },
        { mark: 'line', encoding: { x, y: numbers('value', 'latency, ms', y), ...byLine(labels) } },
      ],
    }),
  );
  return {
    kind: 'picture',
    svg,
    caption: 'Latency by percentile, both scales logarithmic, all trials merged; the bands are 95 % intervals.',
    alt: 'A rising curve of latency by percentile for each target.',
    values: {
      kind: 'table',
      columns: [left('Target'), right('percentile'), right('ms'), right('at least'), right('at most')],
      rows: rows.map(({ target, share, value, low, high }) => [target, ...[100 * share, value, low, high].map(number)]),
      source: 'latency/*/<target>_latency.csv',
    },
  };
}
