// The first page: who does better, by how much, and what the report can't say.

import { throughputOf } from '../../sweep.ts';
import { nameCell, ratioCell } from '../cells.ts';
import { headlineOf, sizesInWords } from '../conclusions.ts';
import { unlikeAutoscalers, unlikeNodes } from '../conditions.ts';
import { winnerOf, type Winner } from '../decide-winner.ts';
import { left, ofTarget, paragraph, type Block, type Cell, type Table } from '../document.ts';
import type { Figure, NoiseFloors } from '../figures.ts';
import { ABSENT, counted, firstSentence, number, valueWithBound, words } from '../format.ts';
import { isFormer } from '../former.ts';
import { saturatedSteps, sustainedSteps, countingOf, isValid, loadsOf, type Measurements } from '../measurements.ts';
import { sweepPicture } from '../sweep-chart.ts';
import { ratioPicture } from '../ratio-chart.ts';
import { askedBy, labelsOf, type Targets, isFew } from '../targets.ts';
import { appendix } from './appendix.ts';
import { autoscaling } from './autoscaling.ts';
import { batchSize } from './batch-size.ts';
import type { Material, SectionDefinition } from './section.ts';
import { threats } from './threats.ts';

export const conclusion = { title: 'Conclusion', blocks } satisfies SectionDefinition;

async function blocks({
  figures,
  noise,
  breakEvens,
  targets,
  missing,
}: Omit<Material, 'price' | 'choice'>): Promise<Block[]> {
  const chart = (await sweepPicture(targets, { isBrief: true })) ?? (await ratioPicture(figures, noise, targets));
  const sizes = sizesInWords(breakEvens, targets);
  const headline = headlineOf(figures, noise, targets, sizes);
  const tables = figures.some(isOfInterest) ? [table(figures, noise, targets)] : [];
  const pictures = chart ? [chart] : [];
  // The first page has room for one table. Of more targets, the picture tells most.
  const isBrief = isFew(targets);
  const isOneRun = new Set(targets.map(({ measurements }) => measurements)).size === 1;
  return [
    { kind: 'headline', text: headline },
    ...(targets.length === 1 ? [paragraph('There is no other target to compare it with.')] : []),
    ...(sizes && sizes !== headline ? [isBrief ? paragraph(sizes) : SIZES] : []),
    ...notMeasured(missing, targets),
    ...(isOneRun ? thisRun(targets[0].measurements) : []),
    ...invalidLoads(targets),
    ...unfair(targets, isOneRun && !missing.includes(autoscaling)),
    ...onUnlikeNodes(targets),
    ...(isBrief ? [...tables, ...pictures] : [...pictures, ...tables]),
  ];
}

/** In place of sentences that would be many. */
const SIZES: Block = {
  kind: 'paragraph',
  text: 'Which of them does better with how many values in a request',
  see: batchSize.title,
};

/** What a reader must know of this run, in a sentence: of its note, all of which stands among the threats to validity. */
function thisRun({ environment: { note, mode, kubernetes, machine } }: Measurements): Block[] {
  if (note !== undefined)
    return [{ kind: 'paragraph', text: `Note: ${firstSentence(note)} The whole note`, see: threats.title }];
  const nodes = mode === 'local' ? [machine] : (kubernetes?.nodes ?? []);
  const [node] = nodes;
  if (!node || nodes.length > 1) return [];
  return [
    paragraph(
      `The targets and the load generator shared ${counted(node.cpus, 'CPU')}: trust the ratios more than the absolute values.`,
    ),
  ];
}

/** How many loads don't count: one line for the first page, where it must not push the answer down. */
function invalidLoads(targets: Targets): Block[] {
  const loads = targets.flatMap(({ measurements, key }) => loadsOf(measurements).filter((part) => part.target === key));
  const invalid = loads.filter((part) => !isValid(part));
  if (invalid.length === 0) return [];
  const experiments = [...new Set(invalid.map(({ experiment }) => experiment))];
  const verb = invalid.length === 1 ? 'doesn’t' : 'don’t';
  const text = `${invalid.length} of ${counted(loads.length, 'load')} ${verb} count, of ${words(experiments)}`;
  return [{ kind: 'alert', text, see: appendix.title }];
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
  const lacks = missing.flatMap((section) => section.measured ?? []);
  // A run that was measured before `sweep` has other experiments in its place.
  const measured = lacks.filter(({ experiment }) => experiment !== 'sweep' || !isFormer(targets));
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
  const asked = isFew(targets) ? askedBy(targets) : undefined;
  const rows = figures.filter((figure) => figure.isMain && isOfInterest(figure));
  const verdicts = rows.map((figure) =>
    figure.comparisons.map((comparison) => winnerOf(figure, comparison, noise[figure.key])),
  );
  const any = (...winners: Winner[]) => verdicts.flat().some((winner) => winners.includes(winner));
  const hasIntervals = rows.some(({ comparisons }) => comparisons.some(({ ratio }) => ratio?.interval));
  return {
    kind: 'table',
    values: targets.length,
    columns: [
      left('Figure'),
      ...labelsOf(targets).map(ofTarget),
      ...others.map(({ label }, index) =>
        ofTarget(
          `${index === 0 ? `${baseline.label} ` : ''}÷ ${label}${hasIntervals ? ' (95\u00a0%)' : ''}`,
          index + 1,
        ),
      ),
    ],
    rows: [
      ...rows.map((figure, row): Cell[] => [
        nameCell(figure),
        ...targets.map((_, index): Cell => {
          const text = valueWithBound(figure.values[index]);
          return isBest(index, verdicts[row] ?? []) ? { strong: text } : text;
        }),
        ...figure.comparisons.map((comparison) => ratioCell(figure, comparison, noise[figure.key])),
      ]),
      ...heldRates(targets),
    ],
    source: [
      'the files and columns that summary.csv names for each; ↑ more is better, ↓ less is better',
      ...(any('baseline', 'other')
        ? ['Bold: the trials show that it does better than another, and worse than none']
        : []),
      ...(any('generator') ? ['Generator: how much of the difference is the load generator’s own'] : []),
      ...(asked === undefined ? [] : [asked]),
    ].join('. '),
  };
}

/** Whether a figure has a value, or a reason for its lack that is special to it: a sentence tells what was not run. */
function isOfInterest({ values, comparisons }: Figure): boolean {
  return values.some(Boolean) || comparisons.some(({ why }) => why && why.kind !== 'not-run');
}

/**
 * Whether some comparison shows that a target does better than another, and none that it does worse.
 * @param index of the target; the baseline, which is compared with each of the others, has 0
 */
function isBest(index: number, verdicts: readonly Winner[]): boolean {
  return index === 0 ? verdicts.includes('baseline') && !verdicts.includes('other') : verdicts[index - 1] === 'other';
}

/** The highest rate that each target sustained while autoscaled, and what it answered at most when it got more. */
function heldRates(targets: Targets): Cell[][] {
  const results = targets.map((target) => {
    const parts = countingOf(target, 'autoscale');
    const highest = parts.map((part) => sustainedSteps(part).at(-1)?.offered_rate ?? 0);
    const overloads = parts.flatMap((part) => saturatedSteps(part).slice(0, 1));
    if (parts.length === 0) return { held: ABSENT, answered: ABSENT };
    // A rate counts only if the target sustained it in each trial.
    const held = number(Math.min(...highest));
    if (overloads.length === 0) return { held: `≥ ${held}`, answered: ABSENT };
    return { held, answered: number(Math.max(...overloads.map((step) => throughputOf([step])))) };
  });
  const row = (name: string, values: readonly string[]): Cell[][] =>
    values.every((value) => value === ABSENT) ? [] : [[name, ...values, ...values.slice(1).map(() => '')]];
  return [
    ...row(
      'Held with the autoscaler, requests/s\u00a0↑',
      results.map(({ held }) => held),
    ),
    ...row(
      'Answered at most when offered more, requests/s\u00a0↑',
      results.map(({ answered }) => answered),
    ),
  ];
}
