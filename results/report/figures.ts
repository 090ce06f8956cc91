// The figures that the report is about: what each is, which files it comes from, and what it is for both sides.

import { mean, median, sum } from 'simple-statistics';
import type { Row } from '../files.ts';
import { quantity } from '../quantity.ts';
import {
  bestStep,
  cpuOf,
  isValid,
  latencyOf,
  loadsOf,
  pairsOf,
  pairsOfNoise,
  partsOf,
  startsOf,
  type Part,
  type Side,
} from './measurements.ts';
import {
  percentile,
  percentileInterval,
  ratioOf,
  type Histogram,
  type Interval,
  type Pair,
  type Ratio,
} from './statistics.ts';

export interface Estimate {
  value: number;
  /** The 95 % interval, if the requests of a trial alone give one. */
  interval?: Interval;
}

export interface Figure {
  /** The name for machines. */
  key: string;
  name: string;
  unit: string;
  better: 'more' | 'less';
  /** The files and columns that it is computed from. */
  source: string;
  /** Number of pairs of trials, or of starts, that the figure comes from. */
  pairs: number;
  values: Pair<Estimate | undefined>;
  /** The first value divided by the second one; undefined where a value or a trial is missing. */
  ratio: Ratio | undefined;
  /** Why a value is missing, or its trials don't count: a sentence. */
  why: string | undefined;
}

/** How a figure is computed: what each trial has for it is taken out once, since a bootstrap asks for it often. */
interface Definition<Datum> extends Pick<Figure, 'key' | 'name' | 'unit' | 'better' | 'source'> {
  /** Works the figure out for several trials together; NaN where they don't have it. */
  statistic: (data: readonly Datum[]) => number;
  interval?: (data: readonly Datum[]) => Interval | undefined;
  /** Why trials that count may not have it: a sentence. */
  absent: string;
}

const PERCENTILES = [50, 95, 99];

export function figuresOf(one: Side, other: Side): Figure[] {
  return [
    ofTrials(one, other, 'capacity', answersPerCpu, THROUGHPUT_PER_CPU),
    ...PERCENTILES.map((share) => ofTrials(one, other, 'latency', (part) => latencyOf(part), latencyPercentile(share))),
    ofTrials(one, other, 'latency', cpuOf, CPU_PER_REQUEST),
    ofStarts(one, other),
    ...FOOTPRINTS.map(([what, definition]) => ofTrials(one, other, 'coldstart', bytesOf(what), definition)),
    errors(one, other),
  ];
}

/** What the figures of the latency experiment are for the function against itself: none if there was no such run. */
export function noiseOf({ measurements }: Side): Figure[] {
  const pairs = pairsOfNoise(measurements);
  if (pairs.length === 0) return [];
  const latencies = taken(pairs, (part) => latencyOf(part));
  return [
    ...PERCENTILES.map((share) => figure(latencyPercentile(share), latencies)),
    figure(CPU_PER_REQUEST, taken(pairs, cpuOf)),
  ];
}

const THROUGHPUT_PER_CPU: Definition<{ answers: number; cpuSeconds: number }> = {
  key: 'throughput_per_cpu',
  name: 'Throughput per CPU',
  unit: 'requests/s',
  better: 'more',
  source:
    'capacity/*/<target>_steps.csv: right answers/s of the step with most, ÷ resources.limits.cpu in environment.json',
  statistic: (data) => sum(data.map(({ answers }) => answers)) / sum(data.map(({ cpuSeconds }) => cpuSeconds)),
  absent: 'Without a CPU limit there is nothing to divide by.',
};

/** Right answers of the best step, and the CPU seconds that its replica was allowed meanwhile; NaN without a limit. */
function answersPerCpu(part: Part): { answers: number; cpuSeconds: number } {
  const { requests, failures, start_s, end_s } = bestStep(part);
  const limit = part.environment.resources[`${part.target}/one`]?.limits.cpu;
  return {
    answers: requests - failures,
    cpuSeconds: (end_s - start_s) * (limit === undefined ? NaN : quantity(limit)),
  };
}

function latencyPercentile(share: number): Definition<Histogram> {
  return {
    key: `p${String(share)}_ms`,
    name: share === 50 ? 'Median latency' : `p${String(share)} latency`,
    unit: 'ms',
    better: 'less',
    source: 'latency/*/<target>_latency.csv: the rows of clock response and outcome ok, merged',
    statistic: (histograms) => percentile(histograms, share / 100) / 1000,
    absent: 'No request got a right answer.',
    interval: (histograms) => {
      const its = percentileInterval(histograms, share / 100);
      return its && { low: its.low / 1000, high: its.high / 1000 };
    },
  };
}

const CPU_PER_REQUEST: Definition<{ seconds: number; requests: number }> = {
  key: 'cpu_per_request_us',
  name: 'CPU per request',
  unit: 'µs',
  better: 'less',
  source: 'latency/*/<target>_pods.csv: rise of cpu_seconds, ÷ requests of <target>_seconds.csv meanwhile',
  statistic: (data) => (1e6 * sum(data.map(({ seconds }) => seconds))) / sum(data.map(({ requests }) => requests)),
  absent: 'The counters of CPU time could not be read, or not twice in each load.',
};

const COLD_START: Definition<number> = {
  key: 'cold_start_ms',
  name: 'Cold start',
  unit: 'ms',
  better: 'less',
  source: 'coldstart/1/<target>_coldstarts.csv: median of first_answer_ms',
  statistic: median,
  absent: 'The experiment coldstart was not run with both targets.',
};

type Footprint = Row<'footprint'>['what'];

const FOOTPRINTS: [Footprint, Definition<number>][] = [
  footprint('memory_idle_mb', 'Memory, idle', 'memory_idle'),
  footprint('memory_loaded_mb', 'Memory under load', 'memory_loaded'),
  footprint('image_mb', 'Image', 'image'),
];

function footprint(key: string, name: string, what: Footprint): [Footprint, Definition<number>] {
  const source = `coldstart/1/<target>_footprint.csv: bytes of ${what}`;
  const statistic = (bytes: readonly number[]) => mean([...bytes]) / 1e6;
  return [
    what,
    { key, name, unit: 'MB', better: 'less', source, statistic, absent: 'It is not known for both targets.' },
  ];
}

/** What takes a size out of a trial; NaN where it is not known. */
function bytesOf(what: Footprint): (part: Part) => number {
  return (part) => {
    const rows = part.has('footprint') ? part.read('footprint') : [];
    return rows.find((row) => row.what === what)?.bytes ?? NaN;
  };
}

function errors(one: Side, other: Side): Figure {
  const shareOf = ({ measurements, target }: Side): Estimate | undefined => {
    const loads = loadsOf(measurements).filter((part) => part.target === target);
    const verdicts = loads.map((part) => part.read('verdict'));
    const requests = sum(verdicts.map((verdict) => verdict.requests));
    return requests > 0 ? { value: (1e6 * sum(verdicts.map(({ failures }) => failures))) / requests } : undefined;
  };
  const values = [shareOf(one), shareOf(other)] as const;
  return {
    key: 'errors_per_million',
    name: 'Failed requests per million',
    unit: '',
    better: 'less',
    source: '*/*/<target>_verdict.json without calibrate: failures, ÷ requests',
    pairs: 0,
    values,
    ratio: undefined,
    why: values.every(Boolean) ? undefined : 'No load ran against both targets.',
  };
}

function ofTrials<Datum>(
  one: Side,
  other: Side,
  experiment: string,
  take: (part: Part) => Datum,
  definition: Definition<Datum>,
): Figure {
  const pairs = pairsOf(one, other, experiment);
  if (pairs.length > 0) return figure(definition, taken(pairs, take));
  const parts = [partsOf(one, experiment), partsOf(other, experiment)] as const;
  const reason = parts.flat().find((part) => !isValid(part))?.reasons[0];
  const isOfBoth = parts.every((its) => its.length > 0);
  const why =
    isOfBoth && reason !== undefined
      ? `INVALID: ${reason}`
      : `The experiment ${experiment} was not run${parts.flat().length > 0 ? ' with both targets' : ''}.`;
  const [first, second] = parts;
  return figure(definition, [], why, [first.filter(isValid).map(take), second.filter(isValid).map(take)]);
}

function taken<Datum>(pairs: readonly Pair<Part>[], take: (part: Part) => Datum): Pair<Datum>[] {
  return pairs.map(([first, second]) => [take(first), take(second)]);
}

function ofStarts(one: Side, other: Side): Figure {
  const timesOf = (side: Side) => startsOf(side).map(({ first_answer_ms }) => first_answer_ms);
  const [times, others] = [timesOf(one), timesOf(other)];
  const pairs = times.flatMap((time, index) => {
    const partner = others[index];
    return partner === undefined ? [] : [[time, partner] as const];
  });
  return pairs.length > 0 ? figure(COLD_START, pairs) : figure(COLD_START, [], undefined, [times, others]);
}

/** @param data what each side has: of the pairs, or where there are none, of its own trials */
function figure<Datum>(
  { key, name, unit, better, source, statistic, interval, absent }: Definition<Datum>,
  pairs: readonly Pair<Datum>[],
  why = absent,
  data: Pair<readonly Datum[]> = [pairs.map(([first]) => first), pairs.map(([, second]) => second)],
): Figure {
  const estimate = (its: readonly Datum[]): Estimate | undefined => {
    const value = its.length > 0 ? statistic(its) : NaN;
    const range = interval?.(its);
    return Number.isFinite(value) ? { value, ...(range && { interval: range }) } : undefined;
  };
  const values = [estimate(data[0]), estimate(data[1])] as const;
  const isComplete = pairs.length > 0 && values.every(Boolean);
  return {
    key,
    name,
    unit,
    better,
    source,
    pairs: pairs.length,
    values,
    ratio: isComplete ? ratioOf(pairs, statistic) : undefined,
    why: isComplete ? undefined : why,
  };
}
