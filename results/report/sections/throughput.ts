// Right answers per second of one replica, by the number of users.

import { max } from 'simple-statistics';
import { percentile } from '../../statistics.ts';
import { cpuLimit, duration } from '../conditions.ts';
import { left, paragraph, right, type Block, type Picture } from '../document.ts';
import { counted, number, words } from '../format.ts';
import { throughputOf, together, type Part } from '../measurements.ts';
import { forEachTarget, labelsOf, sideBySide, trialsOfEach, trialsThatCount, type Targets } from '../targets.ts';
import { draw, LOG, numbers, byColour, byLine, byPoint, wide } from '../vega.ts';
import type { Material, SectionDefinition } from './section.ts';

export const throughput: SectionDefinition = {
  title: 'Throughput of one replica',
  measured: { what: 'throughput of one replica', experiment: 'capacity' },
  blocks,
};

/** The knee is where this share of the highest throughput is reached: from there on, more users only wait longer. */
const KNEE_SHARE = 0.95;

async function blocks({ targets }: Material): Promise<Block[] | undefined> {
  const trials = trialsThatCount(targets, 'capacity');
  if (!trials) return undefined;
  const rows = forEachTarget(targets, trials, curve);
  const knees = labelsOf(targets).map((label) => {
    const points = rows.filter(({ target }) => target === label);
    const highest = max([0, ...points.map((point) => point.throughput)]);
    return points.find((point) => point.throughput >= KNEE_SHARE * highest);
  });
  const kneesInWords = knees.flatMap((knee, index) =>
    knee
      ? `${targets[index]?.name ?? ''} at ${counted(knee.users, 'user')} with ${number(knee.throughput)} right answers/s ` +
        `and a 99th percentile of ${number(knee.p99)} ms`
      : [],
  );
  return [
    paragraph(
      `${trialsOfEach(targets, trials)}, of one replica ${cpuLimit(targets, 'capacity')}, with each number of users ` +
        `${duration(targets[0].measurements, 'capacity')}. The knee, where ` +
        `${number(100 * KNEE_SHARE)} % of the highest throughput is reached, is for ${words(kneesInWords)}.`,
    ),
    await saturation(rows, trials, targets, knees),
    sideBySide(
      'Users',
      targets,
      rows,
      ({ users }) => users,
      {
        'right answers/s': ({ throughput }) => throughput,
        'p50, ms': ({ p50 }) => p50,
        'p99, ms': ({ p99 }) => p99,
      },
      'capacity/*/<target>_steps.csv and _latency.csv, all trials together',
    ),
  ];
}

/** A target's answers at each number of users that all of its trials reached. */
function curve(parts: readonly Part[], target: string): Saturation[] {
  return together(parts, ({ users }) => users).flatMap(({ key, steps, answersPerSecond, histograms }) =>
    steps < parts.length
      ? []
      : {
          target,
          users: key,
          throughput: answersPerSecond,
          p50: percentile(histograms, 0.5) / 1000,
          p99: percentile(histograms, 0.99) / 1000,
        },
  );
}

/** What one target answers at one number of users. */
interface Saturation {
  target: string;
  users: number;
  throughput: number;
  p50: number;
  p99: number;
}

/** @param knees where each target's curve has its knee */
async function saturation(
  rows: readonly Saturation[],
  trials: readonly Part[][],
  targets: Targets,
  knees: readonly (Saturation | undefined)[],
): Promise<Picture> {
  const labels = labelsOf(targets);
  const dots = forEachTarget(targets, trials, (parts, target) =>
    parts.flatMap((part) =>
      part.read('steps').map((step) => ({ target, users: step.users, trial: throughputOf(step) })),
    ),
  );
  const flags = knees.flatMap((knee) => (knee ? { ...knee, knee: knee.throughput } : []));
  const x = numbers('users', 'users at a time (log scale)', {
    scale: { ...LOG, base: 2, padding: 12 },
    axis: { values: [...new Set(rows.map(({ users }) => users))], format: 'd' },
  });
  const layer = (field: string, mark: object, encoding: object) => ({
    transform: [{ filter: `isValid(datum.${field})` }],
    mark,
    encoding: { x, y: numbers(field, 'right answers/s'), ...encoding },
  });
  const colour = byColour(labels);
  const svg = await draw(
    [...rows, ...dots, ...flags],
    wide({
      height: 250,
      layer: [
        layer('throughput', { type: 'line' }, byLine(labels)),
        layer('trial', { type: 'point', opacity: 0.7 }, byPoint(labels)),
        layer('knee', { type: 'point', filled: false, size: 260, strokeWidth: 1.5 }, colour),
        layer('knee', { type: 'text', dy: -16 }, { text: { value: 'knee' }, ...colour }),
      ],
    }),
  );
  return {
    kind: 'picture',
    svg,
    caption:
      'Throughput of one replica by users. Lines: all trials together; dots: each trial; ring: the knee, after which ' +
      `more users bring less than ${number(Math.round(100 * (1 - KNEE_SHARE)))} % more.`,
    alt: 'A curve for each target that rises and levels out.',
    values: {
      kind: 'table',
      columns: [left('Target'), right('users'), right('right answers/s in each trial')],
      rows: dots.map(({ target, users, trial }) => [target, number(users), number(trial)]),
      source: 'capacity/*/<target>_steps.csv',
    },
  };
}
