// Puts the answer of a run into words: the headline of the first page, and from which size of a request on it changes.

import type { Bound } from '../files.ts';
import { about, type BreakEven } from './break-even.ts';
import { winnerOf } from './decide-winner.ts';
import { MOST_OTHERS } from './document.ts';
import type { Comparison, Figure, NoiseFloors } from './figures.ts';
import { number, times, upperFirst, words } from './format.ts';
import type { Target, Targets } from './targets.ts';

/** How the headline tells a figure: its sentences begin with the target that has more of it. */
interface Claim {
  /** The key of the figure begins so. */
  figure: string;
  /** The beginning of the sentence, such as `with the same CPU, the function`. */
  opening: (name: string) => string;
  /** The same further on in the sentence. */
  further: (name: string) => string;
  verb: string;
  /** Such as `as many`, and what of. */
  as: string;
  of: string;
  /** What the target that has less of it is called behind `as`. */
  than: (name: string) => string;
  /** What there is no difference in. */
  question: string;
  /** What follows the beginning where a target has nothing to be compared with, such as `25 µs of CPU`. */
  amount: (value: string) => string;
}

/** What a run can compare first of these is its headline. */
function claimsOf([{ measurements }]: Targets): readonly Claim[] {
  const [bound] = measurements.environment.plan.sweep?.bounds ?? [];
  return [...(bound ? [rateWithin(bound)] : []), THROUGHPUT, CPU, CPU_WHILE_SCALING, COLD_START];
}

function rateWithin({ percentile, milliseconds }: Bound): Claim {
  // Of the usual percentile one speaks as of all requests.
  const within = `within ${number(milliseconds)} ms${percentile === 99 ? '' : ` at p${String(percentile)}`}`;
  return {
    figure: `rate_within_p${String(percentile)}_${String(milliseconds)}ms`,
    opening: (name) => `${within}, one replica of ${name}`,
    further: (name) => `one of ${name}`,
    verb: 'answers',
    as: 'as many',
    of: 'requests',
    than: (name) => name,
    question: `how many requests one replica answers ${within}`,
    amount: (value) => `${value} requests/s`,
  };
}

const THROUGHPUT: Claim = {
  figure: 'throughput_per_cpu',
  opening: (name) => `with the same CPU, ${name}`,
  further: (name) => name,
  verb: 'answers',
  as: 'as many',
  of: 'requests',
  than: (name) => name,
  question: 'how many requests they answer with the same CPU',
  amount: (value) => `${value} requests/s per CPU`,
};

const CPU: Claim = {
  figure: 'cpu_per_request_us',
  opening: (name) => `a request to ${name}`,
  further: (name) => `one to ${name}`,
  verb: 'takes',
  as: 'as much',
  of: 'CPU',
  than: (name) => `one to ${name}`,
  question: 'the CPU that a request takes',
  amount: (value) => `${value} µs of CPU`,
};

const CPU_WHILE_SCALING: Claim = {
  figure: 'autoscaled_cpu_ms',
  opening: (name) => `while the replicas scale, an answer of ${name}`,
  further: (name) => `one of ${name}`,
  verb: 'takes',
  as: 'as much',
  of: 'CPU',
  than: (name) => `one of ${name}`,
  question: 'the CPU that an answer takes while the replicas scale',
  amount: (value) => `${value} ms of CPU`,
};

const COLD_START: Claim = {
  figure: 'cold_start_ms',
  opening: (name) => `a cold start of ${name}`,
  further: (name) => `one of ${name}`,
  verb: 'takes',
  as: 'as long',
  of: '',
  than: (name) => `one of ${name}`,
  question: 'how long a cold start takes',
  amount: (value) => `${value} ms`,
};

/**
 * The one sentence of a run that a reader would repeat.
 * @param sizes what `sizesInWords` says: the headline of a run that can compare nothing else
 */
export function headlineOf(
  figures: readonly Figure[],
  noise: NoiseFloors,
  targets: Targets,
  sizes: string | undefined,
): string {
  const [baseline, ...others] = targets;
  const candidates = claimsOf(targets).flatMap((claim) => {
    const figure = figures.find(({ key, isMain }) => isMain && key.startsWith(claim.figure));
    return figure ? [{ claim, figure, results: resultsOf(claim, figure, noise[figure.key], targets) }] : [];
  });
  if (others.length === 0) {
    const known = candidates.find(({ figure }) => figure.values[0]);
    if (!known) return `Only ${baseline.name} was measured.`;
    const { claim, figure } = known;
    return `${upperFirst(`${claim.opening(baseline.name)} ${claim.verb} ${amountOf(claim, figure.values[0])}`)}.`;
  }
  const told = candidates.find(({ results }) => results.length > 0);
  if (!told) return sizes ?? `This run can’t say whether ${baseline.name} or ${nameAll(others, 'or')} does better.`;
  const { claim, results } = told;
  const [shown, draws, impressions] = (['shown', 'draw', 'impression'] as const).map((kind) =>
    results.filter((result) => result.kind === kind),
  ) as [Result[], Result[], Result[]];
  const noDifference = `the trials show no difference between ${baseline.name} and ${nameAll(
    draws.map(({ other }) => other),
    'or',
  )}`;
  if (shown.length > 0)
    return `${upperFirst((shown.length > MOST_OTHERS ? summed : chained)(claim, shown))}${draws.length > 0 ? `; ${noDifference}` : ''}.`;
  if (draws.length > 0) return `${upperFirst(noDifference)} in ${claim.question}.`;
  return `First impression: ${(impressions.length > MOST_OTHERS ? summed : chained)(claim, impressions)}.`;
}

/** What a claim says of a target beside the baseline. */
interface Result {
  other: Target;
  /** `impression`: the trials are too few for an interval. */
  kind: 'shown' | 'draw' | 'impression';
  /** The one of both that the sentence begins with, and the other one. */
  subject: Target;
  object: Target;
  /** What the sentence says of it. */
  text: string;
  /** The same behind another sentence about it. */
  again: string;
  /** The baseline's figure ÷ the other's, where it is known; undefined where one of them is a bound. */
  ratio?: number | undefined;
  /** The same behind another sentence that ends with the object; undefined if it can't be left out. */
  amount?: string;
}

/** Targets of which nothing is known beside the baseline are left out. */
function resultsOf(claim: Claim, figure: Figure, floor: number | undefined, [baseline, ...others]: Targets): Result[] {
  const { as, of, than, further, verb } = claim;
  const [value, ...values] = figure.values;
  return others.flatMap((other, index): Result[] => {
    const [comparison, otherValue] = [figure.comparisons[index], values[index]];
    if (!comparison || !value || !otherValue || comparison.pairs === 0) return [];
    const { ratio, pairs } = comparison;
    if (ratio) {
      const winner = winnerOf(figure, comparison, floor);
      const isOpen = ratio.bound !== undefined && (ratio.bound === 'at least') !== ratio.value > 1;
      if (winner === 'unknown' && (isOpen || ratio.interval)) return [];
      const [subject, object] = ratio.value > 1 ? [baseline, other] : [other, baseline];
      const factor = times(Math.max(ratio.value, 1 / ratio.value));
      const amount = `${ratio.bound ? 'at least ' : ''}${WORDS[factor] ?? `${factor} times`} ${as}`;
      return [
        {
          other,
          kind: winner === 'unknown' ? 'impression' : ['neither', 'generator'].includes(winner) ? 'draw' : 'shown',
          subject,
          object,
          amount,
          ratio: ratio.bound ? undefined : ratio.value,
          text: `${[amount, of].filter(Boolean).join(' ')} as ${than(object.name)}`,
          again: `${amount} as ${than(object.name)}`,
        },
      ];
    }
    const kind = pairs > 1 ? 'shown' : 'impression';
    const beside = (subject: Target, amount: string, rest: string): Result[] => [
      {
        other,
        kind,
        subject,
        object: subject === other ? baseline : other,
        text: `${amount}, and ${rest}`,
        again: rest,
      },
    ];
    if (value.bound && otherValue.bound)
      return beside(baseline, 'all that could be sent', `${further(other.name)} ${verb} all that could be sent, too`);
    if (value.value > 0 && otherValue.value > 0) return [];
    const [more, less] = otherValue.value > 0 ? [other, baseline] : [baseline, other];
    return beside(more, amountOf(claim, more === other ? otherValue : value), `${further(less.name)} ${verb} none`);
  });
}

/** Factors that have a word of their own. */
const WORDS: Partial<Record<string, string>> = { '1': 'about', '2': 'twice' };

function amountOf({ amount }: Claim, value: Figure['values'][number]): string {
  return value?.value === 0
    ? 'not even the lowest rate'
    : amount([value?.bound, number(value?.value ?? NaN)].filter(Boolean).join(' '));
}

/** Such as `A answers 2.2 times as many requests as B, and 2.3 times as many as C`. */
function chained({ opening, further, verb }: Claim, results: readonly Result[]): string {
  const sentences = results.map(({ subject, object, amount, text, again }, index) => {
    const before = results[index - 1];
    if (!before) return `${opening(subject.name)} ${verb} ${text}`;
    if (subject === before.subject) return `, and ${again}`;
    if (amount !== undefined && object === before.object) return `, and ${further(subject.name)} ${amount}`;
    return `; ${further(subject.name)} ${verb} ${text}`;
  });
  return sentences.join('');
}

/** Such as `A answers 1.2 to 3.4 times as many requests as B, C and D, and 0.5 times as many as E`. */
function summed(claim: Claim, results: readonly Result[]): string {
  const { opening, verb, as, of, than } = claim;
  const known = results.flatMap(({ other, ratio, subject, object }) =>
    ratio === undefined ? [] : [{ ratio, baseline: subject === other ? object : subject, name: than(other.name) }],
  );
  const groups = [known.filter(({ ratio }) => ratio > 1), known.filter(({ ratio }) => ratio <= 1)];
  const clauses = groups
    .filter((group) => group.length > 0)
    .map((group, index) => {
      const ratios = group.map(({ ratio }) => ratio);
      const range = [...new Set([Math.min(...ratios), Math.max(...ratios)].map(times))].join(' to ');
      const many = `${range} times ${[as, ...(index === 0 ? [of] : [])].filter(Boolean).join(' ')}`;
      return `${many} as ${words(group.map(({ name }) => name))}`;
    });
  const [first] = known;
  const others = results.filter(({ ratio }) => ratio === undefined);
  return [
    ...(first ? [`${opening(first.baseline.name)} ${verb} ${clauses.join(', and ')}`] : []),
    ...(others.length > 0 ? [chained(claim, others)] : []),
  ].join('; ');
}

function nameAll(targets: readonly Target[], and: string): string {
  return words(
    targets.map(({ name }) => name),
    and,
  );
}

/** Splits a difference of latency, such as `0.452 ms of the load generator, 0.022 ms of the servers`; empty where unknown. */
export function partsInWords({ unit }: Figure, { parts }: Comparison): string {
  if (!parts) return '';
  return `${number(parts.generator)} ${unit} of the load generator, ${number(parts.servers)} ${unit} of the servers`;
}

/** What the better target does in a measure, and in both: shown beyond doubt, or not. */
const BETTER = {
  cpu_per_value: ['needs less CPU a value', 'seems to need less CPU a value'],
  median_latency: ['has a lower median latency', 'seems to have a lower median latency'],
  both: ['is a better choice', 'seems a better choice'],
} as const;

/** One sentence that says, once for each pair of targets, which does better with how many values in a request. */
export function sizesInWords(breakEvens: readonly BreakEven[], [baseline]: Targets): string | undefined {
  const told = [...Map.groupBy(breakEvens, ({ other }) => other)].flatMap(([other, measures]) => {
    const decided = measures.flatMap(({ better, ...rest }) => (better ? [{ ...rest, better }] : []));
    return agreed(decided).map(({ better, size, isSure, measured, measure }) => {
      const from = size
        ? `from about ${about(size.value)} values in a request on`
        : `at every size of a request, ${measured.map(number).join(' to ')} values`;
      const loser = better === baseline ? other : baseline;
      return { text: `${from}, ${better.name} ${BETTER[measure][isSure ? 0 : 1]} than`, loser: loser.name };
    });
  });
  const clauses = [...Map.groupBy(told, ({ text }) => text)].map(
    ([text, losers]) => `${text} ${words(losers.map(({ loser }) => loser))}`,
  );
  return clauses.length > 0 ? `${upperFirst(clauses.join('; '))}.` : undefined;
}

type Decided = Pick<BreakEven, 'size' | 'isSure' | 'measured'> & { better: Target; measure: keyof typeof BETTER };

/** Measures that say the same target is better as one, from the size on from which each does. */
function agreed(measures: readonly Decided[]): readonly Decided[] {
  const [first, second] = measures;
  if (!first || first.better !== second?.better) return measures;
  const { size } = (first.size?.value ?? 0) > (second.size?.value ?? 0) ? first : second;
  return [{ ...first, size, measure: 'both', isSure: first.isSure && second.isSure }];
}
