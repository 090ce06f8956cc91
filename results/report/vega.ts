// Charts by Vega-Lite: one look for all, drawn to SVG without a browser.

import { max, sum } from 'simple-statistics';
import { parse, resetSVGDefIds, textMetrics, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { FONTS, TARGET_COLOURS } from './theme.ts';

/** The width of the text on a page in CSS pixels, so that a font has the same size in charts and in text. */
export const WIDTH = 640;

declare module 'vega' {
  /** How Vega measures text, which its types leave out. */
  const textMetrics: { width: (item: { fontSize?: number; limit?: number }, text: unknown) => number };
}

const WIDE = /[\u1100-\u11ff\u2e80-\uffef]|\p{Emoji_Presentation}/u;

// Without a canvas, Vega takes every letter to be 0.8 of its height wide, and gives long labels half of the chart.
// On average, those of Inter and its like are at most 0.65 wide. Chinese, Japanese and Korean ones are as wide as high.
textMetrics.width = ({ fontSize = 11, limit = Infinity }, text) => {
  let ems = 0;
  for (const letter of typeof text === 'string' ? text : '') ems += WIDE.test(letter) ? 1 : 0.65;
  return Math.min(limit || Infinity, ems * fontSize);
};

/** What Vega-Lite calls a specification, without its data. */
export type ChartSpec = Record<string, unknown>;

/** A chart as wide as the page, whatever its labels take. */
export function wide(chart: ChartSpec): ChartSpec {
  return { width: WIDTH, autosize: { type: 'fit', contains: 'padding' }, ...chart };
}

/** A field of numbers, as an encoding. */
export function numbers(field: string, title: string | null, more: object = {}): object {
  return { field, type: 'quantitative', title, ...more };
}

/** A logarithmic scale that ends where the values do. */
export const LOG = { type: 'log', nice: false };

/** How the targets look beside their colours, in their order. */
const DASHES = [
  [1, 0],
  [5, 3],
  [1.5, 2.5],
  [9, 3, 2, 3],
];
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down'];

/** The dashes that a target's line has beside its colour. @param index of the target */
export function dashesOf(index: number): readonly number[] {
  return DASHES[index % DASHES.length] ?? [];
}

/** Tells targets apart by colour, and without any by dashes. */
export function byLine(targets: readonly string[]): object {
  return { color: byTarget(targets, TARGET_COLOURS, LINE_LEGEND), strokeDash: byTarget(targets, DASHES, LINE_LEGEND) };
}

/** Tells targets apart by colour, and without any by shapes. */
export function byPoint(targets: readonly string[], legend: object = LINE_LEGEND): object {
  return { color: byTarget(targets, TARGET_COLOURS, legend), shape: byTarget(targets, SHAPES, legend) };
}

/** Tells targets apart where another mark has dashes or shapes. */
export function byColour(targets: readonly string[], legend: object = LINE_LEGEND): object {
  return { color: byTarget(targets, TARGET_COLOURS, legend) };
}

/** A row names the label of its target. Screen readers are told the title; axes and legends have none. */
export const TARGET = { field: 'target', type: 'nominal', title: 'side' };

const LINE_LEGEND = { symbolType: 'stroke', symbolOpacity: 1, symbolSize: 130 };

function byTarget(targets: readonly string[], looks: readonly unknown[], legend: object): object {
  const range = targets.map((_, index) => looks[index % looks.length]);
  return { ...TARGET, scale: { domain: targets, range }, legend: { title: null, ...columnsOf(targets), ...legend } };
}

/** As many columns of a legend as there is room for, where not all labels fit into a line; a symbol takes 45 pixels. */
function columnsOf(labels: readonly string[]): object {
  const widths = labels.map((text) => 45 + textMetrics.width({ limit: LONGEST_LABEL }, text));
  return { labelLimit: LONGEST_LABEL, ...(sum(widths) > WIDTH && { columns: Math.floor(WIDTH / max(widths)) }) };
}

/** Pixels of a label that is not cut. */
const LONGEST_LABEL = 270;

/** The same encoding, in a chart whose legend stands elsewhere. */
export function withoutLegend(encoding: object): object {
  return Object.fromEntries(
    Object.entries(encoding).map(([name, channel]) => [name, { ...(channel as object), legend: null }]),
  );
}

/** @returns SVG, the same of the same chart */
export async function draw(values: readonly object[], chart: ChartSpec): Promise<string> {
  const specification = { data: { values: [...values] }, ...chart, config: CONFIG } as unknown as TopLevelSpec;
  // Vega numbers the definitions in its SVGs on and on.
  resetSVGDefIds();
  const view = new View(parse(compile(specification).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

const GREY = '#555';
const TEXT = {
  labelFont: FONTS,
  titleFont: FONTS,
  labelFontSize: 11,
  titleFontSize: 11,
  titleFontWeight: 'normal',
};
const CONFIG = {
  font: FONTS,
  background: 'white',
  padding: 2,
  axis: { ...TEXT, labelColor: GREY, titleColor: GREY, gridColor: '#e4e4e4', domainColor: '#999', tickColor: '#999' },
  legend: {
    ...TEXT,
    orient: 'top',
    direction: 'horizontal',
    symbolStrokeWidth: 2,
    columnPadding: 16,
    titleLimit: 2000,
  },
  line: { strokeWidth: 2 },
  point: { filled: true, size: 45, opacity: 1 },
  text: { font: FONTS, fontSize: 11 },
  view: { stroke: null },
};
