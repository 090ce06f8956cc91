// What a figure of the report is: its value for every target, and how the baseline compares with each of the others.

import type { Calibration, ExperimentName } from '../files.ts';
import { ratioOf, type Estimate, type Interval, type OneSided, type Pair } from '../statistics.ts';
import { words } from './format.ts';
import { bareLoadOf, countingOf, isValid, partsOf, type Part } from './measurements.ts';
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
  /**
   * For each target, what bare servers give that are asked in its form: the load generator's own part of the value.
   * Undefined without bare servers, or if the figure is no latency.
   */
  bare: (number | undefined)[];
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
  /** What a cell of a table has room for. */
  few: string;
  sentence: string;
}

/** In so few words that a cell of a table has room for them, and in a sentence. */
export type Reason = Pick<Why, 'few' | 'sentence'>;

/** Defines how a figure is computed. Each trial's datum is taken out once, because a bootstrap needs it often. */
export interface FigureDefinition<Datum> extends Pick<Figure, 'key' | 'name' | 'unit' | 'better' | 'source'> {
  /** Whether it stands in the section of its experiment only. */
  isDetail?: boolean;
  /** Computes the figure of several trials together; NaN if they lack it. */
  statistic: (data: readonly Datum[]) => number;
  interval?: (data: readonly Datum[]) => Interval | undefined;
  /** For a latency: the load on a bare server that shows the load generator's own share. */
  bare?: Calibration;
  /** On which side of the figure the truth may lie, if there was no more to measure it with. */
  boundOf?: (data: readonly Datum[]) => OneSided['bound'];
  /** Why trials of a target that count may not have it. */
  absent: (name: string, data: readonly Datum[]) => Reason;
}

/**
 * Maps a figure's key to its noise floor: the factor above 1 by which two equal servers differ here. It is the interval
 * of the baseline against itself. Figures that are not measured twice are left out.
 */
export type NoiseFloors = Readonly<Record<string, number>>;

/** What one trial has for a figure. */
interface Sample<Datum> {
  trial: number;
  datum: Datum;
}

/** A figure of an experiment's trials. Bare servers are asked the same, so that their trials have the same datum. */
export function ofTrials<Datum>(
  targets: Targets,
  experiment: ExperimentName,
  take: (part: Part) => Datum,
  definition: FigureDefinition<Datum>,
  trialsOf: (target: Target) => Part[] = (target) => countingOf(target, experiment),
): Figure {
  const { bare } = definition;
  return figureOf(
    targets,
    experiment,
    definition,
    (target) => trialsOf(target).map((part) => ({ trial: part.trial, datum: take(part) })),
    (target) => [bare && bareLoadOf(target, bare)].flatMap((part) => (part ? [take(part)] : [])),
  );
}

export function figureOf<Datum>(
  targets: Targets,
  experiment: ExperimentName,
  definition: FigureDefinition<Datum>,
  samplesOf: (target: Target) => Sample<Datum>[],
  bareOf: (target: Target) => Datum[] = () => [],
): Figure {
  const { key, name, unit, better, isDetail = false, source, interval, boundOf } = definition;
  const samples = new Map(targets.map((target) => [target, samplesOf(target)]));
  const bare = new Map(targets.map((target) => [target, valueOf(bareOf(target), definition)]));
  const pairedSamples = paired([...samples.values()]);
  const values = [...samples.values()].map((ofTarget, index): OneSided | undefined => {
    const compared = pairedSamples[index] ?? [];
    const data = (compared.length > 0 ? compared : ofTarget).map(({ datum }) => datum);
    const value = valueOf(data, definition);
    return value === undefined ? undefined : { value, interval: interval?.(data), bound: boundOf?.(data) };
  });
  const [baseline, ...others] = targets;
  const comparisons = others.map((other): Comparison => {
    const [ofBaseline, ofOther] = [samples.get(baseline) ?? [], samples.get(other) ?? []];
    const pairs = ofBaseline.flatMap(({ trial, datum }) => {
      const partner = ofOther.find((sample) => sample.trial === trial);
      return partner ? [[datum, partner.datum] as const] : [];
    });
    const nothing = { pairs: pairs.length, ratio: undefined, parts: undefined, why: undefined, shared: undefined };
    if (pairs.length > 0) {
      return { ...nothing, ...compare(pairs, [baseline, other], definition, [bare.get(baseline), bare.get(other)]) };
    }
    const shared = ofOther.length === 0 ? representativeOf(other, targets) : undefined;
    const isShared = shared && (samples.get(shared) ?? []).length > 0;
    if (isShared)
      return { ...nothing, why: { kind: 'shared', few: 'same server', sentence: measuredOnce(shared) }, shared };
    return { ...nothing, why: whyUnpaired([baseline, other], experiment) };
  });
  return { key, name, unit, better, isMain: !isDetail, source, values, bare: [...bare.values()], comparisons };
}

/** Undefined where the trials lack the figure. */
function valueOf<Datum>(data: readonly Datum[], { statistic }: FigureDefinition<Datum>): number | undefined {
  const value = data.length > 0 ? statistic(data) : NaN;
  return Number.isFinite(value) ? value : undefined;
}

/** Compares trials of two targets, of which there is one pair at least. */
function compare<Datum>(
  pairs: readonly Pair<Datum>[],
  [one, other]: Pair<Target>,
  definition: FigureDefinition<Datum>,
  [ofBare, ofOtherBare]: Pair<number | undefined>,
): Partial<Comparison> {
  const because = (reason: Reason) => ({ why: { kind: 'absent' as const, ...reason } });
  const data = [pairs.map(([datum]) => datum), pairs.map(([, datum]) => datum)] as const;
  const [value, otherValue] = [valueOf(data[0], definition), valueOf(data[1], definition)];
  if (value === undefined) return because(definition.absent(one.name, data[0]));
  if (otherValue === undefined) return because(definition.absent(other.name, data[1]));
  const zeros = [...(value === 0 ? [one.name] : []), ...(otherValue === 0 ? [other.name] : [])];
  if (zeros.length > 0)
    return because({
      few: 'no ratio of 0',
      sentence: `It is 0 for ${words(zeros)}, and a ratio needs values above 0.`,
    });
  const [bound, otherBound] = data.map((trials) => definition.boundOf?.(trials));
  if (bound && otherBound)
    return because({
      few: 'generator’s limit',
      sentence: `For both it is only known “${bound}”, so there is no ratio.`,
    });
  const ratio = oneSided(ratioOf(pairs, definition.statistic), bound ?? opposite(otherBound));
  if (ofBare !== undefined && ofOtherBare !== undefined) {
    const generator = ofOtherBare - ofBare;
    return { ratio, parts: { generator, servers: otherValue - value - generator } };
  }
  if (definition.bare && one.protocol !== other.protocol)
    return because({ few: 'generator unknown', sentence: GENERATOR_UNKNOWN });
  return { ratio };
}

/** What the bound of a divisor makes of a ratio. */
function opposite(bound: OneSided['bound']): OneSided['bound'] {
  return bound && (bound === 'at least' ? 'at most' : 'at least');
}

function oneSided(estimate: Estimate | undefined, bound: OneSided['bound']): OneSided | undefined {
  if (!estimate || !bound) return estimate;
  const { value, interval } = estimate;
  const open = bound === 'at least' ? { high: Infinity } : { low: 0 };
  return { value, bound, interval: interval && { ...interval, ...open } };
}

/** An interval of a latency, in ms. */
export function inMs(microseconds: Interval | undefined): Interval | undefined {
  return microseconds && { low: microseconds.low / 1000, high: microseconds.high / 1000 };
}

/** Why latencies over two protocols, each of which has a client of its own in the load generator, say nothing. */
export const GENERATOR_UNKNOWN =
  'How much of it is the load generator’s own, which differs by protocol, was not measured.';

/** Why a target has no cold starts and sizes of its own. */
export function measuredOnce({ name }: Target): string {
  return `Measured once for all interfaces of the server: see ${name}.`;
}

/** Why no trial of an experiment counts for both. */
function whyUnpaired(both: Pair<Target>, experiment: ExperimentName): Why {
  const parts = both.map((target) => partsOf(target, experiment));
  const reason = parts.flat().find((part) => !isValid(part))?.reasons[0];
  if (reason !== undefined && parts.every(({ length }) => length > 0)) {
    return { kind: 'invalid', few: 'INVALID', sentence: `INVALID: ${reason}` };
  }
  const withBoth = parts.flat().length > 0 ? ' with both targets' : '';
  return { kind: 'not-run', few: 'not measured', sentence: `The experiment ${experiment} was not run${withBoth}.` };
}
