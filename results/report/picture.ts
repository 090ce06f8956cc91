// summary.svg: the chart of the first page as a picture that stands by itself, as README.md shows it.

import { advantageChart, advantagesInWords, advantagesOf, hollowInWords, titleOfAdvantages } from './advantages.ts';
import type { Report } from './content.ts';
import { draw } from './vega.ts';

/**
 * The colours of the chart on a light page, and what they are on a dark one: GitHub's own background, and greys with at
 * least the same contrast to it. The picture brings its background, so it can be read whichever theme a browser takes.
 */
const DARK: Record<string, string> = {
  white: '#0d1117',
  '#111': '#f0f6fc',
  '#222': '#e6edf3',
  '#555': '#b1bac4',
  '#999': '#6e7681',
  '#e4e4e4': '#30363d',
  '#b00020': '#ff7b72',
};
const FONTS = "Inter, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

/** @returns SVG whose text stays text; the same of the same report */
export async function toPicture({ document, figures, noise, sides }: Report): Promise<string> {
  const { warnings } = document;
  const { name } = sides[0].measurements;
  const rows = advantagesOf(figures, noise, sides);
  const hollow = hollowInWords(rows).trim();
  const title = {
    text: titleOfAdvantages(sides),
    subtitle: [
      ...warnings,
      `Run ${name}. Bars are 95 % intervals; one that crosses 1 shows no difference.`,
      ...(hollow === '' ? [] : [hollow]),
    ],
    color: '#222',
    subtitleColor: warnings.length > 0 ? '#b00020' : '#555',
    fontSize: 14,
    subtitleFontSize: 11,
    subtitlePadding: 4,
    anchor: 'start',
    frame: 'bounds',
    offset: 12,
  };
  const chart = advantageChart(rows, sides);
  // The title takes its room from the chart unless it is given some.
  const height = chart.height + 24 + 13 * title.subtitle.length;
  const svg = await draw(rows, { ...chart, height, title });
  return svg.replace(/^<svg[^>]*>/, (opening) => `${opening}<title>${advantagesInWords(rows, sides)}</title>${STYLE}`);
}

/** Rules of a style sheet win over the attributes that Vega gives its marks. */
const STYLE = `<style>text{font-family:${FONTS}}@media (prefers-color-scheme:dark){${Object.entries(DARK)
  .map(([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`)
  .join('')}}</style>`;
