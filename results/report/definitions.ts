// Lists the figures of the report, and defines those of autoscaling and of cold starts.

import { mean, median, sum } from 'simple-statistics';
import type { Row, Verdict } from '../files.ts';
import { percentile, percentileInterval, type Histogram } from '../statistics.ts';
import { cpuSeconds } from '../sweep.ts';
import { figureOf, inMs, ofTrials, type Figure, type FigureDefinition } from './figures.ts';
import { formerFigures, isFormer } from './former.ts';
import {
  countingOf,
  latencyOf,
  loadsOf,
  readyReplicas,
  startsOf,
  sustainedSteps,
  waitForSecond,
  type Part,
} from './measurements.ts';
import { sweepFigures } from './sweep-figures.ts';
import type { Price } from './sections/section.ts';
import type { Targets } from './targets.ts';

/**
 * All figures, in the order in which a reader needs them.
 * @param price of a node; without it there is no figure of cost
 */
export function figuresOf(targets: Targets, price?: Price): Figure[] {
  const rates = ratesSustainedByAll(targets);
  const connections = perRequest(targets, CONNECTIONS);
  const sustained = (part: Part) => sustainedSteps(part).filter(({ offered_rate }) => rates.includes(offered_rate));
  return [
    ...(isFormer(targets) ? formerFigures(targets) : sweepFigures(targets, price)),
    ofTrials(targets, 'autoscale', (part) => readyReplicas(part, sustained(part)), AUTOSCALED_REPLICAS),
    ofTrials(targets, 'autoscale', (part) => cpuOfAnswers(part, sustained(part)), AUTOSCALED_CPU),
    ofTrials(targets, 'autoscale', waitForSecond, SECOND_REPLICA),
    ofTrials(targets, 'autoscale', (part) => sustained(part).map(({ step }) => latencyOf(part, step)), AUTOSCALED_P99),
    figureOf(targets, 'coldstart', COLD_START, (target) =>
      startsOf(target).map(({ first_answer_ms }, trial) => ({ trial, datum: first_answer_ms })),
    ),
    ...FOOTPRINTS.map(([what, definition]) => ofTrials(targets, 'coldstart', bytesOf(what), definition)),
    ...(connections.values.some((known) => known && known.value > FEW_CONNECTIONS) ? [connections] : []),
    perRequest(targets, ERRORS),
  ];
}

/**
 * The offered rates of `autoscale` that each target sustained in each trial that counts, so that figures are of the same
 * work. A target without such a trial has no say.
 */
function ratesSustainedByAll(targets: Targets): (number | null)[] {
  const trials = targets.flatMap((target) => countingOf(target, 'autoscale'));
  const [first = [], ...others] = trials.map((part) => sustainedSteps(part).map(({ offered_rate }) => offered_rate));
  return first.filter((rate) => others.every((rates) => rates.includes(rate)));
}

const SUSTAINED = 'in the steps whose rate every target sustained';

const AUTOSCALED_REPLICAS: FigureDefinition<number> = {
  key: 'autoscaled_replicas',
  name: 'Replicas while scaling',
  unit: '',
  better: 'less',
  source: `autoscale/*/<target>_timeline.csv: mean of ready_replicas, ${SUSTAINED}`,
  statistic: (data) => mean([...data]),
  absent: () => ({
    few: 'no rate in common',
    sentence: 'The replicas could not be counted, or there was no rate that every target sustained.',
  }),
};

const AUTOSCALED_CPU: FigureDefinition<{ seconds: number; answers: number }> = {
  key: 'autoscaled_cpu_ms',
  name: 'CPU per answer while scaling',
  unit: 'ms',
  better: 'less',
  source: `autoscale/*/<target>_pods.csv: rise of cpu_seconds of all pods, ÷ right answers of _steps.csv, ${SUSTAINED}`,
  statistic: (data) => (1000 * sum(data.map(({ seconds }) => seconds))) / sum(data.map(({ answers }) => answers)),
  absent: () => ({
    few: 'CPU not read',
    sentence: 'The counters of CPU time could not be read, or there was no rate that every target sustained.',
  }),
};

function cpuOfAnswers(part: Part, steps: readonly Row<'steps'>[]): { seconds: number; answers: number } {
  return {
    seconds: sum(
      steps.map(({ start_s, end_s }) => cpuSeconds(part.has('pods') ? part.read('pods') : [], start_s, end_s)),
    ),
    answers: sum(steps.map(({ requests, failures }) => requests - failures)),
  };
}

const SECOND_REPLICA: FigureDefinition<number> = {
  key: 'second_replica_s',
  name: 'Start of a second replica',
  unit: 's',
  better: 'less',
  source: 'autoscale/*/<target>_timeline.csv: from the first desired_replicas > 1 to the first ready_replicas > 1',
  statistic: (data) => mean([...data]),
  absent: () => ({ few: 'not seen', sentence: 'A load began with more than one replica, or ended with one.' }),
};

const AUTOSCALED_P99: FigureDefinition<readonly Histogram[]> = {
  key: 'autoscaled_p99_ms',
  name: 'p99 latency while scaling',
  unit: 'ms',
  better: 'less',
  source: `autoscale/*/<target>_latency.csv: the rows of clock response and outcome ok, merged, ${SUSTAINED}`,
  statistic: (steps) => percentile(steps.flat(), 0.99) / 1000,
  absent: () => ({ few: 'no rate in common', sentence: 'There was no rate that every target sustained.' }),
  bare: 'scaling',
  interval: (steps) => inMs(percentileInterval(steps.flat(), 0.99)),
};

const unknown = () => ({ few: 'not known', sentence: 'It is not known for both targets.' });

const COLD_START: FigureDefinition<number> = {
  key: 'cold_start_ms',
  name: 'Cold start',
  unit: 'ms',
  better: 'less',
  source: 'coldstart/1/<target>_coldstarts.csv: median of first_answer_ms',
  statistic: (data) => median([...data]),
  absent: unknown,
};

type Footprint = Row<'footprint'>['what'];

const FOOTPRINTS: [Footprint, FigureDefinition<number>][] = [
  footprint('memory_idle_mb', 'Memory, idle', 'memory_idle'),
  footprint('memory_loaded_mb', 'Memory under load', 'memory_loaded'),
  footprint('image_mb', 'Image', 'image'),
];

function footprint(key: string, name: string, what: Footprint): [Footprint, FigureDefinition<number>] {
  const source = `coldstart/1/<target>_footprint.csv: bytes of ${what}`;
  const statistic = (bytes: readonly number[]) => mean([...bytes]) / 1e6;
  return [what, { key, name, unit: 'MB', better: 'less', source, statistic, absent: unknown }];
}

/** Returns a function that takes a size out of a trial; it gives NaN if the size is not known. */
function bytesOf(what: Footprint): (part: Part) => number {
  return (part) => {
    const rows = part.has('footprint') ? part.read('footprint') : [];
    return rows.find((row) => row.what === what)?.bytes ?? NaN;
  };
}

/** Connections that are opened for at most one in a hundred requests explain nothing. */
const FEW_CONNECTIONS = 10;

const ERRORS: PerRequest = {
  key: 'errors_per_million',
  name: 'Failed requests per million',
  source: 'failures, ÷ requests',
  count: ({ failures }) => 1e6 * failures,
};

/** They explain other figures: whoever opens a connection for each request takes longer for it. */
const CONNECTIONS: PerRequest = {
  key: 'connections_per_thousand',
  name: 'Connections per thousand requests',
  source: 'connections, ÷ requests',
  count: ({ connections = NaN }) => 1000 * connections,
};

/** What is counted in each load, so that it says something of all together, and has no ratio. */
interface PerRequest extends Pick<Figure, 'key' | 'name' | 'source'> {
  /** NaN if it was not counted. */
  count: (verdict: Verdict) => number;
}

function perRequest(targets: Targets, { source, count, ...names }: PerRequest): Figure {
  const values = targets.map(({ measurements, key }) => {
    const verdicts = loadsOf(measurements).flatMap((part) => (part.target === key ? part.read('verdict') : []));
    const counted = verdicts.filter((verdict) => Number.isFinite(count(verdict)));
    const value = sum(counted.map(count)) / sum(counted.map(({ requests }) => requests));
    return Number.isFinite(value) ? { value, interval: undefined } : undefined;
  });
  const [baseline, ...others] = values;
  return {
    ...names,
    unit: '',
    better: 'less',
    isMain: true,
    source: `*/*/<target>_verdict.json without calibrate: ${source}`,
    values,
    bare: [],
    comparisons: others.map((other) => ({
      pairs: 0,
      ratio: undefined,
      parts: undefined,
      why:
        baseline && other
          ? undefined
          : { kind: 'not-run', few: 'not measured', sentence: 'It was not counted for both targets.' },
      shared: undefined,
    })),
  };
}
