// The figures that the report is about: what each is, which files it comes from, and what it is for both sides.

import { median, sum } from 'simple-statistics';
import type { Row } from '../files.ts';
import {
  bestStep,
  cpuOf,
  isValid,
  latencyOf,
  pairsOf,
  pairsOfNoise,
  partsOf,
  type Part,
  type Side,
} from './measurements.ts';
import { percentile, percentileInterval, ratioOf, type Interval, type Pair, type Ratio } from './statistics.ts';
import { quantity } from '../quantity.ts';

export interface Estimate {
  value: number;
  /** Where one can be told from the requests alone. */
  interval?: Interval;
}

export interface Figure {
  /** For machines. */
  key: string;
  name: string;
  unit: string;
  better: 'more' | 'less';
  /** The files and columns that it is computed from. */
  source: string;
  /** Pairs of trials, or of starts, that it comes from. */
  pairs: number;
  values: Pair<Estimate | undefined>;
  /** Of the first value to the second one; undefined where it has no sense. */
  ratio: Ratio | undefined;
  /** Why a value is missing, or its trials don't count: a sentence. */
  why: string | undefined;
}

type Definition<Trial> = Pick<Figure, 'key' | 'name' | 'unit' | 'better' | 'source'> & {
  /** Of trials together; NaN where they don't have it. */
  statistic: (trials: readonly Trial[]) => number;
  interval?: (trials: readonly Trial[]) => Interval | undefined;
};

const PERCENTILES = [50, 95, 99];

export function figuresOf(one: Side, other: Side): Figure[] {
  return [
    ofTrials(one, other, 'capacity', throughputPerCpu(one)),
    ...PERCENTILES.map((share) => ofTrials(one, other, 'latency', latencyPercentile(share))),
    ofTrials(one, other, 'latency', CPU_PER_REQUEST),
    ofStarts(one, other),
    ...FOOTPRINTS.map((footprint) => ofTrials(one, other, 'coldstart', footprint)),
    errors(one, other),
  ];
}

/** What the figures of the latency experiment are for the function against itself: none if there was no such run. */
export function noiseOf({ measurements }: Side): Figure[] {
  const pairs = pairsOfNoise(measurements);
  if (pairs.length === 0) return [];
  return [...PERCENTILES.map(latencyPercentile), CPU_PER_REQUEST].map((definition) =>
    figure(definition, pairs, undefined),
  );
}

function throughputPerCpu({ measurements: { environment } }: Side): Definition<Part> {
  return {
    key: 'throughput_per_cpu',
    name: 'Throughput per CPU',
    unit: 'requests/s',
    better: 'more',
    source:
      'capacity/*/<target>_steps.csv: right answers/s of the step with most, ÷ resources.limits.cpu in environment.json',
    statistic: (parts) => {
      const steps = parts.map(bestStep);
      const answers = sum(steps.map(({ requests, failures }) => requests - failures));
      const seconds = sum(steps.map(({ start_s, end_s }) => end_s - start_s));
      const limit = environment.resources[`${parts[0]?.target ?? ''}/one`]?.limits.cpu;
      return limit === undefined ? NaN : answers / seconds / quantity(limit);
    },
  };
}

function latencyPercentile(share: number): Definition<Part> {
  return {
    key: `p${String(share)}_ms`,
    name: share === 50 ? 'Median latency' : `p${String(share)} latency`,
    unit: 'ms',
    better: 'less',
    source: 'latency/*/<target>_latency.csv: the rows of clock response and outcome ok, merged',
    statistic: (parts) =>
      percentile(
        parts.map((part) => latencyOf(part)),
        share / 100,
      ) / 1000,
    interval: (parts) => {
      const interval = percentileInterval(
        parts.map((part) => latencyOf(part)),
        share / 100,
      );
      return interval && { low: interval.low / 1000, high: interval.high / 1000 };
    },
  };
}

const CPU_PER_REQUEST: Definition<Part> = {
  key: 'cpu_per_request_us',
  name: 'CPU per request',
  unit: 'µs',
  better: 'less',
  source: 'latency/*/<target>_pods.csv: rise of cpu_seconds, ÷ requests of <target>_seconds.csv meanwhile',
  statistic: (parts) => {
    const all = parts.map(cpuOf);
    return (1e6 * sum(all.map((cpu) => cpu?.seconds ?? NaN))) / sum(all.map((cpu) => cpu?.requests ?? NaN));
  },
};

const COLD_START: Definition<Row<'coldstarts'>> = {
  key: 'cold_start_ms',
  name: 'Cold start',
  unit: 'ms',
  better: 'less',
  source: 'coldstart/1/<target>_coldstarts.csv: median of first_answer_ms',
  statistic: (starts) => median(starts.map(({ first_answer_ms }) => first_answer_ms)),
};

const FOOTPRINTS = [
  footprint('memory_idle_mb', 'Memory, idle', 'memory_idle'),
  footprint('memory_loaded_mb', 'Memory under load', 'memory_loaded'),
  footprint('image_mb', 'Image', 'image'),
];

function footprint(key: string, name: string, what: Row<'footprint'>['what']): Definition<Part> {
  return {
    key,
    name,
    unit: 'MB',
    better: 'less',
    source: `coldstart/1/<target>_footprint.csv: bytes of ${what}`,
    statistic: ([part]) => {
      const rows = part?.has('footprint') ? part.read('footprint') : [];
      return (rows.find((row) => row.what === what)?.bytes ?? NaN) / 1e6;
    },
  };
}

function errors(one: Side, other: Side): Figure {
  const shareOf = ({ measurements, target }: Side): Estimate | undefined => {
    const loads = measurements.parts.filter(
      (part) => part.target === target && part.experiment !== 'calibrate' && part.has('verdict'),
    );
    const verdicts = loads.map((part) => part.read('verdict'));
    const requests = sum(verdicts.map((verdict) => verdict.requests));
    return requests > 0 ? { value: (1e6 * sum(verdicts.map(({ failures }) => failures))) / requests } : undefined;
  };
  const values = [shareOf(one), shareOf(other)] as const;
  return {
    key: 'errors_per_million',
    name: 'Failed requests of a million',
    unit: '',
    better: 'less',
    source: '*/*/<target>_verdict.json without calibrate: failures, ÷ requests',
    pairs: 0,
    values,
    ratio: undefined,
    why: values.every(Boolean) ? undefined : 'No load was run against both.',
  };
}

function ofTrials(one: Side, other: Side, experiment: string, definition: Definition<Part>): Figure {
  const pairs = pairsOf(one, other, experiment);
  if (pairs.length > 0) return figure(definition, pairs, `The files of ${experiment} do not hold it for both.`);
  const parts = [...partsOf(one, experiment), ...partsOf(other, experiment)];
  const reason = parts.find((part) => !isValid(part))?.reasons[0];
  const isOneSided = new Set(parts.map(({ target }) => target)).size < 2 && one.target !== other.target;
  return figure(
    definition,
    [],
    reason !== undefined && !isOneSided
      ? `INVALID: ${reason}`
      : `The experiment ${experiment} was not run${parts.length > 0 ? ' with both' : ''}.`,
  );
}

function ofStarts(one: Side, other: Side): Figure {
  const [first = [], second = []] = [one, other].map((side) =>
    partsOf(side, 'coldstart').flatMap((part) => (part.has('coldstarts') ? part.read('coldstarts') : [])),
  );
  const pairs = first.flatMap((start, index) => {
    const partner = second[index];
    return partner ? [[start, partner] as const] : [];
  });
  return figure(COLD_START, pairs, 'The experiment coldstart was not run with both.');
}

function figure<Trial>(
  { key, name, unit, better, source, statistic, interval }: Definition<Trial>,
  pairs: readonly Pair<Trial>[],
  otherwise: string | undefined,
): Figure {
  const estimate = (trials: readonly Trial[]): Estimate | undefined => {
    const value = trials.length > 0 ? statistic(trials) : NaN;
    const its = interval?.(trials);
    return Number.isFinite(value) ? { value, ...(its && { interval: its }) } : undefined;
  };
  const values = [estimate(pairs.map(([first]) => first)), estimate(pairs.map(([, second]) => second))] as const;
  const isComplete = values.every(Boolean);
  return {
    key,
    name,
    unit,
    better,
    source,
    pairs: pairs.length,
    values,
    ratio: isComplete ? ratioOf(pairs, statistic) : undefined,
    why: isComplete ? undefined : otherwise,
  };
}
