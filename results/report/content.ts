// What the report says, and in which order. Sections whose experiment was not run are left out, and the first page says so.

import { left, right, type Block, type Cell, type Document, type Section, type Table } from './document.ts';
import { advantage, type Sides } from './charts.ts';
import { figuresOf, noiseOf, type Figure } from './figures.ts';
import { ABSENT, firstSentence, number, ratioWithInterval, words } from './format.ts';
import type { Measurements, Side } from './measurements.ts';
import { accuracy, appendix, environment, invalidLoads, method, repetition, threats, THREATS } from './context.ts';
import { autoscaling, batchSizes, coldStart, cost, latency, saturation, type Price } from './sections.ts';
import { heldBy, verdictOf, winnerOf } from './verdict.ts';

export interface Report {
  document: Document;
  figures: Figure[];
  noise: Figure[];
  sides: Sides;
}

/** The report of one run: the function against TensorFlow Serving. */
export async function reportOf(measurements: Measurements, price: Price): Promise<Report> {
  const sides: Sides = [
    { measurements, target: 'function', label: 'Function', name: 'the function' },
    { measurements, target: 'tfserving', label: 'TensorFlow Serving', name: 'TensorFlow Serving' },
  ];
  const figures = figuresOf(...sides);
  const noise = noiseOf(sides[0]);
  const optional: [experiment: string, title: string, section: Promise<Section | undefined>][] = [
    ['latency', 'latency', latency(sides, noise)],
    ['capacity', 'throughput of one replica', saturation(sides)],
    ['autoscale', 'autoscaling', autoscaling(sides)],
    ['latency', 'cost', Promise.resolve(cost(figures, sides, price))],
    ['batch', 'batch size', batchSizes(sides)],
    ['coldstart', 'cold start', coldStart(sides)],
  ];
  const sections = await Promise.all(optional.map(([, , section]) => section));
  const absent = optional.filter((_, index) => !sections[index]);
  const { name } = measurements;
  const run = measurements.environment;
  return {
    document: {
      title: 'Fahrenheit to Celsius: a function or TensorFlow Serving?',
      subtitle: `Run ${name}, measured from ${time(run.started)} to ${time(run.ended)} UTC with version ${run.version}`,
      warnings: warningsOf([measurements]),
      sections: [
        { title: 'Verdict', blocks: await verdictBlocks(figures, noise, sides, absent) },
        method(sides),
        environment([measurements]),
        ...sections.filter((section) => section !== undefined),
        accuracy(),
        threats(measurements),
        repetition(measurements, price),
        appendix(sides),
      ],
    },
    figures,
    noise,
    sides,
  };
}

/** Two runs side by side, each target against itself. */
export async function comparisonOf(one: Measurements, other: Measurements): Promise<Document> {
  const [first, second] = one.name === other.name ? ['A', 'B'] : [one.name, other.name];
  const side = (measurements: Measurements, target: Side['target'], label: string): Side => {
    const noun = target === 'function' ? 'the function' : 'TensorFlow Serving';
    return { measurements, target, label, name: `${noun} in ${label}` };
  };
  const both = (['function', 'tfserving'] as const).map((target): Sides => [
    side(one, target, first),
    side(other, target, second),
  ]);
  const sections = await Promise.all(
    both.map(async (sides, index) => ({
      title: index === 0 ? 'The function' : 'TensorFlow Serving',
      blocks: await verdictBlocks(figuresOf(...sides), noiseOf(sides[0]), sides, []),
    })),
  );
  return {
    title: `Fahrenheit to Celsius: the runs ${first} and ${second}`,
    subtitle: 'Each target against itself; ratios are of the first run to the second one',
    warnings: warningsOf([one, other]),
    sections: [...sections, environment([one, other], [first, second]), appendix(both.flat())],
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

async function verdictBlocks(
  figures: readonly Figure[],
  noise: readonly Figure[],
  sides: Sides,
  absent: readonly (readonly [experiment: string, title: string, section: unknown])[],
): Promise<Block[]> {
  const { headline, sentences } = verdictOf(figures, noise, sides);
  const chart = await advantage(figures, sides);
  const runs = [...new Set(sides.map(({ measurements }) => measurements))];
  const experiments = words([...new Set(absent.map(([experiment]) => experiment))], 'or');
  const blocks: (Block | undefined)[] = [
    { kind: 'headline', text: headline },
    { kind: 'paragraph', text: [...sentences, ...(runs.length === 1 ? heldBy(sides) : [])].join(' ') },
    ...(runs.length === 1 ? runs.flatMap(note) : []),
    ...invalidLoads(sides),
    absent.length > 0
      ? {
          kind: 'paragraph',
          text:
            `This report says nothing about ${words(absent.map(([, title]) => title))}: no trial of ${experiments} counts ` +
            'for both targets.',
        }
      : undefined,
    table(figures, noise, sides),
    chart,
  ];
  return blocks.filter((block) => block !== undefined);
}

/** One sentence of the run's note, where it has one; all of it stands among the threats to validity. */
function note({ environment }: Measurements): Block[] {
  if (environment.note === undefined) return [];
  return [{ kind: 'paragraph', text: `Note: ${firstSentence(environment.note)} The whole note`, see: THREATS }];
}

function table(figures: readonly Figure[], noise: readonly Figure[], [one, other]: Sides): Table {
  const better = (figure: Figure): Cell =>
    ({ one: one.label, other: other.label, neither: 'no difference shown', unknown: ABSENT })[winnerOf(figure, noise)];
  return {
    kind: 'table',
    columns: [left('Figure'), right(one.label), right(other.label), right('Ratio (95 % interval)'), left('Better')],
    rows: figures.map((figure) => [
      [figure.name, figure.unit].filter(Boolean).join(', '),
      ...figure.values.map((estimate) => number(estimate?.value ?? NaN)),
      ratioWithInterval(figure.ratio),
      figure.why === undefined ? better(figure) : alertIfInvalid(figure.why),
    ]),
    source:
      'the files and columns that summary.csv names for each; latencies are at the same rate for both, memory and images ' +
      'were measured once',
  };
}

function alertIfInvalid(why: string): Cell {
  return why.startsWith('INVALID') ? { alert: 'INVALID' } : 'not measured';
}

function time(timestamp: string): string {
  return timestamp.slice(0, 16).replace('T', ' ');
}
