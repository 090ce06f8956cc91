// summary.svg: the chart of the first page as a picture that stands by itself, as README.md shows it.

import { advantageChart, advantagesInWords, advantagesOf, hollowInWords, titleOfAdvantages } from './advantages.ts';
import type { Report } from './content.ts';
import { DARK_DRAWINGS } from './look.ts';
import { draw } from './vega.ts';

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
  return svg.replace(
    /^<svg[^>]*>/,
    (opening) =>
      // The picture brings its background, so it can be read whichever theme a browser takes.
      `${opening}<title>${advantagesInWords(rows, sides)}</title><style>${DARK_DRAWINGS}</style>`,
  );
}
