// What can be said of the figures, in sentences: only what their intervals show.

import { mean, sum } from 'simple-statistics';
import type { Figure } from './figures.ts';
import { counted, interval, lowerFirst, number, ratio, upperFirst, words } from './format.ts';
import { byHold, isValid, partsOf, throughputOf, type Side, type Part } from './measurements.ts';
import type { Pair } from './statistics.ts';

export type Winner = 'one' | 'other' | 'neither' | 'unknown';

/** The figures that the verdict is about: those that are measured often enough to have an interval. */
const DECISIVE = ['throughput_per_cpu', 'p50_ms', 'p99_ms', 'cpu_per_request_us', 'cold_start_ms'];

/** Who does better, if the interval shows it and it is more than the function differs from itself. */
export function winnerOf({ key, ratio: its, better }: Figure, noise: readonly Figure[]): Winner {
  if (!its?.interval) return 'unknown';
  const { low, high } = its.interval;
  if (low <= 1 && high >= 1) return 'neither';
  const floor = floorOf(noise.find((each) => each.key === key));
  if (floor !== undefined && Math.abs(Math.log(its.value)) <= Math.log(floor)) return 'neither';
  return low > 1 === (better === 'more') ? 'one' : 'other';
}

/** The noise floor: what two equal things can differ by here, as a factor; undefined where it was not measured. */
export function floorOf(noise: Figure | undefined): number | undefined {
  const its = noise?.ratio?.interval;
  return its && Math.max(its.high, 1 / its.low);
}

export interface Verdict {
  headline: string;
  /** The sentences of the paragraph under it. */
  sentences: string[];
}

export function verdictOf(figures: readonly Figure[], noise: readonly Figure[], [one, other]: Pair<Side>): Verdict {
  const decisive = figures.filter(({ key }) => DECISIVE.includes(key));
  const by = (winner: Winner) => decisive.filter((figure) => winnerOf(figure, noise) === winner);
  const [ones, others, neither, unknown] = [by('one'), by('other'), by('neither'), by('unknown')];
  return {
    headline: headline({ one: ones.length, other: others.length, neither: neither.length, unknown: unknown.length }, [
      one,
      other,
    ]),
    sentences: [
      ...won(ones, one, other),
      ...won(others, other, one),
      ...(neither.length > 0
        ? [
            `The trials show no difference in ${words(neither.map((figure) => `${nameOf(figure)} (${ratioText(figure)})`))}.`,
          ]
        : []),
      ...doubts(unknown),
    ],
  };
}

/** What each side kept up with while its autoscaler was on, and what that took: one sentence, none where it was not tried. */
export function heldBy(sides: Pair<Side>): string[] {
  const told = sides.flatMap((side) => {
    const parts = partsOf(side, 'autoscale').filter(isValid);
    if (parts.length === 0) return [];
    const held = parts.map((part) => byHold(part).held.at(-1));
    // A rate counts as held if it was in each trial.
    const rate = Math.min(...held.map((step) => step?.offered_rate ?? 0));
    const overload = parts.flatMap((part) => byHold(part).saturated.slice(0, 1));
    const most =
      overload.length > 0 ? [`, and answered at most ${number(Math.max(...overload.map(throughputOf)))}`] : [];
    if (rate === 0) return [`${side.name} held none of the rates${most.join('')}`];
    const taken = parts.flatMap((part) => usedAt(part, rate));
    const replicas = Math.max(...taken.map((its) => its.replicas));
    const what =
      taken.length > 0
        ? ` (${counted(replicas, 'replica')}, ${number(Math.round(100 * mean(taken.map(({ cores }) => cores))) / 100)} cores)`
        : '';
    return [`${side.name} held ${number(rate)} requests/s${what}${most.join('')}`];
  });
  return told.length > 0 ? [`With the autoscaler, ${words(told)}.`] : [];
}

/** What a target used in the step with such a rate: its most replicas, and the mean of its CPU. */
function usedAt(part: Part, rate: number): { replicas: number; cores: number }[] {
  const step = part.read('steps').find(({ offered_rate }) => offered_rate === rate);
  if (!step || !part.has('timeline')) return [];
  const samples = part
    .read('timeline')
    .filter(({ timestamp_s }) => timestamp_s >= step.start_s && timestamp_s < step.end_s);
  const cores = samples.flatMap(({ cpu_cores }) => cpu_cores ?? []);
  if (cores.length === 0) return [];
  return [{ replicas: Math.max(...samples.map(({ ready_replicas }) => ready_replicas)), cores: mean(cores) }];
}

/** @param counts figures by who does better in them */
function headline(counts: Record<Winner, number>, [one, other]: Pair<Side>): string {
  const { neither, unknown } = counts;
  const all = sum(Object.values(counts));
  const rest = [
    ...(neither > 0 ? [`; ${neither} ${neither === 1 ? 'shows' : 'show'} no difference`] : []),
    ...(unknown > 0 ? [`; ${unknown} ${unknown === 1 ? 'has' : 'have'} no result`] : []),
  ].join('');
  if (counts.one > 0 && counts.other > 0) {
    const both = `better in ${counts.one}, and ${other.name} in ${counts.other}`;
    return `${upperFirst(one.name)} does ${both} of ${counted(all, 'figure')}${rest}.`;
  }
  if (counts.one + counts.other > 0) {
    const [winner, loser, wins] = counts.one > 0 ? [one, other, counts.one] : [other, one, counts.other];
    const where = wins === all ? `all ${counted(all, 'figure')}` : `${wins} of ${counted(all, 'figure')}`;
    return `${upperFirst(winner.name)} does better than ${loser.name} in ${where}${rest}.`;
  }
  if (neither > 0) return `The trials show no difference between ${one.name} and ${other.name}.`;
  return `The trials can’t say whether ${one.name} or ${other.name} does better.`;
}

function won(figures: readonly Figure[], winner: Side, loser: Side): string[] {
  if (figures.length === 0) return [];
  return [`${upperFirst(winner.name)} does better than ${loser.name} in ${words(figures.map(difference))}.`];
}

/** Such as `CPU per request (25.1 against 61 µs, ratio 0.411, 95 % interval 0.39 to 0.43)`. */
function difference(figure: Figure): string {
  const [one, other] = figure.values.map((estimate) => number(estimate?.value ?? NaN));
  return `${nameOf(figure)} (${one ?? ''} against ${other ?? ''} ${figure.unit}, ${ratioText(figure)})`;
}

function ratioText({ ratio: its }: Figure): string {
  if (!its) return '';
  const within = its.interval ? `, 95 % interval ${interval(its.interval, ratio)}` : '';
  return `ratio ${ratio(its.value)}${within}`;
}

/** A sentence for each reason, with all the figures that it holds for. The reasons of INVALID are in the appendix. */
function doubts(figures: readonly Figure[]): string[] {
  const reasonOf = ({ why, pairs }: Figure) => {
    if (why?.startsWith('INVALID')) return 'No trial is valid for both targets.';
    if (why !== undefined) return why;
    return pairs < 2
      ? `${counted(pairs, 'trial')} can’t show how much results differ from run to run.`
      : 'A ratio needs a value in every trial.';
  };
  const byReason = Object.entries(Object.groupBy(figures, reasonOf));
  return byReason.map(
    ([reason, those = []]) => `Nothing can be said about ${words(those.map(nameOf), 'or')}: ${lowerFirst(reason)}`,
  );
}

/** The name of a figure within a sentence. */
function nameOf({ name }: Figure): string {
  return name.startsWith('CPU') ? name : lowerFirst(name);
}
