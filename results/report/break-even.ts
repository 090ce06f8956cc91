// Break-even: the batch size from which a target needs less CPU per value, or has a lower latency, than another.

import { sum } from 'simple-statistics';
import type { Row } from '../files.ts';
import { percentile, ratioOf, withInterval, type Estimate, type Histogram, type Pair } from '../statistics.ts';
import { cpuSeconds } from '../sweep.ts';
import { GENERATOR_UNKNOWN } from './figures.ts';
import { interval, numbersInWords, lowerFirst, number } from './format.ts';
import { countingOf, cpuOf, latencyOf, type Part } from './measurements.ts';
import type { Target, Targets } from './targets.ts';

/** How one target compares with the baseline over all measured sizes of a request. */
export interface BreakEven {
  other: Target;
  measure: 'cpu_per_value' | 'median_latency';
  /** The batch size at which the better target changes; undefined if there is none. */
  size: Estimate | undefined;
  /** The one that does better from there on, or else at every measured size; undefined if the trials don't show which. */
  better: Target | undefined;
  /** Whether the trials show it beyond doubt. */
  isSure: boolean;
  /** The least and the largest size that was measured. */
  measured: Pair<number>;
  /** What that means, in a sentence. */
  sentence: string;
}

/** What one trial measured at each batch size. */
type BySize<Datum> = ReadonlyMap<number, Datum>;

interface Measure<Datum> {
  key: BreakEven['measure'];
  /** What the better target does, such as `needs less CPU a value`. */
  verb: string;
  take: (part: Part) => BySize<Datum>;
  /** Computes the measure from all trials together. Less is better. */
  statistic: (data: readonly Datum[]) => number;
  /** Whether the load generator's own share is part of it. No bare server is measured at these sizes. */
  hasGenerator: boolean;
}

interface Cpu {
  seconds: number;
  values: number;
}

/** Compares each other target with the baseline by CPU and by latency, in the trials of `batch` that count. */
export function breakEvensOf(targets: Targets): BreakEven[] {
  const [baseline, ...others] = targets;
  const cpu: Measure<Cpu> = {
    key: 'cpu_per_value',
    verb: 'needs less CPU a value',
    take: cpuOfSizes,
    statistic: cpuPerValue,
    hasGenerator: false,
  };
  const latency: Measure<Histogram> = {
    key: 'median_latency',
    verb: 'has a lower median latency',
    take: (part) => bySize(part, ({ step }) => latencyOf(part, step)),
    statistic: (histograms) => percentile(histograms, 0.5),
    hasGenerator: true,
  };
  return others.flatMap((other) => [...breakEven([baseline, other], cpu), ...breakEven([baseline, other], latency)]);
}

/** CPU seconds of each value. */
export function cpuPerValue(data: readonly Cpu[]): number {
  return sum(data.map(({ seconds }) => seconds)) / sum(data.map(({ values }) => values));
}

/**
 * Takes CPU seconds and converted values out of a trial: between two readings of the pod's counter within a step. Steps
 * without two, as in runs that were measured before `sweep`, have the CPU between the readings around them.
 */
export function cpuOfSizes(part: Part): BySize<Cpu> {
  return bySize(part, (step) => {
    const { seconds, requests } = cpuOf(part, [step]);
    if (Number.isFinite(seconds) || !part.has('pods')) return { seconds, values: requests * step.batch };
    return { seconds: cpuSeconds(part.read('pods'), step.start_s, step.end_s), values: step.requests * step.batch };
  });
}

function bySize<Datum>(part: Part, tell: (step: Row<'steps'>) => Datum): BySize<Datum> {
  return new Map(part.read('steps').map((step) => [step.batch, tell(step)]));
}

function breakEven<Datum>([baseline, other]: Pair<Target>, measure: Measure<Datum>): BreakEven[] {
  const pairs = pairsOf([baseline, other], measure);
  const sizes = [...new Set(pairs.flatMap((pair) => pair.flatMap((trial) => [...trial.keys()])))]
    .filter((size) => pairs.flat().every((trial) => trial.has(size)))
    .sort((a, b) => a - b);
  const at = (size: number) => (trials: readonly BySize<Datum>[]) =>
    measure.statistic(trials.flatMap((trial) => trial.get(size) ?? []));
  const ratios = sizes.flatMap((size) => ratioOf(pairs, at(size)) ?? []);
  const [least, largest] = [sizes.at(0), sizes.at(-1)];
  if (least === undefined || largest === undefined || least === largest || ratios.length < sizes.length) return [];
  const compared = { other, measure: measure.key, measured: [least, largest] as const };
  if (measure.hasGenerator && baseline.protocol !== other.protocol) {
    const sentence =
      `Which of ${baseline.name} and ${other.name} ${measure.verb} at which size can’t be said: ` +
      lowerFirst(GENERATOR_UNKNOWN);
    return [{ ...compared, size: undefined, better: undefined, isSure: false, sentence }];
  }
  const size = withInterval(pairs, (sample) => {
    const [ofBaseline, ofOther] = [sample.map(([trial]) => trial), sample.map(([, trial]) => trial)];
    return pointOfEquality(
      sizes,
      sizes.map((candidate) => Math.log(at(candidate)(ofBaseline) / at(candidate)(ofOther))),
    );
  });
  const evidence = { trials: pairs.length, sizes, ratios, size };
  return [{ ...compared, size, ...verdictOf([baseline, other], measure.verb, evidence) }];
}

/** What the trials of `batch` that count for both targets measured. */
function pairsOf<Datum>([baseline, other]: Pair<Target>, { take }: Measure<Datum>): Pair<BySize<Datum>>[] {
  const partners = countingOf(other, 'batch');
  return countingOf(baseline, 'batch').flatMap((part) => {
    const partner = partners.find(({ trial }) => trial === part.trial);
    return partner ? [[take(part), take(partner)] as const] : [];
  });
}

interface Evidence {
  trials: number;
  sizes: readonly number[];
  /** At each size: the baseline's figure, of which less is better, divided by the other's. */
  ratios: readonly Estimate[];
  /** Where they cross 1, if they do so once. */
  size: Estimate | undefined;
}

function verdictOf(
  [baseline, other]: Pair<Target>,
  verb: string,
  { trials, sizes, ratios, size }: Evidence,
): Pick<BreakEven, 'better' | 'isSure' | 'sentence'> {
  const range = `${number(sizes.at(0) ?? NaN)} to ${number(sizes.at(-1) ?? NaN)} values a request`;
  const [winner, loser] = (ratios.at(-1)?.value ?? NaN) < 1 ? [baseline, other] : [other, baseline];
  const better = `${winner.name} ${verb} than ${loser.name}`;
  const none = trials === 1 ? 'one trial, so there is no interval' : 'not each trial shows it, so there is no interval';
  if (size) {
    const sure = size.interval ? `95 % interval ${interval(size.interval, about)}` : none;
    const sentence = `From about ${about(size.value)} values a request on, ${better} (${sure}).`;
    return { better: winner, isSure: size.interval !== undefined, sentence };
  }
  const question = `which of ${baseline.name} and ${other.name} ${verb}`;
  const undecided = (sentence: string) => ({ better: undefined, isSure: false, sentence });
  if (new Set(ratios.map(({ value }) => value < 1)).size > 1)
    return undecided(`From ${range}, ${question} changes more than once.`);
  if (trials === 1)
    return { better: winner, isSure: false, sentence: `At every measured size, ${range}, ${better} (${none}).` };
  const unsure = sizes.filter((_, index) => {
    const { low = 0, high = Infinity } = ratios[index]?.interval ?? {};
    return low <= 1 && high >= 1;
  });
  if (unsure.length === sizes.length) return undecided(`The trials show at no measured size, ${range}, ${question}.`);
  const exception = unsure.length > 0 ? `; at ${numbersInWords(unsure)} the trials don’t show it beyond doubt` : '';
  return {
    better: winner,
    isSure: unsure.length === 0,
    sentence: `At every measured size, ${range}, ${better}${exception}.`,
  };
}

/**
 * The size at which the logarithms of ratios cross 0, where they do so once: on the line between the two measured sizes
 * around it, in logarithms of both. NaN where they cross 0 never or more than once.
 */
function pointOfEquality(sizes: readonly number[], logs: readonly number[]): number {
  const points = sizes.slice(1).flatMap((size, index) => {
    const [before = NaN, here = NaN, least = NaN] = [logs[index], logs[index + 1], sizes[index]];
    return before < 0 === here < 0 ? [] : [least * (size / least) ** (before / (before - here))];
  });
  const [point = NaN] = points;
  return points.length === 1 ? point : NaN;
}

const ABOUT = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 });

/** A size with two digits. */
export function about(size: number): string {
  return ABOUT.format(size);
}
