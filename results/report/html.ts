// The report as one HTML file: the same content, and every value of every chart.

import { h, type ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Block, Cell, Document, Picture, Table } from './document.ts';

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
      return ofPicture(block);
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

function ofTable({ columns, rows, source }: Table): ComponentChildren {
  const row = (tag: 'th' | 'td', cells: ComponentChildren[]) =>
    h(
      'tr',
      null,
      cells.map((cell, index) => h(tag, { class: columns[index]?.align }, cell)),
    );
  return h(
    'div',
    { class: 'table' },
    h(
      'table',
      null,
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
        rows.map((cells) => row('td', cells.map(ofCell))),
      ),
    ),
    h('p', { class: 'source' }, `From ${source}.`),
  );
}

function ofCell(cell: Cell): ComponentChildren {
  return typeof cell === 'string' ? cell : h('strong', { class: 'bad' }, cell.alert);
}

function ofPicture({ svg, caption, alt, values }: Picture): ComponentChildren {
  return h(
    'figure',
    null,
    h('div', { role: 'img', 'aria-label': alt, dangerouslySetInnerHTML: { __html: withTitles(svg) } }),
    h('figcaption', null, caption),
    values && h('details', null, h('summary', null, 'All values'), ofTable(values)),
  );
}

/** Browsers show the title of a mark where the pointer is; Vega writes a label, which only screen readers tell. */
function withTitles(svg: string): string {
  return svg.replaceAll(/(<path aria-label="([^"]*)" role="graphics-symbol"[^>]*)\/>/g, '$1><title>$2</title></path>');
}

const STYLE = `
body { font: 16px/1.5 Inter, system-ui, sans-serif; color: #222; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
.subtitle, .source, figcaption { color: #555; font-size: .85rem; }
.headline { font-size: 1.15rem; font-weight: 600; }
.warnings { position: sticky; top: 0; background: #fff; color: #b00020; font-weight: 600; padding: .5rem 0; }
.alert { color: #b00020; font-weight: 600; border: 1px solid; border-left-width: 4px; padding: .5rem .75rem; }
.bad { color: #b00020; }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }
th { border-bottom-color: #222; } th.right, td.right { text-align: right; overflow-wrap: normal; }
figure { margin: 1.5rem 0; } figure svg { max-width: 100%; height: auto; }
pre { background: #f3f3f3; padding: .75rem; overflow-x: auto; font-size: .85rem; } summary { cursor: pointer; font-size: .85rem; }
`;
