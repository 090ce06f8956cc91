// The first page: who does better, by how much, and what the report can't say.

import { mean } from 'simple-statistics';
import type { BreakEven } from '../break-even.ts';
import { conclusionsOf } from '../conclusions.ts';
import { unlikeAutoscalers, unlikeNodes } from '../conditions.ts';
import { winnerOf } from '../decide-winner.ts';
import { left, paragraph, right, type Block, type Cell, type Table } from '../document.ts';
import type { Comparison, Figure, NoiseFloors } from '../figures.ts';
import { ABSENT, counted, firstSentence, number, ratioWithInterval, words } from '../format.ts';
import {
  saturatedSteps,
  sustainedSteps,
  countingOf,
  isValid,
  loadsOf,
  throughputOf,
  type Measurements,
  type Part,
} from '../measurements.ts';
import { ratioPicture } from '../ratio-chart.ts';
import { askedBy, type Targets } from '../targets.ts';
import { appendix } from './appendix.ts';
import { autoscaling } from './autoscaling.ts';
import type { Material, SectionDefinition } from './section.ts';
import { threats } from './threats.ts';

export const conclusion = { title: 'Conclusion', blocks } satisfies SectionDefinition;

async function blocks({ figures, noise, breakEvens, targets, missing }: Omit<Material, 'price'>): Promise<Block[]> {
  const chart = await ratioPicture(figures, noise, targets);
  const conclusions = conclusionsOf(figures, noise, targets);
  const isOneRun = new Set(targets.map(({ measurements }) => measurements)).size === 1;
  return [
    ...(conclusions.length === 0
      ? [
          {
            kind: 'headline' as const,
            text: `Only ${targets[0].name} was measured: there is no other to compare it with.`,
          },
        ]
      : []),
    ...conclusions.flatMap(({ headline, sentences }): Block[] => [
      { kind: 'headline', text: headline },
      paragraph(sentences.join(' ')),
    ]),
    ...(isOneRun ? [...whenAndHowMuch(breakEvens, targets), ...note(targets[0].measurements)] : []),
    ...invalidLoads(targets),
    ...unfair(targets, isOneRun && !missing.includes(autoscaling)),
    ...onUnlikeNodes(targets),
    ...notMeasured(missing, targets),
    table(figures, noise, targets),
    ...(chart ? [chart] : []),
  ];
}

/** The batch sizes at which the better target changes, and the highest rate that each target sustained. */
function whenAndHowMuch(breakEvens: readonly BreakEven[], targets: Targets): Block[] {
  // With several others, only the section on autoscaling has the sustained rates.
  const sustained = targets.length > 2 ? [] : sustainedRates(targets);
  const sentences = [...breakEvens.map(({ sentence }) => sentence), ...sustained];
  return sentences.length > 0 ? [paragraph(sentences.join(' '))] : [];
}

/** One sentence of the run's note, where it has one; all of it stands among the threats to validity. */
function note({ environment }: Measurements): Block[] {
  if (environment.note === undefined) return [];
  return [{ kind: 'paragraph', text: `Note: ${firstSentence(environment.note)} The whole note`, see: threats.title }];
}

/** How many loads don't count: one line for the first page, where it must not push the answer down. */
function invalidLoads(targets: Targets): Block[] {
  const loads = targets.flatMap(({ measurements, key }) => loadsOf(measurements).filter((part) => part.target === key));
  const invalid = loads.filter((part) => !isValid(part));
  if (invalid.length === 0) return [];
  const verb = invalid.length === 1 ? 'doesn’t' : 'don’t';
  return [
    { kind: 'alert', text: `${invalid.length} of ${counted(loads.length, 'load')} ${verb} count`, see: appendix.title },
  ];
}

/** @param hasSection whether the section on autoscaling says how the autoscalers differ */
function unfair(targets: Targets, hasSection: boolean): Block[] {
  const sentence = unlikeAutoscalers(targets);
  if (sentence === undefined) return [];
  if (!hasSection) return [{ kind: 'alert', text: sentence }];
  const text = 'The autoscalers are not alike, so the figures of autoscaling are no fair comparison';
  return [{ kind: 'alert', text, see: autoscaling.title }];
}

function onUnlikeNodes(targets: Targets): Block[] {
  const text = unlikeNodes(targets);
  return text === undefined ? [] : [{ kind: 'alert', text }];
}

function notMeasured(missing: readonly SectionDefinition[], targets: Targets): Block[] {
  const measured = missing.flatMap((section) => section.measured ?? []);
  if (measured.length === 0) return [];
  const experiments = new Set(measured.map(({ experiment }) => experiment));
  const compared =
    targets.length > 2 ? `${targets[0].name} and another target` : targets.length > 1 ? 'both targets' : 'it';
  return [
    paragraph(
      `This report says nothing about ${words(measured.map(({ what }) => what))}: no trial of ` +
        `${words([...experiments], 'or')} counts for ${compared}.`,
    ),
  ];
}

function table(figures: readonly Figure[], noise: NoiseFloors, targets: Targets): Table {
  const [baseline, ...others] = targets;
  // Who is better in several comparisons stands in the sentences above, and the chart below shows it.
  const isAlone = others.length === 1;
  const asked = askedBy(targets);
  const isAnyOfGenerator = figures.some((figure) =>
    figure.comparisons.some((comparison) => winnerOf(figure, comparison, noise[figure.key]) === 'generator'),
  );
  const value = (figure: Figure, index: number) => number(figure.values[index]?.value ?? NaN);
  return {
    kind: 'table',
    columns: [
      left('Figure'),
      right(baseline.label),
      ...others.flatMap(({ label }) => [right(label), right('Ratio (95 % interval)')]),
      ...(isAlone ? [left('Better')] : []),
    ],
    rows: figures.map((figure) => {
      const results = figure.comparisons.map((comparison) => resultOf(figure, comparison, noise[figure.key]));
      return [
        `${[figure.name, figure.unit].filter(Boolean).join(', ')} ${figure.better === 'more' ? '↑' : '↓'}`,
        value(figure, 0),
        ...figure.comparisons.flatMap(({ ratio }, index): Cell[] => [
          value(figure, index + 1),
          isAlone ? ratioWithInterval(ratio) : (results[index] ?? ratioWithInterval(ratio)),
        ]),
        ...(isAlone ? [results[0] ?? better(figure, noise[figure.key], targets)] : []),
      ];
    }),
    source: [
      'the files and columns that summary.csv names for each; latencies are at the same rate for all, memory and ' +
        'images were measured once',
      `Ratio: ${baseline.name} ÷ the other; ↑ more is better, ↓ less is better`,
      ...(isAnyOfGenerator ? ['Generator: how much of the difference is the load generator’s own'] : []),
      ...(asked === undefined ? [] : [asked]),
    ].join('. '),
  };
}

/** The text in place of a ratio that is missing, or that the load generator causes; undefined if the ratio stands. */
function resultOf(figure: Figure, comparison: Comparison, floor: number | undefined): Cell | undefined {
  const { why, shared, parts } = comparison;
  if (parts && winnerOf(figure, comparison, floor) === 'generator') {
    return `generator ${number(parts.generator)} of ${number(parts.generator + parts.servers)}`;
  }
  if (shared) return `see ${shared.label}`;
  if (why?.kind === 'invalid') return { alert: 'INVALID' };
  return why && 'no result';
}

/** Who is better in a figure, of two. */
function better(figure: Figure, floor: number | undefined, [baseline, other]: Targets): string {
  const [comparison] = figure.comparisons;
  const names = {
    baseline: baseline.label,
    other: other?.label ?? '',
    neither: 'no difference',
    generator: ABSENT,
    unknown: ABSENT,
  };
  return comparison ? names[winnerOf(figure, comparison, floor)] : ABSENT;
}

/** One sentence with the rate that each target sustained while autoscaled, and what it used; empty if not measured. */
function sustainedRates(targets: Targets): string[] {
  const texts = targets.flatMap((target) => {
    const parts = countingOf(target, 'autoscale');
    if (parts.length === 0) return [];
    const highest = parts.map((part) => sustainedSteps(part).at(-1));
    // A rate counts only if the target sustained it in each trial.
    const rate = Math.min(...highest.map((step) => step?.offered_rate ?? 0));
    const overloads = parts.flatMap((part) => saturatedSteps(part).slice(0, 1));
    const peak =
      overloads.length > 0 ? `, and answered at most ${number(Math.max(...overloads.map(throughputOf)))}` : '';
    if (rate === 0) return [`${target.name} held none of the rates${peak}`];
    const usage = parts.flatMap((part) => usedAt(part, rate));
    const replicas = Math.max(...usage.map((used) => used.replicas));
    const cores = () => number(Math.round(100 * mean(usage.map(({ cores }) => cores))) / 100);
    const what = usage.length > 0 ? ` (${counted(replicas, 'replica')}, ${cores()} cores)` : '';
    return [`${target.name} held ${number(rate)} requests/s${what}${peak}`];
  });
  return texts.length > 0 ? [`With the autoscaler, ${words(texts)}.`] : [];
}

/** A target's highest number of replicas, and its mean CPU, in the step with this rate. */
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
