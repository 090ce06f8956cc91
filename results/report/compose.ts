// What the two documents consist of: the report of one run, and the comparison of two.

import { ResultsError } from '../read.ts';
import { breakEvensOf, type BreakEven } from './break-even.ts';
import { figuresOf } from './definitions.ts';
import { tablesOf, type Block, type Document, type Section } from './document.ts';
import type { Figure, NoiseFloors } from './figures.ts';
import { upperFirst } from './format.ts';
import type { Measurements } from './measurements.ts';
import { appendix } from './sections/appendix.ts';
import { conclusion } from './sections/conclusion.ts';
import { environment, environmentTable } from './sections/environment.ts';
import { SECTIONS } from './sections/index.ts';
import type { Price, SectionDefinition } from './sections/section.ts';
import { noiseOf } from './sweep-figures.ts';
import { measuredTargets, targetsOf, type Choice, type Target, type Targets } from './targets.ts';

export interface Report {
  document: Document;
  figures: Figure[];
  noise: NoiseFloors;
  breakEvens: BreakEven[];
  targets: Targets;
}

/** The report of one run: the baseline against all others. */
export async function composeReport(run: Measurements, price: Price, choice: Choice = {}): Promise<Report> {
  const targets = targetsOf(run, choice);
  const figures = figuresOf(targets, price);
  const noise = noiseOf(targets, price);
  const breakEvens = breakEvensOf(targets);
  const sections: Section[] = [];
  const missing: SectionDefinition[] = [];
  // The first page names the sections that are missing, so it is written last.
  for (const section of SECTIONS.toReversed()) {
    const blocks = await section.blocks({ targets, figures, noise, breakEvens, price, choice, missing });
    const fitting = blocks?.flatMap((block): Block[] => (block.kind === 'table' ? tablesOf(block) : [block]));
    if (fitting) sections.unshift({ title: section.title, blocks: fitting });
    else missing.unshift(section);
  }
  const { started, ended, version, comparison } = run.environment;
  const all = measuredTargets(run).length;
  const share = targets.length < all ? `: ${String(targets.length)} of its ${String(all)} targets` : '';
  return {
    document: {
      title: comparison.title,
      subtitle: `Run ${run.name}, measured from ${time(started)} to ${time(ended)} UTC with version ${version}${share}`,
      warnings: warningsOf([run]),
      sections,
    },
    figures,
    noise,
    breakEvens,
    targets,
  };
}

/**
 * Two runs side by side, each target against itself.
 * @throws ResultsError if the runs have no target in common
 */
export async function composeSideBySide(one: Measurements, other: Measurements): Promise<Document> {
  const [first, second] = one.name === other.name ? ['A', 'B'] : [one.name, other.name];
  const inRun = (target: Target, label: string): Target => ({ ...target, label, name: `${target.name} in ${label}` });
  const [targets, others] = [targetsOf(one), targetsOf(other)];
  const pairs = targets.flatMap((target) => {
    const same = others.find(({ key }) => key === target.key);
    return same
      ? [{ title: upperFirst(target.name), targets: [inRun(target, first), inRun(same, second)] as const }]
      : [];
  });
  if (pairs.length === 0) throw new ResultsError(`${one.folder} and ${other.folder} have no target in common.`);
  const conclusions = await Promise.all(
    pairs.map(async ({ title, targets }) => {
      const [figures, noise] = [figuresOf(targets), noiseOf(targets)];
      return { title, blocks: await conclusion.blocks({ targets, figures, noise, breakEvens: [], missing: [] }) };
    }),
  );
  return {
    title: `The runs ${first} and ${second}`,
    subtitle: 'Each target against itself; ratios are of the first run to the second one',
    warnings: warningsOf([one, other]),
    sections: [
      ...conclusions,
      { title: environment.title, blocks: [environmentTable([one, other], [first, second])] },
      { title: appendix.title, blocks: appendix.blocks({ targets: pairs.flatMap(({ targets }) => targets) }) },
    ],
  };
}

function warningsOf(runs: readonly Measurements[]): string[] {
  const isAnyRun = (holds: (run: Measurements) => boolean | undefined) => runs.some((run) => holds(run));
  return [
    ...(isAnyRun(({ environment }) => environment.synthetic)
      ? ['SYNTHETIC DATA: made up to test the report, measured nowhere']
      : []),
    ...(isAnyRun(({ environment }) => environment.quick) ? ['QUICK RUN: a first impression, not a result'] : []),
    ...(isAnyRun(({ environment }) => environment.interrupted)
      ? ['NOT COMPLETE: the run ended before all was measured']
      : []),
  ];
}

function time(timestamp: string): string {
  return timestamp.slice(0, 16).replace('T', ' ');
}
