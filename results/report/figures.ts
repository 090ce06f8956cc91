// Defines each figure of the report, its source, and its value for every target.

import { mean, median, sum } from 'simple-statistics';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import type { Calibration, ExperimentName, Row } from '../files.ts';
import {
  percentile,
  percentileInterval,
  ratioOf,
  type Estimate,
  type Histogram,
  type Interval,
  type OneSided,
  type Pair,
} from '../statistics.ts';
import { cpuSeconds } from '../sweep.ts';
import {
  bareLoadOf,
  bestStep,
  sustainedSteps,
  countingOf,
  cpuLimitOf,
  cpuOf,
  isValid,
  latencyOf,
  loadsOf,
  pairsOfNoise,
  partsOf,
  readyReplicas,
  startsOf,
  waitForSecond,
  type Part,
  type MeasuredTarget,
} from './measurements.ts';
import { paired, representativeOf, type Target, type Targets } from './targets.ts';

export interface Figure {
  /** The name for machines. */
  key: string;
  name: string;
  unit: string;
  better: 'more' | 'less';
  /** Whether it stands on the first page; the others stand in the section of their experiment. */
  isMain: boolean;
  /** The files and columns that it is computed from. */
  source: string;
  /** The value for each target, in their order: of the compared trials or starts, else of all that count. */
  values: (OneSided | undefined)[];
  /** The baseline against each other target, in their order. */
  comparisons: Comparison[];
}

export interface Comparison {
  /** Number of pairs of trials, or of starts, that the ratio comes from: those that count for both. */
  pairs: number;
  /** The baseline's figure divided by the other's; undefined where a value or a trial is missing. */
  ratio: OneSided | undefined;
  /**
   * The other's figure minus the baseline's, in the figure's unit. `generator` is the difference between bare servers that
   * are asked in the same forms; `servers` is the rest. Undefined without bare servers, or if the figure is no latency.
   */
  parts: { generator: number; servers: number } | undefined;
  /** Why there is no ratio. */
  why: Why | undefined;
  /** The target that stands for the same server, if this was measured once per server. */
  shared: Target | undefined;
}

export interface Why {
  /** `invalid`: trials don't count; `not-run`: there are none; `absent`: they lack it; `shared`: another target has it. */
  kind: 'invalid' | 'not-run' | 'absent' | 'shared';
  sentence: string;
}

/** Defines how a figure is computed. Each trial's datum is taken out once, because a bootstrap needs it often. */
interface FigureDefinition<Datum> extends Pick<Figure, 'key' | 'name' | 'unit' | 'better' | 'source'> {
  /** Whether it stands in the section of its experiment only. */
  isDetail?: boolean;
  /** Computes the figure of several trials together; NaN if they lack it. */
  statistic: (data: readonly Datum[]) => number;
  interval?: (data: readonly Datum[]) => Interval | undefined;
  /** For a latency: the load on a bare server that shows the load generator's own share. */
  bare?: Calibration;
  /** Why trials that count may not have it: a sentence. */
  absent: string;
}

/** What one trial has for a figure. */
interface Sample<Datum> {
  trial: number;
  datum: Datum;
}

const PERCENTILES = [50, 95, 99];

export function figuresOf(targets: Targets): Figure[] {
  const rates = ratesSustainedByAll(targets);
  const sustained = (part: Part) => sustainedSteps(part).filter(({ offered_rate }) => rates.includes(offered_rate));
  return [
    ofTrials(targets, 'capacity', answersPerCpu, THROUGHPUT_PER_CPU),
    ...PERCENTILES.map((share) => ofTrials(targets, 'latency', (part) => latencyOf(part), latencyPercentile(share))),
    ofTrials(targets, 'latency', (part) => cpuOf(part), CPU_PER_REQUEST),
    ofTrials(targets, 'autoscale', (part) => readyReplicas(part, sustained(part)), AUTOSCALED_REPLICAS),
    ofTrials(targets, 'autoscale', (part) => cpuOfAnswers(part, sustained(part)), AUTOSCALED_CPU),
    ofTrials(targets, 'autoscale', waitForSecond, SECOND_REPLICA),
    ofTrials(targets, 'autoscale', (part) => sustained(part).map(({ step }) => latencyOf(part, step)), AUTOSCALED_P99),
    figure(targets, 'coldstart', COLD_START, (target) =>
      startsOf(target).map(({ first_answer_ms }, trial) => ({ trial, datum: first_answer_ms })),
    ),
    ...FOOTPRINTS.map(([what, definition]) => ofTrials(targets, 'coldstart', bytesOf(what), definition)),
    errors(targets),
  ];
}

/**
 * Maps a figure's key to its noise floor: the factor above 1 by which two equal servers differ here. It is the interval
 * of the function against itself. Figures that `noise` does not measure are left out.
 */
export type NoiseFloors = Readonly<Record<string, number>>;

export function noiseOf({ measurements }: MeasuredTarget): NoiseFloors {
  const pairs = pairsOfNoise(measurements);
  const floors = <Datum>(
    take: (part: Part) => Datum,
    { key, statistic }: FigureDefinition<Datum>,
  ): [string, number][] => {
    const range = ratioOf(
      pairs.map(([one, other]): Pair<Datum> => [take(one), take(other)]),
      statistic,
    )?.interval;
    return range ? [[key, Math.max(range.high, 1 / range.low)]] : [];
  };
  return Object.fromEntries([
    ...PERCENTILES.flatMap((share) => floors((part) => latencyOf(part), latencyPercentile(share))),
    ...floors((part) => cpuOf(part), CPU_PER_REQUEST),
  ]);
}

const THROUGHPUT_PER_CPU: FigureDefinition<{ answers: number; cpuSeconds: number }> = {
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
  const limit = cpuLimitOf(part.environment, part.target, 'one');
  return {
    answers: requests - failures,
    cpuSeconds: (end_s - start_s) * (limit === undefined ? NaN : quantity(limit)),
  };
}

function latencyPercentile(share: number): FigureDefinition<Histogram> {
  return {
    key: `p${String(share)}_ms`,
    name: share === 50 ? 'Median latency' : `p${String(share)} latency`,
    unit: 'ms',
    better: 'less',
    source: 'latency/*/<target>_latency.csv: the rows of clock response and outcome ok, merged',
    statistic: (histograms) => percentile(histograms, share / 100) / 1000,
    absent: 'No request got a right answer.',
    bare: 'floor',
    interval: (histograms) => inMs(percentileInterval(histograms, share / 100)),
  };
}

function inMs(microseconds: Interval | undefined): Interval | undefined {
  return microseconds && { low: microseconds.low / 1000, high: microseconds.high / 1000 };
}

const CPU_PER_REQUEST: FigureDefinition<{ seconds: number; requests: number }> = {
  key: 'cpu_per_request_us',
  name: 'CPU per request',
  unit: 'µs',
  better: 'less',
  source: 'latency/*/<target>_pods.csv: rise of cpu_seconds, ÷ requests of <target>_seconds.csv meanwhile',
  statistic: (data) => (1e6 * sum(data.map(({ seconds }) => seconds))) / sum(data.map(({ requests }) => requests)),
  absent: 'The counters of CPU time could not be read, or not twice in each load.',
};

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
  absent: 'The replicas could not be counted, or there was no rate that every target sustained.',
};

const AUTOSCALED_CPU: FigureDefinition<{ seconds: number; answers: number }> = {
  key: 'autoscaled_cpu_ms',
  name: 'CPU per answer while scaling',
  unit: 'ms',
  better: 'less',
  source: `autoscale/*/<target>_pods.csv: rise of cpu_seconds of all pods, ÷ right answers of _steps.csv, ${SUSTAINED}`,
  statistic: (data) => (1000 * sum(data.map(({ seconds }) => seconds))) / sum(data.map(({ answers }) => answers)),
  absent: 'The counters of CPU time could not be read, or there was no rate that every target sustained.',
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
  absent: 'A load began with more than one replica, or ended with one.',
};

const AUTOSCALED_P99: FigureDefinition<readonly Histogram[]> = {
  key: 'autoscaled_p99_ms',
  name: 'p99 latency while scaling',
  unit: 'ms',
  better: 'less',
  source: `autoscale/*/<target>_latency.csv: the rows of clock response and outcome ok, merged, ${SUSTAINED}`,
  statistic: (steps) => percentile(steps.flat(), 0.99) / 1000,
  absent: 'There was no rate that every target sustained.',
  bare: 'scaling',
  interval: (steps) => inMs(percentileInterval(steps.flat(), 0.99)),
};

const COLD_START: FigureDefinition<number> = {
  key: 'cold_start_ms',
  name: 'Cold start',
  unit: 'ms',
  better: 'less',
  source: 'coldstart/1/<target>_coldstarts.csv: median of first_answer_ms',
  statistic: (data) => median([...data]),
  absent: 'It is not known for both targets.',
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
  return [
    what,
    { key, name, unit: 'MB', better: 'less', source, statistic, absent: 'It is not known for both targets.' },
  ];
}

/** Returns a function that takes a size out of a trial; it gives NaN if the size is not known. */
function bytesOf(what: Footprint): (part: Part) => number {
  return (part) => {
    const rows = part.has('footprint') ? part.read('footprint') : [];
    return rows.find((row) => row.what === what)?.bytes ?? NaN;
  };
}

function errors(targets: Targets): Figure {
  const values = targets.map(({ measurements, key }) => {
    const loads = loadsOf(measurements).filter((part) => part.target === key);
    const verdicts = loads.map((part) => part.read('verdict'));
    const requests = sum(verdicts.map((verdict) => verdict.requests));
    if (requests === 0) return undefined;
    return { value: (1e6 * sum(verdicts.map(({ failures }) => failures))) / requests, interval: undefined };
  });
  const [baseline, ...others] = values;
  return {
    key: 'errors_per_million',
    name: 'Failed requests per million',
    unit: '',
    better: 'less',
    isMain: true,
    source: '*/*/<target>_verdict.json without calibrate: failures, ÷ requests',
    values,
    comparisons: others.map((other) => ({
      pairs: 0,
      ratio: undefined,
      parts: undefined,
      why: baseline && other ? undefined : { kind: 'not-run', sentence: 'No load ran against both targets.' },
      shared: undefined,
    })),
  };
}

function ofTrials<Datum>(
  targets: Targets,
  experiment: ExperimentName,
  take: (part: Part) => Datum,
  definition: FigureDefinition<Datum>,
): Figure {
  const { bare } = definition;
  return figure(
    targets,
    experiment,
    definition,
    (target) => countingOf(target, experiment).map((part) => ({ trial: part.trial, datum: take(part) })),
    (target) => [bare && bareLoadOf(target, bare)].flatMap((part) => (part ? [take(part)] : [])),
  );
}

function figure<Datum>(
  targets: Targets,
  experiment: ExperimentName,
  { key, name, unit, better, isDetail = false, source, statistic, interval, bare, absent }: FigureDefinition<Datum>,
  samplesOf: (target: Target) => Sample<Datum>[],
  bareOf: (target: Target) => Datum[] = () => [],
): Figure {
  const samples = new Map(targets.map((target) => [target, samplesOf(target)]));
  const has = (data: readonly Datum[]) => data.length > 0 && Number.isFinite(statistic(data));
  const pairedSamples = paired([...samples.values()]);
  const values = [...samples.values()].map((ofTarget, index): Estimate | undefined => {
    const compared = pairedSamples[index] ?? [];
    const data = (compared.length > 0 ? compared : ofTarget).map(({ datum }) => datum);
    return has(data) ? { value: statistic(data), interval: interval?.(data) } : undefined;
  });
  const [baseline, ...others] = targets;
  const comparisons = others.map((other): Comparison => {
    const [ofBaseline, ofOther] = [samples.get(baseline) ?? [], samples.get(other) ?? []];
    const pairs = ofBaseline.flatMap(({ trial, datum }) => {
      const partner = ofOther.find((sample) => sample.trial === trial);
      return partner ? [[datum, partner.datum] as const] : [];
    });
    const nothing = { pairs: pairs.length, ratio: undefined, parts: undefined, why: undefined, shared: undefined };
    const compared = [pairs.map(([datum]) => datum), pairs.map(([, datum]) => datum)] as const;
    if (compared.every(has)) {
      const bareData = [bareOf(baseline), bareOf(other)] as const;
      if (bareData.every(has)) {
        const differenceOf = ([baselineData, otherData]: Pair<Datum[]>) =>
          statistic(otherData) - statistic(baselineData);
        const generator = differenceOf(bareData);
        const parts = { generator, servers: differenceOf(compared) - generator };
        return { ...nothing, ratio: ratioOf(pairs, statistic), parts };
      }
      if (bare && baseline.protocol !== other.protocol)
        return { ...nothing, why: { kind: 'absent', sentence: GENERATOR_UNKNOWN } };
      return { ...nothing, ratio: ratioOf(pairs, statistic) };
    }
    const shared = ofOther.length === 0 ? representativeOf(other, targets) : undefined;
    const isShared = shared && (samples.get(shared) ?? []).length > 0;
    if (isShared) return { ...nothing, why: { kind: 'shared', sentence: measuredOnce(shared) }, shared };
    if (pairs.length > 0) return { ...nothing, why: { kind: 'absent', sentence: absent } };
    return { ...nothing, why: whyUnpaired([baseline, other], experiment) };
  });
  return { key, name, unit, better, isMain: !isDetail, source, values, comparisons };
}

/** Why latencies over two protocols, each of which has a client of its own in the load generator, say nothing. */
export const GENERATOR_UNKNOWN =
  'How much of it is the load generator’s own, which differs by protocol, was not measured.';

/** Why a target has no cold starts and sizes of its own. */
export function measuredOnce({ name }: Target): string {
  return `Measured once for both interfaces: see ${name}.`;
}

/** Why no trial of an experiment counts for both. */
function whyUnpaired(both: Pair<Target>, experiment: ExperimentName): Why {
  const parts = both.map((target) => partsOf(target, experiment));
  const reason = parts.flat().find((part) => !isValid(part))?.reasons[0];
  if (reason !== undefined && parts.every(({ length }) => length > 0)) {
    return { kind: 'invalid', sentence: `INVALID: ${reason}` };
  }
  const withBoth = parts.flat().length > 0 ? ' with both targets' : '';
  return { kind: 'not-run', sentence: `The experiment ${experiment} was not run${withBoth}.` };
}
