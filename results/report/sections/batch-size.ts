// Throughput, latency and CPU by the number of values in a request.

import { percentile } from '../../statistics.ts';
import { cpuPerValue, cpuTaker, hasCounters } from '../break-even.ts';
import { cpuLimit, duration, valuesOf } from '../conditions.ts';
import { paragraph, type Block, type Picture } from '../document.ts';
import { counted } from '../format.ts';
import { together, type Part } from '../measurements.ts';
import { forEachTarget, labelsOf, sideBySide, trialsOfEach, trialsThatCount, type Targets } from '../targets.ts';
import { draw, LOG, numbers, byLine, byPoint, WIDTH } from '../vega.ts';
import type { Material, SectionDefinition } from './section.ts';

export const batchSize: SectionDefinition = {
  title: 'Batch size',
  measured: { what: 'batch size', experiment: 'batch' },
  blocks,
};

async function blocks({ targets, breakEvens }: Material): Promise<Block[] | undefined> {
  const trials = trialsThatCount(targets, 'batch');
  if (!trials) return undefined;
  const { measurements } = targets[0];
  const users = valuesOf(measurements, 'batch', 'users').at(-1) ?? NaN;
  const cpu = cpuTaker(targets);
  const rows = forEachTarget(targets, trials, (parts, target) => batchRows(parts, target, cpu));
  return [
    paragraph(
      `${trialsOfEach(targets, trials)}, with ${counted(users, 'user')} and one replica ${cpuLimit(targets, 'batch')}, ` +
        `each size ${duration(measurements, 'batch')}. The CPU of a value is ` +
        (hasCounters(targets)
          ? 'what the pods’ counters rose by between two readings within a step, ' +
            'divided by the values of that time.'
          : 'the CPU limit divided by the values of a second, as if the replica used all of it: its counters were ' +
            'not read twice in each step.'),
    ),
    ...(breakEvens.length > 0 ? [paragraph(breakEvens.map(({ sentence }) => sentence).join(' '))] : []),
    sideBySide(
      'Values in a request',
      targets,
      rows,
      ({ batch }) => batch,
      { 'values/s': ({ values }) => values, 'p50, ms': ({ p50 }) => p50, 'CPU, µs a value': (row) => row.cpu },
      'batch/*/<target>_steps.csv, _latency.csv and _pods.csv, all trials together',
    ),
    await batches(rows, targets),
  ];
}

function batchRows(parts: readonly Part[], target: string, cpu: ReturnType<typeof cpuTaker>): Batch[] {
  const cpuBySize = parts.map(cpu);
  return together(parts, ({ batch }) => batch)
    .map(({ key, answersPerSecond, histograms }) => ({
      target,
      batch: key,
      values: key * answersPerSecond,
      p50: percentile(histograms, 0.5) / 1000,
      cpu: 1e6 * cpuPerValue(cpuBySize.flatMap((sizes) => sizes.get(key) ?? [])),
    }))
    .filter(({ values }) => values > 0);
}

/** What one target does with requests of one size. */
interface Batch {
  target: string;
  batch: number;
  values: number;
  p50: number;
  /** µs of each value. */
  cpu: number;
}

async function batches(rows: readonly Batch[], targets: Targets): Promise<Picture> {
  const labels = labelsOf(targets);
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
        { mark: 'line', encoding: { x, y, ...byLine(labels) } },
        { mark: 'point', encoding: { x, y, ...byPoint(labels) } },
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
