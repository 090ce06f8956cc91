// What it brings to send many values in one request.

import { paragraph, type Block, type Picture } from '../document.ts';
import { counted } from '../format.ts';
import { pairsOf, together, type Part } from '../measurements.ts';
import { cpuLimit, valuesOf } from '../plan.ts';
import { bothSides, labelsOf, ofBoth, sideBySide, trialsOfEach, type Sides } from '../sides.ts';
import { percentile } from '../statistics.ts';
import { draw, LOG, numbers, sideOfLine, sideOfPoint, WIDTH } from '../vega.ts';
import type { Material, SectionDefinition } from './definition.ts';

export const batchSize: SectionDefinition = {
  title: 'Batch size',
  measured: { what: 'batch size', experiment: 'batch' },
  blocks,
};

async function blocks({ sides }: Material): Promise<Block[] | undefined> {
  const pairs = pairsOf(...sides, 'batch');
  if (pairs.length === 0) return undefined;
  const users = valuesOf(sides[0].measurements, 'batch', (step) => step.users).at(-1) ?? NaN;
  const rows = bothSides(
    sides,
    ofBoth(pairs, (part) => part),
    batchRows,
  );
  return [
    paragraph(`${trialsOfEach(pairs)}, with ${counted(users, 'user')} and one replica ${cpuLimit(sides, 'batch')}.`),
    sideBySide(
      'Values in a request',
      sides,
      rows,
      ({ batch }) => batch,
      { 'values/s': ({ values }) => values, 'p50, ms': ({ p50 }) => p50 },
      'batch/*/<target>_steps.csv and _latency.csv, all trials together',
    ),
    await batches(rows, sides),
  ];
}

function batchRows(parts: readonly Part[], side: string): Batch[] {
  return together(parts, ({ batch }) => batch)
    .map(({ key, answersPerSecond, histograms }) => ({
      side,
      batch: key,
      values: key * answersPerSecond,
      p50: percentile(histograms, 0.5) / 1000,
    }))
    .filter(({ values }) => values > 0);
}

/** What one side converts with requests of such a size. */
interface Batch {
  side: string;
  batch: number;
  values: number;
  p50: number;
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
