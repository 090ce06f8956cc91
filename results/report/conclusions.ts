// Puts into words which target does better: the baseline against each other target, by the intervals.

import { sum } from 'simple-statistics';
import type { Pair } from '../statistics.ts';
import { winnerOf, type Winner } from './decide-winner.ts';
import type { Comparison, Figure, NoiseFloors } from './figures.ts';
import { counted, interval, lowerFirst, number, ratio, upperFirst, words } from './format.ts';
import type { Target, Targets } from './targets.ts';

export interface Conclusion {
  other: Target;
  headline: string;
  /** The sentences of the paragraph under it. */
  sentences: string[];
}

/** The figures that a conclusion is about: those that are measured often enough to have an interval. */
const DECISIVE = [
  'throughput_per_cpu',
  'p50_ms',
  'p99_ms',
  'cpu_per_request_us',
  'autoscaled_replicas',
  'autoscaled_cpu_ms',
  'second_replica_s',
  'autoscaled_p99_ms',
  'cold_start_ms',
];

/** A figure of one comparison. */
interface Decisive {
  figure: Figure;
  comparison: Comparison;
  winner: Winner;
  /** The winner's and the loser's, or the baseline's and the other's if nobody wins. */
  values: Pair<number>;
}

/** One for each target that is compared with the baseline. */
export function conclusionsOf(figures: readonly Figure[], noise: NoiseFloors, targets: Targets): Conclusion[] {
  const [baseline, ...others] = targets;
  // The numbers of several comparisons stand in the table only, so that all of them have room on the first page.
  const tell = others.length > 1 ? nameOf : difference;
  return others.map((other, index) => {
    const decisive = figures.flatMap((figure): Decisive[] => {
      const comparison = figure.comparisons[index];
      if (!comparison || comparison.shared || !DECISIVE.includes(figure.key)) return [];
      const winner = winnerOf(figure, comparison, noise[figure.key]);
      const [ofBaseline = NaN, ofOther = NaN] = [0, index + 1].map((place) => figure.values[place]?.value);
      return [
        { figure, comparison, winner, values: winner === 'other' ? [ofOther, ofBaseline] : [ofBaseline, ofOther] },
      ];
    });
    const by = (winner: Winner) => decisive.filter((candidate) => candidate.winner === winner);
    const [wins, losses, draws, unknown] = [by('baseline'), by('other'), by('neither'), by('unknown')];
    const byGenerator = by('generator');
    const counts = {
      baseline: wins.length,
      other: losses.length,
      neither: draws.length + byGenerator.length,
      unknown: unknown.length,
    };
    return {
      other,
      headline: headline(counts, [baseline, other]),
      sentences: [
        ...won(wins, [baseline, other], tell),
        ...won(losses, [other, baseline], tell),
        ...undecided(draws),
        ...differByGenerator(byGenerator),
        ...doubts(unknown),
      ],
    };
  });
}

/** @param counts figures by who does better in them */
function headline(counts: Record<Exclude<Winner, 'generator'>, number>, [baseline, other]: Pair<Target>): string {
  const { neither, unknown } = counts;
  const all = sum(Object.values(counts));
  const rest = [
    ...(neither > 0 ? [`; ${neither} ${neither === 1 ? 'shows' : 'show'} no difference`] : []),
    ...(unknown > 0 ? [`; ${unknown} ${unknown === 1 ? 'has' : 'have'} no result`] : []),
  ].join('');
  if (counts.baseline > 0 && counts.other > 0) {
    const both = `better in ${counts.baseline}, and ${other.name} in ${counts.other}`;
    return `${upperFirst(baseline.name)} does ${both} of ${counted(all, 'figure')}${rest}.`;
  }
  if (counts.baseline + counts.other > 0) {
    const [winner, loser] = counts.baseline > 0 ? [baseline, other] : [other, baseline];
    const wins = counts.baseline + counts.other;
    const where = wins === all ? `all ${counted(all, 'figure')}` : `${wins} of ${counted(all, 'figure')}`;
    return `${upperFirst(winner.name)} does better than ${loser.name} in ${where}${rest}.`;
  }
  if (neither > 0) return `The trials show no difference between ${baseline.name} and ${other.name}.`;
  return `The trials can’t say whether ${baseline.name} or ${other.name} does better.`;
}

function won(
  figures: readonly Decisive[],
  [winner, loser]: Pair<Target>,
  tell: (decisive: Decisive) => string,
): string[] {
  if (figures.length === 0) return [];
  return [`${upperFirst(winner.name)} does better than ${loser.name} in ${words(figures.map(tell))}.`];
}

/** Such as `CPU per request (25.1 against 61 µs)`, first the winner's and then the loser's. */
function difference(decisive: Decisive): string {
  const against = decisive.values.map(number).join(' against ');
  return `${nameOf(decisive)} (${[against, decisive.figure.unit].filter(Boolean).join(' ')})`;
}

function undecided(figures: readonly Decisive[]): string[] {
  if (figures.length === 0) return [];
  const named = figures.map((decisive) => {
    const { value = NaN, interval: range } = decisive.comparison.ratio ?? {};
    const within = range ? `, 95 % interval ${interval(range, ratio)}` : '';
    return `${nameOf(decisive)} (ratio ${ratio(value)}${within})`;
  });
  return [`The trials show no difference in ${words(named)}.`];
}

/** The figures in which the load generator causes the difference, with its share and that of the servers. */
function differByGenerator(figures: readonly Decisive[]): string[] {
  if (figures.length === 0) return [];
  const named = figures.map(
    (decisive) => `${nameOf(decisive)} (${partsInWords(decisive.figure, decisive.comparison)})`,
  );
  return [
    `In ${words(named)}, so much of the difference is the load generator’s own that the trials show none between ` +
      'the servers.',
  ];
}

/** Splits a difference of latency, such as `0.452 ms of the load generator, 0.022 ms of the servers`; empty where unknown. */
export function partsInWords({ unit }: Figure, { parts }: Comparison): string {
  if (!parts) return '';
  return `${number(parts.generator)} ${unit} of the load generator, ${number(parts.servers)} ${unit} of the servers`;
}

/** A sentence for each reason, with all the figures that it holds for. The reasons of INVALID are in the appendix. */
function doubts(figures: readonly Decisive[]): string[] {
  const reasonOf = ({ comparison: { why, pairs } }: Decisive) => {
    if (why?.kind === 'invalid') return 'No trial is valid for both targets.';
    if (why) return why.sentence;
    return pairs < 2
      ? `${counted(pairs, 'trial')} can’t show how much results differ from run to run.`
      : 'A ratio needs a value in every trial.';
  };
  const byReason = Object.entries(Object.groupBy(figures, reasonOf));
  return byReason.map(
    ([reason, doubtful = []]) =>
      `Nothing can be said about ${words(doubtful.map(nameOf), 'or')}: ${lowerFirst(reason)}`,
  );
}

/** The name of a figure within a sentence. */
function nameOf({ figure: { name } }: Decisive): string {
  return lowerFirst(name);
}
