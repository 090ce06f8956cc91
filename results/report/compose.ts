// What the two documents consist of: the report of one run, and the comparison of two.

import { ResultsError } from '../read.ts';
import { breakEvensOf, type BreakEven } from './break-even.ts';
import type { Document, Section } from './document.ts';
import { figuresOf, noiseOf, type Figure, type NoiseFloors } from './figures.ts';
import { upperFirst } from './format.ts';
import type { Measurements } from './measurements.ts';
import { appendix } from './sections/appendix.ts';
import { conclusion } from './sections/conclusion.ts';
import { environment, environmentTable } from './sections/environment.ts';
import { SECTIONS } from './sections/index.ts';
import type { Price, SectionDefinition } from './sections/section.ts';
import { sidesOf, type Side, type Sides } from './targets.ts';

export interface Report {
  document: Document;
  figures: Figure[];
  noise: NoiseFloors;
  breakEvens: BreakEven[];
  sides: Sides;
}

/** The report of one run: the function against all others. */
export async function composeReport(measurements: Measurements, price: Price): Promise<Report> {
  const sides = sidesOf(measurements);
  const figures = figuresOf(sides);
  const noise = noiseOf(sides[0]);
  const breakEvens = breakEvensOf(sides);
  const sections: Section[] = [];
  const missing: SectionDefinition[] = [];
  // The first page names the sections that are missing, so it is written last.
  for (const section of SECTIONS.toReversed()) {
    const blocks = await section.blocks({ sides, figures, noise, breakEvens, price, missing });
    if (blocks) sections.unshift({ title: section.title, blocks });
    else missing.unshift(section);
  }
  const { name } = measurements;
  const run = measurements.environment;
  return {
    document: {
      title: 'Fahrenheit to Celsius: a function or TensorFlow Serving?',
      subtitle: `Run ${name}, measured from ${time(run.started)} to ${time(run.ended)} UTC with version ${run.version}`,
      warnings: warningsOf([measurements]),
      sections,
    },
    figures,
    noise,
    breakEvens,
    sides,
  };
}

/**
 * Two runs side by side, each target against itself.
 * @throws ResultsError if the runs have no target in common
 */
export async function composeComparison(one: Measurements, other: Measurements): Promise<Document> {
  const [first, second] = one.name === other.name ? ['A', 'B'] : [one.name, other.name];
  const inRun = (side: Side, label: string): Side => ({ ...side, label, name: `${side.name} in ${label}` });
  const pairs = sidesOf(one).flatMap((side) => {
    const same = sidesOf(other).find(({ target }) => target === side.target);
    return same ? [{ title: upperFirst(side.name), sides: [inRun(side, first), inRun(same, second)] as const }] : [];
  });
  if (pairs.length === 0) throw new ResultsError(`${one.folder} and ${other.folder} have no target in common.`);
  const conclusions = await Promise.all(
    pairs.map(async ({ title, sides }) => {
      const [figures, noise] = [figuresOf(sides), noiseOf(sides[0])];
      return { title, blocks: await conclusion.blocks({ sides, figures, noise, breakEvens: [], missing: [] }) };
    }),
  );
  return {
    title: `Fahrenheit to Celsius: the runs ${first} and ${second}`,
    subtitle: 'Each target against itself; ratios are of the first run to the second one',
    warnings: warningsOf([one, other]),
    sections: [
      ...conclusions,
      { title: environment.title, blocks: [environmentTable([one, other], [first, second])] },
      { title: appendix.title, blocks: appendix.blocks({ sides: pairs.flatMap(({ sides }) => sides) }) },
    ],
  };
}

function warningsOf(runs: readonly Measurements[]): string[] {
  const some = (holds: (run: Measurements) => boolean | undefined) => runs.some((run) => holds(run));
  return [
    ...(some(({ environment }) => environment.synthetic)
      ? ['SYNTHETIC DATA: made up to test the report, measured nowhere']
      : []),
    ...(some(({ environment }) => environment.quick) ? ['QUICK RUN: a first impression, not a result'] : []),
    ...(some(({ environment }) => environment.interrupted)
      ? ['NOT COMPLETE: the run ended before all was measured']
      : []),
  ];
}

function time(timestamp: string): string {
  return timestamp.slice(0, 16).replace('T', ' ');
}
