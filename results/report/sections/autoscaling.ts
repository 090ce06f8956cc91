// What the autoscalers do while the rate rises: one trial on one time axis, and its numbers.

import { max, mean } from 'simple-statistics';
import * as v from 'valibot';
import type { Row } from '../../files.ts';
import { percentile } from '../../statistics.ts';
import { throughputOf } from '../../sweep.ts';
import { duration, ratesOf, replicaBounds, unlikeAutoscalers } from '../conditions.ts';
import { left, ofTarget, paragraph, right, type Block, type Cell, type Picture } from '../document.ts';
import { ABSENT, number, upperFirst, words } from '../format.ts';
import { latencyOf, samplesOf, startOf, saturatedSteps, sustainedSteps, type Part } from '../measurements.ts';
import { allTargets, labelsOf, trialsOfEach, trialsThatCount, type Target, type Targets } from '../targets.ts';
import { draw, LOG, numbers, byLine, WIDTH, withoutLegend, type ChartSpec } from '../vega.ts';
import type { Material, SectionDefinition } from './section.ts';

export const autoscaling: SectionDefinition = {
  title: 'Autoscaling',
  measured: { what: 'autoscaling', experiment: 'autoscale' },
  blocks,
};

async function blocks({ targets }: Material): Promise<Block[] | undefined> {
  const trials = trialsThatCount(targets, 'autoscale');
  if (!trials) return undefined;
  const { measurements } = targets[0];
  const shown = mostShared(trials);
  const parts = trials.map((ofTarget) => ofTarget.find(({ trial }) => trial === shown));
  const value = (tell: (part: Part) => string): Cell[] => parts.map((part) => (part ? tell(part) : ABSENT));
  const unfair = unlikeAutoscalers(targets);
  const [naming, silent] = [true, false].map((wanted) =>
    targets.filter((_, index) => parts[index]?.has('replicas') === wanted),
  ) as [Target[], Target[]];
  return [
    paragraph(
      `${upperFirst(allTargets(targets))} get the same rates (${ratesOf(measurements, 'autoscale')} requests/s, one ` +
        `after another, each ${duration(measurements, 'autoscale')}), with ${replicaBounds(targets)}. ` +
        `${trialsOfEach(targets, trials)}. This is trial ${String(shown)}; the appendix has the others.` +
        (scalesByDefault(targets)
          ? ' Kubernetes waits five minutes before it scales down, so you see no replica leave here.'
          : ''),
    ),
    ...(unfair === undefined ? [] : [{ kind: 'alert' as const, text: unfair }]),
    {
      kind: 'table',
      columns: [left('In this trial'), ...labelsOf(targets).map(ofTarget)],
      rows: [
        ['Most replicas that were ready', ...value(mostReady)],
        [
          'More than one replica wanted, after s',
          ...value((part) => firstSecond(part, ({ desired_replicas }) => desired_replicas > 1)),
        ],
        [
          'More than one replica ready, after s',
          ...value((part) => firstSecond(part, ({ ready_replicas }) => ready_replicas > 1)),
        ],
        ...(naming.length > 0 ? [['A second replica’s first answer, after s', ...value(secondAnswer)]] : []),
        ['Highest rate that was sustained, requests/s', ...value(sustainedRate)],
        ['CPU at this rate, cores', ...value(coresAtHighest)],
        ...(parts.some((part) => part && saturatedSteps(part).length > 0)
          ? [['Answers/s where it did not sustain the rate', ...value(answersUnderOverload)]]
          : []),
        ['Failed requests', ...value((part) => number(part.read('verdict').failures))],
        ['Median latency, ms', ...value((part) => number(percentile([latencyOf(part)], 0.5) / 1000))],
        ['99th percentile, ms', ...value((part) => number(percentile([latencyOf(part)], 0.99) / 1000))],
      ],
      source:
        'autoscale/<trial>/<target>_timeline.csv, _replicas.csv, _verdict.json, _latency.csv' +
        (naming.length > 0 && silent.length > 0
          ? `; answers of ${words(silent.map(({ name }) => name))} don’t name the replica that gave them`
          : ''),
    },
    await timeline(parts, targets),
  ];
}

/** The trial that counts for most targets; the first of several. */
function mostShared(trials: readonly Part[][]): number | undefined {
  const numbers = trials.flat().map(({ trial }) => trial);
  const sharesOf = (trial: number) => numbers.filter((number) => number === trial).length;
  return [...new Set(numbers)].sort((a, b) => sharesOf(b) - sharesOf(a) || a - b).at(0);
}

function sustainedRate(part: Part): string {
  return number(sustainedSteps(part).at(-1)?.offered_rate ?? NaN);
}

/** The mean CPU of all replicas in the step with the highest rate that was sustained. */
function coresAtHighest(part: Part): string {
  const step = sustainedSteps(part).at(-1);
  const cores = samplesOf(part).flatMap(({ timestamp_s, cpu_cores }) =>
    step && timestamp_s >= step.start_s && timestamp_s < step.end_s ? (cpu_cores ?? []) : [],
  );
  return cores.length > 0 ? number(mean(cores)) : ABSENT;
}

/** Such as `4,237 of 4,731`. */
function answersUnderOverload(part: Part): string {
  const [step] = saturatedSteps(part);
  return step ? `${number(throughputOf([step]))} of ${number(step.offered_rate ?? NaN)}` : ABSENT;
}

function mostReady(part: Part): string {
  const ready = samplesOf(part).map(({ ready_replicas }) => ready_replicas);
  return ready.length > 0 ? number(max(ready)) : ABSENT;
}

function firstSecond(part: Part, holds: (row: Row<'timeline'>) => boolean): string {
  const samples = samplesOf(part);
  const row = samples.find(holds);
  if (!row) return samples.length > 0 ? 'never' : ABSENT;
  return number(Math.max(0, Math.round(row.timestamp_s - startOf(part))));
}

function secondAnswer(part: Part): string {
  if (!part.has('replicas')) return ABSENT;
  const row = answersOf(part).find(({ replica }) => replica === 2);
  return row ? number(row.second) : 'never';
}

/** Whether Kubernetes' own speed of scaling was left as it is, which waits for five minutes before it scales down. */
function scalesByDefault(targets: Targets): boolean {
  const behaviorSchema = v.object({ autoscaling: v.object({ behavior: v.strictObject({}) }) });
  return targets.every(({ measurements: { environment }, server }) =>
    v.is(behaviorSchema, environment.servers[server]?.chart?.values),
  );
}

/** Seconds between the values that are listed beside the chart. */
const LISTED_EVERY = 5;

/** One trial of all targets; a target that it does not count for has no line. */
async function timeline(parts: readonly (Part | undefined)[], targets: Targets): Promise<Picture> {
  const rows = parts.flatMap((part, index) => (part ? secondsOf(part, targets[index]?.label ?? '') : []));
  // Where several targets name their replicas, the first stands for them.
  const naming = parts.findIndex((part) => part?.has('replicas'));
  const answered = parts[naming] ? answersOf(parts[naming]) : [];
  const replicaOf = `replica of ${targets[naming]?.name ?? ''}`;
  const end = Math.max(...rows.map(({ second }) => second));
  const mostReplicas = Math.max(1, ...rows.map(({ ready }) => ready ?? 0));
  const line = byLine(labelsOf(targets));

  const x = (axis: object) => numbers('second', null, { scale: { domain: [0, end], nice: false }, axis });
  const hidden = x({ labels: false, ticks: false });
  const layer = (field: string, title: string | null, mark: object, encoding: object, y: object = {}): ChartSpec => ({
    transform: [{ filter: `isValid(datum.${field})` }],
    mark: { type: 'line', strokeWidth: 1.5, ...mark },
    encoding: { x: hidden, y: numbers(field, title, { ...y, axis: { tickCount: 4, minExtent: 42 } }), ...encoding },
  });
  const steps = { interpolate: 'step-after' };
  const panels: ChartSpec[] = [
    layer('ready', 'replicas', { ...steps, strokeWidth: 2 }, line, { scale: { domain: [0, mostReplicas] } }),
    layer('cpu', 'CPU cores', {}, withoutLegend(line)),
    {
      layer: [
        layer('offered', 'answers/s', { ...steps, color: '#888', strokeWidth: 1, strokeDash: [2, 2] }, {}),
        layer('throughput', 'answers/s', {}, withoutLegend(line)),
      ],
    },
    layer('p99', 'p99, ms', {}, withoutLegend(line), { scale: LOG }),
    ...(answered.length > 0
      ? [
          layer(
            'answers',
            'answers/s',
            { type: 'area', ...steps },
            byReplica(`${replicaOf}, in the order of their first answers`),
          ),
        ]
      : []),
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
    kind: 'picture',
    svg,
    caption:
      'From top to bottom: ready replicas; CPU of all of them; right answers a second, with the offered rate dotted; ' +
      `${naming < 0 ? 'and ' : ''}99th percentile of each second, on a logarithmic scale` +
      (naming < 0 ? '.' : `; and the ${replicaOf} that answered.`),
    alt:
      'Panels over the same time: replicas, CPU, answers a second, 99th percentile' +
      (naming < 0 ? '.' : ', and answers by replica.'),
    values: {
      kind: 'table',
      columns: [left('Target'), ...['second', 'ready', 'CPU, cores', 'right answers/s', 'p99, ms'].map(right)],
      rows: rows
        .filter(({ second }) => second % LISTED_EVERY === 0)
        .map(({ target, second, ready, cpu, throughput, p99 }) => [
          target,
          ...[second, ready, cpu, throughput, p99].map((value) => number(value ?? NaN)),
        ]),
      source: `autoscale/*/<target>_timeline.csv and _seconds.csv, every ${String(LISTED_EVERY)} s`,
    },
  };
}

const byReplica = (title: string) => ({
  color: {
    field: 'replica',
    type: 'ordinal',
    title,
    scale: { scheme: 'greys' },
    legend: { orient: 'bottom', symbolType: 'square', titleLimit: WIDTH - 80 },
  },
  order: { field: 'replica', type: 'ordinal' },
});

interface Second {
  target: string;
  second: number;
  ready: number | null;
  cpu: number | null;
  throughput: number;
  offered: number | null;
  p99: number | null;
}

function secondsOf(part: Part, target: string): Second[] {
  const start = startOf(part);
  const samples = new Map<number, Row<'timeline'>>();
  for (const row of samplesOf(part)) samples.set(Math.floor(row.timestamp_s) - start, row);
  const steps = part.read('steps');
  return part.read('seconds').map(({ timestamp_s, requests, failures, p99_us }) => {
    const sample = samples.get(timestamp_s - start);
    return {
      target,
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
function answersOf(part: Part): { second: number; replica: number; answers: number }[] {
  const start = startOf(part);
  const rows = part.read('replicas').toSorted((a, b) => a.timestamp_s - b.timestamp_s);
  const order = [...new Set(rows.map(({ app_id }) => app_id))];
  return rows.map(({ timestamp_s, app_id, answers }) => ({
    second: timestamp_s - start,
    replica: order.indexOf(app_id) + 1,
    answers,
  }));
}
