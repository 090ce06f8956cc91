// The first page: who does better, by how much, and what the report can't say.

import { mean, sum } from 'simple-statistics';
import { left, paragraph, right, type Block, type Cell, type Picture, type Table } from '../document.ts';
import type { Figure } from '../figures.ts';
import {
  ABSENT,
  counted,
  firstSentence,
  interval,
  lowerFirst,
  number,
  ratio,
  ratioWithInterval,
  upperFirst,
  words,
} from '../format.ts';
import {
  byHold,
  isValid,
  loadsOf,
  partsOf,
  throughputOf,
  type Measurements,
  type Part,
  type Side,
} from '../measurements.ts';
import type { Sides } from '../sides.ts';
import type { Pair } from '../statistics.ts';
import { draw, LOG, numbers, wide } from '../vega.ts';
import { winnerOf, type Winner } from '../winner.ts';
import { appendix } from './appendix.ts';
import type { Material, SectionDefinition } from './definition.ts';
import { threats } from './threats.ts';

export const verdict = { title: 'Verdict', blocks: firstPage } satisfies SectionDefinition;

async function firstPage({ figures, noise, sides, missing }: Omit<Material, 'price'>): Promise<Block[]> {
  const { headline, sentences } = verdictOf(figures, noise, sides);
  const chart = await advantage(figures, sides);
  const runs = [...new Set(sides.map(({ measurements }) => measurements))];
  return [
    { kind: 'headline', text: headline },
    paragraph([...sentences, ...(runs.length === 1 ? heldBy(sides) : [])].join(' ')),
    ...(runs.length === 1 ? runs.flatMap(note) : []),
    ...invalidLoads(sides),
    ...notMeasured(missing),
    table(figures, noise, sides),
    ...(chart ? [chart] : []),
  ];
}

/** One sentence of the run's note, where it has one; all of it stands among the threats to validity. */
function note({ environment }: Measurements): Block[] {
  if (environment.note === undefined) return [];
  return [{ kind: 'paragraph', text: `Note: ${firstSentence(environment.note)} The whole note`, see: threats.title }];
}

/** How many loads don't count: one line for the first page, where it must not push the answer down. */
function invalidLoads(sides: Sides): Block[] {
  const loads = sides.flatMap(({ measurements, target }) =>
    loadsOf(measurements).filter((part) => part.target === target),
  );
  const invalid = loads.filter((part) => !isValid(part));
  if (invalid.length === 0) return [];
  const verb = invalid.length === 1 ? 'doesn’t' : 'don’t';
  return [
    { kind: 'alert', text: `${invalid.length} of ${counted(loads.length, 'load')} ${verb} count`, see: appendix.title },
  ];
}

function notMeasured(missing: readonly SectionDefinition[]): Block[] {
  const measured = missing.flatMap((section) => section.measured ?? []);
  if (measured.length === 0) return [];
  const experiments = new Set(measured.map(({ experiment }) => experiment));
  return [
    paragraph(
      `This report says nothing about ${words(measured.map(({ what }) => what))}: no trial of ` +
        `${words([...experiments], 'or')} counts for both targets.`,
    ),
  ];
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
      'the files and columns that summary.csv names for each; latencies are at the same rate for both, memory and ' +
      'images were measured once',
  };
}

function alertIfInvalid(why: string): Cell {
  return why.startsWith('INVALID') ? { alert: 'INVALID' } : 'not measured';
}

/** The figures that the verdict is about: those that are measured often enough to have an interval. */
const DECISIVE = ['throughput_per_cpu', 'p50_ms', 'p99_ms', 'cpu_per_request_us', 'cold_start_ms'];

interface Verdict {
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
    sentences: [...won(ones, one, other), ...won(others, other, one), ...undecided(neither), ...doubts(unknown)],
  };
}

/** What each side kept up with while its autoscaler was on, and what that took: one sentence, if it was tried. */
function heldBy(sides: Pair<Side>): string[] {
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
    const cores = () => number(Math.round(100 * mean(taken.map((its) => its.cores))) / 100);
    const what = taken.length > 0 ? ` (${counted(replicas, 'replica')}, ${cores()} cores)` : '';
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

function undecided(figures: readonly Figure[]): string[] {
  if (figures.length === 0) return [];
  const named = figures.map((figure) => `${nameOf(figure)} (${ratioText(figure)})`);
  return [`The trials show no difference in ${words(named)}.`];
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

/** A ratio of the first page, turned so that more is better for the first side. */
interface Advantage {
  name: string;
  /** The value as text, such as `2.03×`. */
  label: string;
  value: number;
  low: number;
  high: number;
}

export function advantagesOf(figures: readonly Figure[]): Advantage[] {
  return figures.flatMap(({ name, better, ratio: its }) => {
    if (!its) return [];
    const turn = (value: number) => (better === 'more' ? value : 1 / value);
    const ends = [its.interval?.low ?? its.value, its.interval?.high ?? its.value].map(turn);
    const value = turn(its.value);
    return { name, label: `${ratio(value)}×`, value, low: Math.min(...ends), high: Math.max(...ends) };
  });
}

/** A line of the chart for each ratio: right of the line at 1 the first side is better, left of it the second one. */
export function advantageChart(rows: readonly Advantage[], [one, other]: Sides) {
  // A third more than the longest bar, for the number behind it.
  const most = Math.max(1.2, ...rows.flatMap(({ low, high }) => [high, 1 / low])) * 1.35;
  const x = {
    title: `← ${other.label} is better … times better … ${one.label} is better →`,
    scale: { ...LOG, domain: [1 / most, most] },
    axis: { tickCount: 7, format: '~g' },
  };
  const y = {
    field: 'name',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelLimit: 300, grid: true },
  };
  const height = 26 * rows.length + 40;
  const chart = wide({
    layer: [
      { mark: { type: 'rule', color: '#222' }, encoding: { x: { datum: 1, type: 'quantitative' } } },
      {
        mark: { type: 'rule', strokeWidth: 3, color: '#555' },
        encoding: { y, x: numbers('low', x.title, x), x2: { field: 'high' } },
      },
      {
        mark: { type: 'point', shape: 'diamond', size: 80, color: '#111' },
        encoding: { y, x: numbers('value', x.title, x) },
      },
      {
        mark: { type: 'text', align: 'left', dx: 8, color: '#222' },
        encoding: { y, x: numbers('high', x.title, x), text: { field: 'label' } },
      },
    ],
  });
  return { ...chart, height };
}

/** Describes the chart of the ratios for readers who can't see it. */
export function advantagesInWords(rows: readonly Advantage[], [one, other]: Sides): string {
  const values = rows.map(({ name, value }) => `${name} ${ratio(value)}`).join('; ');
  return `How many times better ${one.name} is than ${other.name}: ${values}.`;
}

/** The ratios of the first page. */
async function advantage(figures: readonly Figure[], sides: Sides): Promise<Picture | undefined> {
  const [one, other] = sides;
  const rows = advantagesOf(figures);
  if (rows.length === 0) return undefined;
  return {
    kind: 'picture',
    svg: await draw(rows, advantageChart(rows, sides)),
    caption:
      `How many times better ${one.name} is than ${other.name}, with 95 % intervals where there are enough trials. ` +
      'An interval that crosses the line at 1 shows no difference.',
    alt: advantagesInWords(rows, sides),
    values: {
      kind: 'table',
      columns: [left('Figure'), right('times better'), right('at least'), right('at most')],
      rows: rows.map(({ name, value, low, high }) => [name, ratio(value), ratio(low), ratio(high)]),
      source: 'the ratios in the table above, or 1 by them where less is better',
    },
  };
}
