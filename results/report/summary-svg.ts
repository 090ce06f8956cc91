// summary.svg: the chart of the first page as a picture that stands by itself, as README.md shows it.

import type { Report } from './compose.ts';
import { ratioChart, ratiosInWords, ratioRowsOf, hollowInWords, ratioChartTitle } from './ratio-chart.ts';
import { DARK_DRAWINGS } from './theme.ts';
import { draw } from './vega.ts';

/** @returns SVG whose text stays text; the same of the same report */
export async function summarySvg({ document, figures, noise, targets }: Report): Promise<string> {
  const { warnings } = document;
  const { name } = targets[0].measurements;
  const rows = ratioRowsOf(figures, noise, targets);
  const hollow = hollowInWords(rows).trim();
  const title = {
    text: ratioChartTitle(targets),
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
  const chart = ratioChart(rows, targets);
  // The title takes its room from the chart unless it is given some.
  const height = chart.height + 24 + 13 * title.subtitle.length;
  const svg = await draw(rows, { ...chart, height, title });
  return svg.replace(
    /^<svg[^>]*>/,
    (opening) =>
      // The picture brings its background, so it can be read whichever theme a browser takes.
      `${opening}<title>${ratiosInWords(rows, targets)}</title><style>${DARK_DRAWINGS}</style>`,
  );
}
