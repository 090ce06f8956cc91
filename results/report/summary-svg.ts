// summary.svg: the chart of the first page as a picture that stands by itself, as README.md shows it.

import type { Report } from './compose.ts';
import { ratioChart, ratiosInWords, ratioRowsOf, hollowInWords, ratioChartTitle } from './ratio-chart.ts';
import { sweepPicture } from './sweep-chart.ts';
import { DARK_DRAWINGS } from './theme.ts';
import { draw } from './vega.ts';

/** @returns SVG whose text stays text; the same of the same report */
export async function summarySvg(report: Report): Promise<string> {
  const { svg, alt } = (await curve(report)) ?? (await ratios(report));
  return svg.replace(
    /^<svg[^>]*>/,
    (opening) =>
      // The picture brings its background, so it can be read whichever theme a browser takes.
      `${opening}<title>${escaped(alt)}</title><style>${DARK_DRAWINGS}</style>`,
  );
}

function curve(report: Report) {
  const title = titleOf(report, 'Latency of one replica against the requests/s that it answers', [
    'Bands reach from the lowest to the highest trial.',
    'Grey is the load generator’s own part; a cross is saturation.',
  ]);
  return sweepPicture(report.targets, { isBrief: true, title });
}

async function ratios(report: Report) {
  const { figures, noise, targets } = report;
  const rows = ratioRowsOf(figures, noise, targets);
  const hollow = hollowInWords(rows).trim();
  const title = titleOf(report, ratioChartTitle(targets), [
    'Bars are 95 % intervals; one that crosses 1 shows no difference.',
    ...(hollow === '' ? [] : [hollow]),
  ]);
  const chart = ratioChart(rows, targets);
  // The title takes its room from the chart unless it is given some.
  const height = chart.height + 24 + 13 * title.subtitle.length;
  return { svg: await draw(rows, { ...chart, height, title }), alt: ratiosInWords(rows, targets) };
}

/** The title of a chart, as Vega-Lite takes it, with lines below it that say of which run it is, and what it shows. */
function titleOf({ document: { warnings }, targets }: Report, text: string, [first = '', ...lines]: string[]) {
  return {
    text,
    subtitle: [...warnings, `Run ${targets[0].measurements.name}. ${first}`, ...lines],
    color: '#222',
    subtitleColor: warnings.length > 0 ? '#b00020' : '#555',
    fontSize: 14,
    subtitleFontSize: 11,
    subtitlePadding: 4,
    anchor: 'start',
    frame: 'bounds',
    offset: 12,
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
