// What it brings to send many values in one request.

import { percentile } from '../../statistics.ts';
import { cpuPerValue, cpuTaker, hasCounters } from '../break-even.ts';
import { cpuLimit, duration, valuesOf } from '../conditions.ts';
import { paragraph, type Block, type Picture } from '../document.ts';
import { counted } from '../format.ts';
import { together, type Part } from '../measurements.ts';
import { forEachSide, labelsOf, sideBySide, trialsOfEach, trialsThatCount, type Sides } from '../targets.ts';
import { draw, LOG, numbers, sideOfLine, sideOfPoint, WIDTH } from '../vega.ts';
import type { Material, SectionDefinition } from './section.ts';

export const batchSize: SectionDefinition = {
  title: 'Batch size',
  measured: { what: 'batch size', experiment: 'batch' },
  blocks,
};

async function blocks({ sides, breakEvens }: Material): Promise<Block[] | undefined> {
  const trials = trialsThatCount(sides, 'batch');
  if (!trials) return undefined;
  const { measurements } = sides[0];
  const users = valuesOf(measurements, 'batch', 'users').at(-1) ?? NaN;
  const cpu = cpuTaker(sides);
  const rows = forEachSide(sides, trials, (parts, side) => batchRows(parts, side, cpu));
  return [
    paragraph(
      `${trialsOfEach(sides, trials)}, with ${counted(users, 'user')} and one replica ${cpuLimit(sides, 'batch')}, ` +
        `each size ${duration(measurements, 'batch')}. The CPU of a value is ` +
        (hasCounters(sides)
          ? 'what the pods’ counters rose by between two readings within a step, ' +
            'divided by the values of that time.'
          : 'the CPU limit divided by the values of a second, as if the replica used all of it: its counters were ' +
            'not read twice in each step.'),
    ),
    ...(breakEvens.length > 0 ? [paragraph(breakEvens.map(({ sentence }) => sentence).join(' '))] : []),
    sideBySide(
      'Values in a request',
      sides,
      rows,
      ({ batch }) => batch,
      { 'values/s': ({ values }) => values, 'p50, ms': ({ p50 }) => p50, 'CPU, µs a value': (row) => row.cpu },
      'batch/*/<target>_steps.csv, _latency.csv and _pods.csv, all trials together',
    ),
    await batches(rows, sides),
  ];
}

function batchRows(parts: readonly Part[], side: string, cpu: ReturnType<typeof cpuTaker>): Batch[] {
  const cpuBySize = parts.map(cpu);
  return together(parts, ({ batch }) => batch)
    .map(({ key, answersPerSecond, histograms }) => ({
      side,
      batch: key,
      values: key * answersPerSecond,
      p50: percentile(histograms, 0.5) / 1000,
      cpu: 1e6 * cpuPerValue(cpuBySize.flatMap((sizes) => sizes.get(key) ?? [])),
    }))
    .filter(({ values }) => values > 0);
}

/** What one side converts with requests of such a size. */
interface Batch {
  side: string;
  batch: number;
  values: number;
  p50: number;
  /** µs of each value. */
  cpu: number;
}

async function batches(rows: readonly Batch[], sides: Sides): Promise<Picture> {
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
    kind: 'picture',
    svg,
    caption: 'What larger requests bring, all scales logarithmic.',
    alt: 'Two charts: converted values a second, and the median latency of a request, by values in a request.',
  };
}
