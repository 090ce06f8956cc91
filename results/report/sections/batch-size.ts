// Latency and CPU by the number of values in a request.

import { percentile } from '../../statistics.ts';
import { cpuOfSizes, cpuPerValue } from '../break-even.ts';
import { cpuLimit, duration } from '../conditions.ts';
import { list, paragraph, type Block, type Picture } from '../document.ts';
import { numbersInWords, upperFirst, words } from '../format.ts';
import { together, type Part } from '../measurements.ts';
import { forEachTarget, isFew, labelsOf, sideBySide, trialsOfEach, trialsThatCount, type Targets } from '../targets.ts';
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
  const rows = forEachTarget(targets, trials, batchRows);
  const { steps = [] } = targets[0].measurements.environment.plan.batch ?? {};
  const sentences = breakEvens.map(({ sentence }) => sentence);
  const single = targets.flatMap(({ name, asks }) => (asks && asks.many === undefined ? name : []));
  const rates = steps.flatMap(({ rate }) => rate ?? []);
  return [
    paragraph(
      `${trialsOfEach(targets, trials)}, of one replica ${cpuLimit(targets, 'batch')}, each size ` +
        `${duration(targets[0].measurements, 'batch')}. ` +
        (rates.length > 0
          ? `All targets are asked at the same rates (${numbersInWords(rates)} requests/s), half of what the slowest of ` +
            'them can answer at each size: they do the same work, and have room for it.'
          : 'Users ask again as soon as they have the answer.'),
    ),
    ...(single.length > 0 ? [paragraph(`${upperFirst(words(single))} can’t be asked for many values at once.`)] : []),
    ...(breakEvens.length > 0 ? [isFew(targets) ? paragraph(sentences.join(' ')) : list(sentences)] : []),
    sideBySide(
      'Values in a request',
      targets,
      rows,
      ({ batch }) => batch,
      {
        'p50, ms': ({ p50 }) => p50,
        'p99, ms': ({ p99 }) => p99,
        'CPU, µs a value': (row) => row.cpu,
      },
      'batch/*/<target>_steps.csv, _latency.csv and _pods.csv, all trials together',
    ),
    await batches(rows, targets),
  ];
}

function batchRows(parts: readonly Part[], target: string): Batch[] {
  const cpuBySize = parts.map(cpuOfSizes);
  return together(parts, ({ batch }) => batch)
    .map(({ key, histograms }) => ({
      target,
      batch: key,
      p50: percentile(histograms, 0.5) / 1000,
      p99: percentile(histograms, 0.99) / 1000,
      cpu: 1e6 * cpuPerValue(cpuBySize.flatMap((sizes) => sizes.get(key) ?? [])),
    }))
    .filter(({ p50 }) => p50 > 0);
}

/** What one target does with requests of one size. */
interface Batch {
  target: string;
  batch: number;
  p50: number;
  p99: number;
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
    const y = numbers(field, title, { scale: { type: 'log' }, axis: { format: '~g', tickCount: 5 } });
    return {
      width: WIDTH / 2 - 75,
      height: 190,
      transform: [{ filter: `isValid(datum.${field})` }],
      layer: [
        { mark: 'line', encoding: { x, y, ...byLine(labels) } },
        { mark: 'point', encoding: { x, y, ...byPoint(labels) } },
      ],
    };
  };
  const svg = await draw(rows, {
    hconcat: [chart('cpu', 'CPU of a value, µs'), chart('p50', 'median latency of a request, ms')],
    spacing: 80,
    bounds: 'flush',
  });
  return {
    kind: 'picture',
    svg,
    caption: 'What larger requests bring, all scales logarithmic.',
    alt: 'Two charts: the CPU of a value, and the median latency of a request, by values in a request.',
  };
}
