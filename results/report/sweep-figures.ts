// Defines the figures of the sweep: the rate within each bound of latency, and what a request takes at lower rates.

import { sum } from 'simple-statistics';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import type { Bound } from '../files.ts';
import { ResultsError } from '../read.ts';
import type { Histogram } from '../statistics.ts';
import { cpuAbout, latencyWithFailures, rateWithin, valueAt, type Point, type RateWithin } from '../sweep.ts';
import { ofTrials, type Figure, type FigureDefinition, type NoiseFloors } from './figures.ts';
import { number, upperFirst } from './format.ts';
import { bestStep, countingOf, cpuLimitOf, latencyOf, saturatedSteps, type Part } from './measurements.ts';
import type { Price } from './sections/section.ts';
import { measuredTwice, type Target, type Targets } from './targets.ts';

/** What one trial has of a target at each rate that was offered. */
export interface Sweep {
  part: Part;
  /** By rate in requests/s. Undefined where the target did not sustain it. */
  steps: ReadonlyMap<number, { right: Histogram; failures: number } | undefined>;
}

export function sweepOf(part: Part): Sweep {
  const steps = part.read('steps').map(({ step, offered_rate, saturated, failures }) => {
    const measured = saturated ? undefined : { right: latencyOf(part, step), failures };
    return [offered_rate ?? NaN, measured] as const;
  });
  return { part, steps: new Map(steps) };
}

/** The rates that any trial was offered, rising. */
function ratesIn(sweeps: readonly Sweep[]): number[] {
  return [...new Set(sweeps.flatMap(({ steps }) => [...steps.keys()]))].sort((a, b) => a - b);
}

/**
 * A percentile of all trials' requests together, by rate, in µs; Infinity where not each trial sustained the rate.
 * A trial's load ends with the first rate that it does not sustain.
 */
export function pointsOf(sweeps: readonly Sweep[], percent: number, rates = ratesIn(sweeps)): Point[] {
  return rates.map((rate) => {
    const measured = sweeps.flatMap(({ steps }) => steps.get(rate) ?? []);
    const right = measured.map((step) => step.right);
    const failures = sum(measured.map((step) => step.failures));
    const isSustained = measured.length === sweeps.length;
    return { rate, value: isSustained ? latencyWithFailures(right, failures, percent) : Infinity };
  });
}

/** A percentile at any rate, in µs, between the rates that were offered; not finite where there is none. */
export function latencyAt(sweeps: readonly Sweep[], percent: number, rate: number): number {
  const rates = ratesIn(sweeps);
  const above = rates.findIndex((offered) => offered >= rate);
  // The others don't matter, and a bootstrap would merge their histograms in vain.
  const around = above < 0 ? [] : rates.slice(Math.max(0, above - 1), above + 1);
  return valueAt(pointsOf(sweeps, percent, around), rate);
}

/** Such as `10 ms at p99`. */
export function boundInWords({ percentile, milliseconds }: Bound): string {
  return `${String(milliseconds)} ms at p${String(percentile)}`;
}

/**
 * The bounds of latency whose rates a run looks for, the first one first; none in a run without a sweep.
 * @throws ResultsError if the run has a sweep, and does not say for which bounds
 */
export function boundsOf({ measurements: { environment, folder, parts } }: Target): readonly Bound[] {
  const bounds = environment.plan.sweep?.bounds ?? [];
  if (bounds.length === 0 && parts.some(({ experiment }) => experiment === 'sweep')) {
    throw new ResultsError(
      `${folder}/environment.json has no plan.sweep.bounds: they say within which latency a rate counts.`,
    );
  }
  return bounds;
}

/** Shares of the baseline's rate within the first bound, at which a request's CPU and latency are told. */
export const SHARES = [
  { key: 'tenth', share: 0.1, name: 'a tenth' },
  { key: 'half', share: 0.5, name: 'half' },
  { key: '80_percent', share: 0.8, name: '80 %' },
] as const;

const PERCENTILES = [50, 95, 99];

/** The baseline's rate within the first bound, in all of its trials that count; 0 if there is none. */
export function baselineRate([baseline]: Targets): number {
  const [bound] = boundsOf(baseline);
  const sweeps = countingOf(baseline, 'sweep').map(sweepOf);
  return bound && sweeps.length > 0 ? within(sweeps, bound).rate : 0;
}

/** @param price of a node; without it there is no figure of cost */
export function sweepFigures(targets: Targets, price?: Price): Figure[] {
  const bounds = boundsOf(targets[0]);
  const [first] = bounds;
  const rate = baselineRate(targets);
  const definitions: FigureDefinition<Sweep>[] = [
    ...bounds.map(rateWithinBound),
    THROUGHPUT_PER_CPU,
    ...SHARES.flatMap((at) => [cpuAt(at, rate), ...PERCENTILES.map((percent) => percentileAt(percent, at, rate))]),
    ...(first && price ? [costWithin(first, price)] : []),
  ];
  const sweeps = new Map<Part, Sweep>();
  const take = (part: Part) => {
    const sweep = sweeps.get(part) ?? sweepOf(part);
    sweeps.set(part, sweep);
    return sweep;
  };
  return definitions.map((definition) => ofTrials(targets, 'sweep', take, definition));
}

/** What the baseline and the baseline again differ by. */
export function noiseOf([{ measurements }]: Targets, price?: Price): NoiseFloors {
  const both = measuredTwice(measurements);
  if (!both) return {};
  const floors = sweepFigures(both, price).flatMap(({ key, comparisons }) =>
    comparisons.flatMap(({ ratio }) =>
      ratio?.interval && !ratio.bound ? [[key, Math.max(ratio.interval.high, 1 / ratio.interval.low)] as const] : [],
    ),
  );
  return Object.fromEntries(floors);
}

function rateWithinBound(bound: Bound): FigureDefinition<Sweep> {
  return {
    key: `rate_within_p${String(bound.percentile)}_${String(bound.milliseconds)}ms`,
    name: `Rate within ${boundInWords(bound)}`,
    unit: 'requests/s',
    better: 'more',
    source: `sweep/*/<target>_steps.csv and _latency.csv: the offered_rate at which p${String(bound.percentile)} crosses it`,
    statistic: (sweeps) => within(sweeps, bound).rate,
    boundOf: (sweeps) => (isCensored(sweeps, bound) ? 'at least' : undefined),
    absent: () => ({ few: 'no step', sentence: 'No step was measured.' }),
  };
}

function within(sweeps: readonly Sweep[], { percentile, milliseconds }: Bound): RateWithin {
  return rateWithin(pointsOf(sweeps, percentile), 1000 * milliseconds);
}

/** Whether a trial is within the bound at the highest rate that was sent, so that its own rate is not known. */
function isCensored(sweeps: readonly Sweep[], bound: Bound): boolean {
  return sweeps.some((sweep) => within([sweep], bound).isAtLeast);
}

export const THROUGHPUT_PER_CPU: FigureDefinition<Pick<Sweep, 'part'>> = {
  key: 'throughput_per_cpu',
  name: 'Throughput per CPU',
  unit: 'requests/s',
  better: 'more',
  source:
    'sweep/*/<target>_steps.csv: right answers/s of the step with most, ÷ resources.limits.cpu in environment.json',
  statistic: (trials) => {
    const best = trials.map(({ part }) => ({ ...bestStep(part), cpus: cpusOf(part) }));
    const answers = best.map(({ requests, failures }) => requests - failures);
    return sum(answers) / sum(best.map(({ start_s, end_s, cpus }) => (end_s - start_s) * cpus));
  },
  boundOf: (trials) => (trials.every(({ part }) => saturatedSteps(part).length > 0) ? undefined : 'at least'),
  absent: () => ({ few: 'no CPU limit', sentence: 'Without a CPU limit there is nothing to divide by.' }),
};

/** The CPU limit of a replica, in cores; NaN without one. */
function cpusOf({ environment, target }: Part): number {
  const limit = cpuLimitOf(environment, target, 'one');
  return limit === undefined ? NaN : quantity(limit);
}

type Share = (typeof SHARES)[number];

/** Such as `at 1,605/s`, or `at half the rate` where the baseline has none. */
function at({ name }: Share, rate: number): string {
  return `at ${rate > 0 ? `${number(rate)}/s` : `${name} of the rate`}`;
}

/** Where a figure at a share of the baseline's rate comes from. */
function sourceAt(files: string, { name }: Share): string {
  return `${files}, at ${name} of the baseline’s rate within the first bound`;
}

function percentileAt(percent: number, share: Share, baseline: number): FigureDefinition<Sweep> {
  const rate = share.share * baseline;
  return {
    key: `p${String(percent)}_ms_at_${share.key}`,
    name: `${percent === 50 ? 'Median' : `p${String(percent)}`} latency ${at(share, rate)}`,
    unit: 'ms',
    better: 'less',
    isDetail: percent !== 99 || share.key !== 'half',
    source: sourceAt('sweep/*/<target>_latency.csv: the rows of outcome ok, merged, between two rates', share),
    statistic: (sweeps) => latencyAt(sweeps, percent, rate) / 1000,
    bare: 'floor',
    absent: notAt(rate),
  };
}

function cpuAt(share: Share, baseline: number): FigureDefinition<Sweep> {
  const rate = share.share * baseline;
  const isAsked = (sweeps: readonly Sweep[]) => Number.isFinite(latencyAt(sweeps, 50, rate));
  return {
    key: `cpu_per_request_us_at_${share.key}`,
    name: `CPU per request ${at(share, rate)}`,
    unit: 'µs',
    better: 'less',
    isDetail: share.key !== 'half',
    source: sourceAt('sweep/*/<target>_pods.csv: rise of cpu_seconds, ÷ requests of _seconds.csv meanwhile', share),
    statistic: (sweeps) => {
      const used = sweeps.map(({ part }) => cpuAbout(filesOf(part), rate));
      return (1e6 * sum(used.map(({ seconds }) => seconds))) / sum(used.map(({ requests }) => requests));
    },
    absent: (name, sweeps) =>
      isAsked(sweeps)
        ? { few: 'CPU not read', sentence: 'The counters of CPU time could not be read.' }
        : notAt(rate)(name, sweeps),
  };
}

function filesOf(part: Part): Parameters<typeof cpuAbout>[0] {
  return {
    steps: part.read('steps'),
    seconds: part.read('seconds'),
    pods: part.has('pods') ? part.read('pods') : [],
  };
}

/** Why a target has no latency at a rate. */
function notAt(rate: number): FigureDefinition<Sweep>['absent'] {
  return (name, sweeps) => {
    if (rate === 0)
      return {
        few: 'no rate',
        sentence: 'The baseline is within the bound at no rate, so there is none to compare at.',
      };
    const [lowest = 0] = ratesIn(sweeps);
    if (rate < lowest)
      return {
        few: 'not asked',
        sentence: `The lowest rate that was offered is higher than ${number(rate)} requests/s.`,
      };
    return sweeps.every(({ part }) => saturatedSteps(part).length === 0)
      ? { few: 'not asked', sentence: `The highest rate that was offered is lower than ${number(rate)} requests/s.` }
      : { few: 'saturated', sentence: `${upperFirst(name)} did not sustain ${number(rate)} requests/s in each trial.` };
  };
}

function costWithin(bound: Bound, { dollarsPerHour, cpus }: Price): FigureDefinition<Sweep> {
  return {
    key: 'dollars_per_million',
    name: `A million requests within ${boundInWords(bound)}`,
    unit: 'US dollars',
    better: 'less',
    source: 'the rate within the bound, resources.limits.cpu in environment.json, and the price of a node',
    statistic: (sweeps) => {
      const [sweep] = sweeps;
      const perHour = (dollarsPerHour / cpus) * (sweep ? cpusOf(sweep.part) : NaN);
      return (1e6 * perHour) / (3600 * within(sweeps, bound).rate);
    },
    boundOf: (sweeps) => (isCensored(sweeps, bound) ? 'at most' : undefined),
    absent: (name, sweeps) =>
      within(sweeps, bound).rate > 0
        ? { few: 'no CPU limit', sentence: 'Without a CPU limit a replica reserves nothing that has a price.' }
        : { few: 'not within it', sentence: `${upperFirst(name)} is not within the bound at the lowest rate.` },
  };
}
