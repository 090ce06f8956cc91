// The autoscaling run on one time axis: what was asked, what came, and from how many replicas.

import type { Row } from '../files.ts';
import { draw, numbers, sideOfLine, WIDTH, withoutLegend, type Chart } from './chart.ts';
import { bothSides, labelsOf, type Sides } from './charts.ts';
import { left, right, type Figure } from './document.ts';
import { number } from './format.ts';
import type { Part } from './measurements.ts';
import type { Pair } from './statistics.ts';

/** Seconds between the values that are listed beside the chart. */
const LISTED_EVERY = 5;

/** One trial of both. */
export async function timeline(parts: Pair<Part>, sides: Sides): Promise<Figure> {
  const rows = bothSides(sides, parts, secondsOf);
  const answered = parts.flatMap((part) => (part.has('replicas') ? answersOf(part) : []));
  const end = Math.max(...rows.map(({ second }) => second));
  const most = Math.max(1, ...rows.map(({ ready }) => ready ?? 0));
  const line = sideOfLine(labelsOf(sides));

  const x = (axis: object) => numbers('second', null, { scale: { domain: [0, end], nice: false }, axis });
  const hidden = x({ labels: false, ticks: false });
  const layer = (field: string, title: string | null, mark: object, encoding: object, y: object = {}): Chart => ({
    transform: [{ filter: `isValid(datum.${field})` }],
    mark: { type: 'line', strokeWidth: 1.5, ...mark },
    encoding: { x: hidden, y: numbers(field, title, { ...y, axis: { tickCount: 4, minExtent: 42 } }), ...encoding },
  });
  const steps = { interpolate: 'step-after' };
  const panels: Chart[] = [
    layer('ready', 'replicas', { ...steps, strokeWidth: 2 }, line, { scale: { domain: [0, most] } }),
    layer('cpu', 'CPU cores', {}, withoutLegend(line)),
    {
      layer: [
        layer('offered', 'answers/s', { ...steps, color: '#888', strokeWidth: 1, strokeDash: [2, 2] }, {}),
        layer('throughput', 'answers/s', {}, withoutLegend(line)),
      ],
    },
    layer('p99', 'p99, ms', {}, withoutLegend(line), { scale: { type: 'log', nice: false } }),
    ...(answered.length > 0 ? [layer('answers', 'answers/s', { type: 'area', ...steps }, BY_REPLICA)] : []),
  ].map((panel) => ({ width: WIDTH - 80, height: 58, ...panel }));
  const last = panels.pop() as { encoding: object };
  panels.push({ ...last, encoding: { ...last.encoding, x: x({ title: 'seconds since the load began' }) } });

  const independent = { color: 'independent', strokeDash: 'independent' };
  const svg = await draw([...rows, ...answered], {
    vconcat: panels,
    spacing: 12,
    bounds: 'flush',
    resolve: { scale: independent },
  });
  return {
    kind: 'figure',
    svg,
    caption:
      'From top to bottom: ready replicas; CPU of all of them; right answers a second, with the offered rate dotted; 99th ' +
      'percentile of each second, on a logarithmic scale; and the replica of the function that answered.',
    alt: 'Five panels over the same time: replicas, CPU, answers a second, 99th percentile, and answers by replica.',
    values: {
      kind: 'table',
      columns: [left('Side'), ...['second', 'ready', 'CPU, cores', 'right answers/s', 'p99, ms'].map(right)],
      rows: rows
        .filter(({ second }) => second % LISTED_EVERY === 0)
        .map(({ side, second, ready, cpu, throughput, p99 }) => [
          side,
          ...[second, ready, cpu, throughput, p99].map((value) => number(value ?? NaN)),
        ]),
      source: `autoscale/*/<target>_timeline.csv and _seconds.csv, every ${String(LISTED_EVERY)} s`,
    },
  };
}

const BY_REPLICA = {
  color: {
    field: 'replica',
    type: 'ordinal',
    title: 'replica of the function, in the order of their first answers',
    scale: { scheme: 'greys' },
    legend: { orient: 'bottom', symbolType: 'square' },
  },
  order: { field: 'replica', type: 'ordinal' },
};

/** Replicas, CPU and memory meanwhile; none of a target that runs elsewhere. */
export function samplesOf(part: Part): Row<'timeline'>[] {
  return part.has('timeline') ? part.read('timeline') : [];
}

/** The first second of a load, as Unix time. */
export function startOf(part: Part): number {
  return Math.min(...part.read('seconds').map(({ timestamp_s }) => timestamp_s));
}

interface Second {
  side: string;
  second: number;
  ready: number | null;
  cpu: number | null;
  throughput: number;
  offered: number | null;
  p99: number | null;
}

function secondsOf(part: Part, side: string): Second[] {
  const start = startOf(part);
  const samples = new Map<number, Row<'timeline'>>();
  for (const row of samplesOf(part)) samples.set(Math.floor(row.timestamp_s) - start, row);
  const steps = part.read('steps');
  return part.read('seconds').map(({ timestamp_s, requests, failures, p99_us }) => {
    const sample = samples.get(timestamp_s - start);
    return {
      side,
      second: timestamp_s - start,
      ready: sample?.ready_replicas ?? null,
      cpu: sample?.cpu_cores ?? null,
      throughput: requests - failures,
      // A step begins some seconds before it is measured.
      offered: steps.find(({ end_s }) => timestamp_s < end_s)?.offered_rate ?? null,
      p99: p99_us ? p99_us / 1000 : null,
    };
  });
}

/** Answers by second and replica, which are numbered by their first answers. */
export function answersOf(part: Part): { second: number; replica: number; answers: number }[] {
  const start = startOf(part);
  const rows = part.read('replicas').toSorted((a, b) => a.timestamp_s - b.timestamp_s);
  const order = [...new Set(rows.map(({ app_id }) => app_id))];
  return rows.map(({ timestamp_s, app_id, answers }) => ({
    second: timestamp_s - start,
    replica: order.indexOf(app_id) + 1,
    answers,
  }));
}
