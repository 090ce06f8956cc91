// The run that README.md shows: its report follows from its files, and README.md quotes no other figures.

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { number, ratioWithInterval } from '../report/format.ts';

const README = readFileSync('README.md', 'utf8');
const [, RUN = ''] = /\]\((results\/[\dT-]+)\/summary\.svg\)/.exec(README) ?? [];
const REPORT = ['report.pdf', 'report.html', 'summary.csv', 'summary.json', 'summary.svg'];

describe('the published report', () => {
  const copies = mkdtempSync(join(tmpdir(), 'published-'));
  afterAll(() => rmSync(copies, { recursive: true }));
  const copy = join(copies, 'another name');
  beforeAll(async () => {
    cpSync(RUN, copy, { recursive: true });
    for (const name of REPORT) rmSync(join(copy, name));
    await execa(process.execPath, ['results/report/main.ts', copy]);
  });

  test.each(REPORT)('%s comes out again to the same bytes, from a folder of another name', (name) => {
    expect(readFileSync(join(copy, name)).equals(readFileSync(join(RUN, name)))).toBe(true);
  });

  test('is the one in results/', () => {
    expect(readFileSync('results/report.pdf').equals(readFileSync(join(RUN, 'report.pdf')))).toBe(true);
  });
});

describe('README.md', () => {
  interface Row {
    name: string;
    unit: string;
    target: string;
    value: number | null;
    ratio: number | null;
    ratio_low: number;
    ratio_high: number;
    generator_part: number;
    servers_part: number;
    why: string | null;
  }
  interface Summary {
    headline: string;
    sizes: string;
    scaleFromZero: { median_ms: number };
    figures: Row[];
  }
  const { headline, sizes, scaleFromZero, figures } = JSON.parse(
    readFileSync(join(RUN, 'summary.json'), 'utf8'),
  ) as Summary;
  const [, section = ''] = /^## Which is faster\?\n(.*?)^## /ms.exec(README) ?? [];
  const isRow = (line: string) => line.startsWith('|');
  const [, , ...rows] = section.split('\n').filter(isRow);

  test('has a table of five figures', () => expect(rows).toHaveLength(5));

  test.each(rows)('quotes the run: %s', (row) => {
    const cells = row.split('|').map((cell) => cell.trim());
    const [baseline, ...others] = figures.filter(({ name, unit }) => cells[1]?.startsWith(`${name}, ${unit} `));
    expect(cells.slice(2, -1)).toEqual([
      number(baseline?.value ?? NaN),
      ...others.flatMap((other) => [number(other.value ?? NaN), result(other)]),
    ]);
  });

  function result({ ratio, ratio_low: low, ratio_high: high, generator_part: part, servers_part: rest, why }: Row) {
    if (why?.startsWith('The load generator')) return `generator ${number(part)} of ${number(part + rest)}`;
    return ratio === null ? 'same server' : ratioWithInterval({ value: ratio, interval: { low, high } });
  }

  test('says what the report concludes, and no other number', () => {
    const prose = section
      .split('\n')
      .filter((line) => !isRow(line))
      .join(' ')
      .replaceAll(/\]\([^)]*\)/g, ']');
    expect(prose).toContain(`**${headline}** ${sizes}`);
    const fromZero = `${number(scaleFromZero.median_ms / 1000)} s`;
    const said = `${headline} ${sizes} ${fromZero}`;
    expect(prose).toContain(`from no pod in ${fromZero}`);
    for (const [figure] of prose.matchAll(/\d[\d,.]*/g)) expect(said).toContain(figure);
  });
});
