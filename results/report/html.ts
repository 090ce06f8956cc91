// The report as one HTML file: the same content, and every value of every chart.

import { h, type ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { useId } from 'preact/hooks';
import type { Block, Cell, Document, Picture, Table } from './document.ts';
import { DARK, DARK_DRAWINGS, FONTS } from './theme.ts';

/** @returns a page that needs nothing else, neither files nor scripts */
export function toHtml(document: Document): string {
  const page = h(
    'html',
    { lang: 'en' },
    h(
      'head',
      null,
      h('meta', { charset: 'utf-8' }),
      h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      h('title', null, document.title),
      h('style', { dangerouslySetInnerHTML: { __html: STYLE } }),
    ),
    h(
      'body',
      null,
      document.warnings.length > 0 && h('p', { class: 'warnings' }, document.warnings.join(' · ')),
      h('h1', null, document.title),
      h('p', { class: 'subtitle' }, document.subtitle),
      document.sections.map(({ title, blocks }) =>
        h('section', null, h('h2', { id: idOf(title) }, title), blocks.map(ofBlock)),
      ),
    ),
  );
  return `<!doctype html>\n${renderToString(page)}\n`;
}

function ofBlock(block: Block): ComponentChildren {
  switch (block.kind) {
    case 'headline':
      return h('p', { class: 'headline' }, referring(block));
    case 'paragraph':
      return h('p', null, referring(block));
    case 'alert':
      return h('p', { class: 'alert', role: 'alert' }, referring(block));
    case 'list':
      return h(
        'ul',
        null,
        block.items.map((item) => h('li', null, item)),
      );
    case 'code':
      return h('pre', null, h('code', null, block.text));
    case 'table':
      return ofTable(block);
    case 'picture':
      return h(Figure, block);
  }
}

/** A text, and a link to the section that tells more. */
function referring({ text, see }: { text: string; see?: string }): ComponentChildren {
  return see === undefined ? text : [text, ': ', h('a', { href: `#${idOf(see)}` }, see)];
}

/** Titles are unique and short: with hyphens for what an address can't hold, they name their sections. */
function idOf(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

function ofTable({ columns, rows, source, values }: Table): ComponentChildren {
  const row = (tag: 'th' | 'td', cells: Cell[]) =>
    h(
      'tr',
      null,
      cells.map((cell, index) =>
        h(
          tag,
          { class: `${classOf(cell, columns[index]?.align)}${index - 1 === values ? ' below' : ''}` },
          ofCell(cell),
        ),
      ),
    );
  return [
    h(
      'div',
      { class: 'frame', tabIndex: 0 },
      h(
        'table',
        values === undefined ? null : { class: values > 3 ? 'lines many' : 'lines', style: { '--values': values } },
        h(
          'thead',
          null,
          row(
            'th',
            columns.map(({ title }) => title),
          ),
        ),
        h(
          'tbody',
          null,
          rows.map((cells) => row('td', cells)),
        ),
      ),
    ),
    source !== undefined && h('p', { class: 'source' }, `From ${source}.`),
  ];
}

/** Characters of a cell that gets a width to be read at, and may break anywhere; shorter ones break between words. */
const LONG = 20;

function classOf(cell: Cell, align = 'left'): string {
  const { length } = typeof cell === 'string' ? cell : 'alert' in cell ? cell.alert : cell.strong;
  return align === 'left' && length > LONG ? `${align} long` : align;
}

/** An interval behind a ratio, which isn't broken into lines. */
const INTERVAL = /(\((?:[≤≥] )?[\d.,]+(?:–[\d.,]+)?\))/;

function ofCell(cell: Cell): ComponentChildren {
  if (typeof cell === 'string')
    return cell.split(INTERVAL).map((part, odd) => (odd % 2 ? h('span', null, part) : part));
  return 'alert' in cell ? h('strong', { class: 'bad' }, cell.alert) : h('strong', null, cell.strong);
}

function Figure({ svg, caption, alt, values }: Picture): ComponentChildren {
  const id = useId();
  const drawing = withTitles(svg).replace('<svg', `<svg id="${id}"`) + pinnedAxis(svg, id);
  return h(
    'figure',
    null,
    h('div', {
      class: 'frame',
      tabIndex: 0,
      role: 'img',
      'aria-label': alt,
      dangerouslySetInnerHTML: { __html: drawing },
    }),
    h('figcaption', null, caption),
    values && h('details', null, h('summary', null, 'All values'), ofTable(values)),
  );
}

/**
 * What stands left of the plot of a chart by Vega, drawn once more: it stays in sight while the chart scrolls under it.
 * A drawing that is no chart has none.
 */
function pinnedAxis(svg: string, id: string): string {
  const [, height, x] =
    /^<svg [^>]*height="(\d+)"[^>]*><rect[^>]*><g [^>]*transform="translate\((\d+),/.exec(svg) ?? [];
  if (height === undefined || x === undefined) return '';
  return `<svg class="axis" aria-hidden="true" width="${x}" height="${height}"><use href="#${id}"/></svg>`;
}

/** Browsers show the title of a mark where the pointer is; Vega writes a label, which only screen readers tell. */
function withTitles(svg: string): string {
  return svg.replaceAll(/(<path aria-label="([^"]*)" role="graphics-symbol"[^>]*)\/>/g, '$1><title>$2</title></path>');
}

/** The colours of the page, by the names that its style sheet has for them. */
const COLOURS = { page: 'white', text: '#222', quiet: '#555', line: '#e4e4e4', soft: '#f6f6f6', bad: '#b00020' };
const variables = (colourOf: (light: string) => string | undefined) =>
  `:root { ${Object.entries(COLOURS)
    .map(([name, light]) => `--${name}: ${colourOf(light) ?? light};`)
    .join(' ')} }`;

// A wide table or chart scrolls in a frame of its own, and a chart keeps its size, so that its letters do.
const STYLE = `
${variables((light) => light)}
@media screen and (prefers-color-scheme: dark) { ${variables((light) => DARK[light])} }
${DARK_DRAWINGS}
:root { color-scheme: light dark; background: var(--page); -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { font: 16px/1.5 ${FONTS}; color: var(--text); max-width: 46rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
p, li, td { unicode-bidi: plaintext; }
.subtitle, .source, figcaption { color: var(--quiet); font-size: .85rem; }
.headline { font-size: 1.15rem; font-weight: 600; }
.warnings { position: sticky; top: 0; z-index: 2; background: var(--page); color: var(--bad); font-weight: 600; padding: .5rem 0; }
.alert { color: var(--bad); font-weight: 600; border: 1px solid; border-left-width: 4px; padding: .5rem .75rem; }
.bad { color: var(--bad); }
.frame { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; } td span { white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
th { border-bottom-color: var(--text); } th.right, td.right { text-align: right; }
th:first-child, td:first-child { position: sticky; left: 0; z-index: 1; background: var(--page); }
/* Where the comparisons of targets have no room beside their values, they stand below them. */
@media (max-width: 46rem) {
  .lines, .lines thead, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(var(--values), minmax(0, 1fr)); border-bottom: 1px solid var(--line); padding: .25rem 0; }
  .lines th, .lines td { border: none; padding: 0 .25rem; overflow-wrap: anywhere; }
  .lines td { overflow-wrap: normal; } .many { font-size: .8rem; } .many td span { white-space: normal; }
  .lines td:first-child { position: static; grid-column: 1 / -1; font-weight: 600; } .lines th:first-child { display: none; }
  .lines .below { grid-column-start: 2; }
}
.long { min-width: 11em; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; } figure .frame { display: grid; } figure svg { grid-area: 1 / 1; min-width: max-content; overflow: visible; }
.frame .axis { position: sticky; left: 0; overflow: hidden; } @media (min-width: 46rem) { .axis { display: none; } }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; font-size: .85rem; } summary { cursor: pointer; font-size: .85rem; }
`;
