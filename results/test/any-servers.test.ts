// The report of servers that nobody here has heard of: of any number, with names of any script and length.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { extractText } from 'unpdf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Environment, Verdict } from '../files.ts';
import { ofTarget, right, tablesOf } from '../report/document.ts';
import { byLine } from '../report/vega.ts';
import { changeEnvironment } from './golden.ts';
import { TRUTHS, writeSyntheticRun } from './synthetic.ts';

const folders = mkdtempSync(join(tmpdir(), 'any-servers-'));
afterAll(() => rmSync(folders, { recursive: true }));

const report = (...args: string[]) =>
  execa(process.execPath, [join(import.meta.dirname, '../report/main.ts'), ...args], { reject: false });

interface Summary {
  baseline: string;
  headline: string;
  figures: { figure: string; target: string; value: number | null; ratio: number | null; why: string | null }[];
}
const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
const summaryOf = (folder: string) => JSON.parse(read(folder, 'summary.json')) as Summary;

/** The keys of targets, the baseline first, and what differs from other interfaces. */
type Known = [key: string, more?: Partial<Environment['interfaces'][string]>][];

function madeUp(name: string, known: Known, experiments?: string[]): string {
  const folder = join(folders, name);
  writeSyntheticRun(folder, {
    trials: 3,
    ...(experiments && { experiments }),
    targets: known.map(([key]) => key),
    truths: Object.fromEntries(
      known.map(([key], index) => [
        key,
        { ...TRUTHS.function, capacity: 3000 / (1 + 0.25 * index), coldStartMs: 500 + 100 * index },
      ]),
    ),
    interfaces: Object.fromEntries(
      known.map(([key, more]) => [
        key,
        {
          server: key,
          name: key,
          label: key,
          protocol: 'http' as const,
          method: 'GET',
          asks: { one: `GET /${key}{?sku}`, many: `POST /${key} {"skus":"{sku}"}` },
          answer: '/price is price, within 1e-9',
          ...more,
        },
      ]),
    ),
  });
  return folder;
}

describe('servers of any names', () => {
  const LONG = 'FastAPI with ONNX Runtime as its makers document it, behind uvicorn with one worker, and no access log';
  const SIGNS = 'R&D <fast> *server* _x_ #1 `v2` $y$ @z \\n "q"';
  const known: Known = [
    ['10', { name: LONG, label: LONG }],
    ['2', { name: 'the same', label: 'same' }],
    ['go', { name: '价格服务', label: '价格服务', asks: { one: 'GET /price{?sku}' } }],
    ['arabic', { name: 'خدمة الأسعار', label: 'خدمة الأسعار' }],
    ['signs', { name: SIGNS, label: SIGNS }],
    ['same', { name: 'the same', label: 'same' }],
    ['x-again', { name: 'an other again' }],
  ];
  let [folder, html, pages] = ['', '', [] as string[]];
  beforeAll(async () => {
    folder = madeUp('names', known);
    const { comparison, servers } = JSON.parse(read(folder, 'environment.json')) as Environment;
    servers.go!.settings = { args: '--workers 1', 'env KEY': 'from the environment' };
    changeEnvironment(folder, {
      comparison: { ...comparison!, title: 'Fast enough? <b>&amp;</b> *So*', threats: ['Go uses every core.'] },
      servers,
    });
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.includes('_verdict'),
    )) {
      const verdict = JSON.parse(read(folder, path)) as Verdict;
      const isGo = path.endsWith('/go_verdict.json');
      const wrong = { failures: 12, wrongAnswers: 12, firstWrong: 'GET /price?sku=007: at /price, NaN came for 1.5.' };
      const connections = isGo ? verdict.requests : 3;
      writeFileSync(join(folder, path), JSON.stringify({ ...verdict, connections, ...(isGo && wrong) }));
    }
    expect(await report(folder)).toMatchObject({ exitCode: 0, stderr: '' });
    html = read(folder, 'report.html');
    pages = (await extractText(new Uint8Array(readFileSync(join(folder, 'report.pdf'))))).text;
  });

  test('stand in the report as they are, and two that are the same by their keys', () => {
    const { baseline, headline } = summaryOf(folder);
    expect(baseline).toBe('10');
    expect(headline).toMatch(
      new RegExp(
        `^Within 10 ms, one replica of ${LONG} answers 1\\.\\d+ to [23]\\.\\d+ times as many requests as .*the same \\(2\\)`,
      ),
    );
    const text = pages.join('\n');
    for (const name of [SIGNS, '价格服务', 'same (2)', 'same (same)'])
      expect(text.replaceAll(/\s/g, '')).toContain(name.replaceAll(/\s/g, ''));
    expect(html).toContain('R&amp;D &lt;fast> *server* _x_ #1 `v2` $y$ @z \\n &quot;q&quot;');
    expect(html).toContain('<title>Fast enough? &lt;b>&amp;amp;&lt;/b> *So*</title>');
    expect(text).toContain('Fast enough? <b>&amp;</b> *So*');
    expect(text).not.toMatch(/undefined|NaN(?! came)|\[object/);
  });

  test('are told apart in a picture that is XML', () => {
    const svg = read(folder, 'summary.svg');
    expect(svg).not.toMatch(/&(?!amp;|lt;|gt;|quot;|apos;|#)/);
    expect(svg).not.toContain('<fast>');
  });

  test('bring their title, threats, settings and questions, and no word of the built-in servers', () => {
    expect(html).toContain('<li>Go uses every core.</li>');
    expect(html).toContain('args: --workers 1, env KEY: from the environment');
    expect(html).toContain('GET /price{?sku}');
    expect(html).toContain('/price is price, within 1e-9');
    expect(html).toContain('价格服务 can’t be asked for many values at once.');
    expect(`${html}${pages.join('')}`).not.toMatch(/the function|TensorFlow|temperature|Fahrenheit|Celsius|float32/i);
  });

  test('have their connections beside the latencies, and the first wrong answer in the appendix', () => {
    const values = summaryOf(folder).figures.filter(({ figure }) => figure === 'connections_per_thousand');
    expect(values.find(({ target }) => target === 'go')?.value).toBe(1000);
    expect(pages.join('\n')).toMatch(/^Connections per thousand/m);
    expect(html).toMatch(
      /<li>[^<]*sweep\/2 and sweep\/3 of 价格服务: GET \/price\?sku=007: at \/price, NaN came for 1\.5\.<\/li>/,
    );
  });
});

test.each([1, 2, 4, 7, 13])(
  'the first page of %i targets has the headline, the curve and its legend',
  async (count) => {
    const known = Array.from({ length: count }, (_, index): Known[number] => [`server-${index}`]);
    const folder = madeUp(`count-${count}`, known, ['sweep', 'calibrate', 'coldstart']);
    expect(await report(folder)).toMatchObject({ exitCode: 0, stderr: '' });
    const [first = ''] = (await extractText(new Uint8Array(readFileSync(join(folder, 'report.pdf'))))).text;
    expect(first).toContain('Within 10 ms, one replica of server-0');
    expect(first).toContain('The line is');
    for (const [key] of known) expect(first).toContain(key);
  },
);

test('connections that are kept explain nothing, and have no row', async () => {
  const folder = madeUp('kept', [['a'], ['b']], ['sweep']);
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.includes('_verdict'),
  )) {
    writeFileSync(join(folder, path), JSON.stringify({ ...JSON.parse(read(folder, path)), connections: 3 }));
  }
  expect(await report(folder)).toMatchObject({ exitCode: 0 });
  expect(read(folder, 'report.html')).not.toContain('Connections per');
});

test('a run without its baseline is broken', async () => {
  const folder = madeUp('no-baseline', [['a'], ['b']], ['sweep']);
  const { comparison } = JSON.parse(read(folder, 'environment.json')) as Environment;
  changeEnvironment(folder, { comparison: { ...comparison!, baseline: 'c' } });
  expect(await report(folder)).toMatchObject({
    exitCode: 1,
    stderr: `${folder}/environment.json has no interface c, which is its baseline.`,
  });
});

describe('the targets that a reader asks for', () => {
  const grpc = { server: 'go', protocol: 'grpc' as const, method: 'gRPC' };
  let folder = '';
  beforeAll(() => (folder = madeUp('chosen', [['fastapi'], ['go'], ['go-grpc', grpc]], ['sweep', 'coldstart'])));
  const ratios = (figure: string) =>
    Object.fromEntries(
      summaryOf(folder)
        .figures.filter((row) => row.figure === figure)
        .map(({ target, ratio }) => [target, ratio]),
    );

  test('are compared with another baseline', async () => {
    await report(folder);
    const { go } = ratios('rate_within_p99_10ms');
    expect(await report(folder, '--baseline', 'go')).toMatchObject({ exitCode: 0, stderr: '' });
    const { go: itself, fastapi, 'go-grpc': other } = ratios('rate_within_p99_10ms');
    expect([itself, fastapi! * go!]).toEqual([null, expect.closeTo(1, 9)]);
    expect(other).toBeGreaterThan(0);
    expect(summaryOf(folder).baseline).toBe('go');
    // What fastapi and the same again differ by is the noise of the machine, whoever is the baseline.
    expect(read(folder, 'report.html')).toContain('Noise: what fastapi and the same again differ by');
  });

  test('are the only ones, the first of which is the baseline', async () => {
    expect(await report(folder, '--targets', 'go-grpc, fastapi')).toMatchObject({ exitCode: 0, stderr: '' });
    const html = read(folder, 'report.html');
    expect(html).toContain('with version 0.1.0: 2 of its 3 targets');
    expect(html).toContain('--targets go-grpc,fastapi');
    expect(html).not.toMatch(/<td[^>]*>go<\/td>|÷ go\b/);
    // Cold starts are those of the server, whichever of its interfaces stands for it.
    const { 'go-grpc': none, fastapi } = ratios('cold_start_ms');
    expect([none, fastapi]).toEqual([null, expect.closeTo(600 / 500, 0)]);
  });

  test.each([
    [['--targets', 'go,rust'], 'has no target rust; it has fastapi, go and go-grpc.'],
    [['--baseline', 'fastapi-again'], 'has no target fastapi-again; it has fastapi, go and go-grpc.'],
    [['--baseline', 'constructor'], 'has no target constructor;'],
    [['--targets', ''], 'has no target ;'],
    [['--targets', 'go', '--compare', 'a', 'b'], '--compare takes the folders of two runs, and nothing else.'],
  ])('%j is refused', async (args, message) => {
    const given = args.includes('--compare') ? args : [folder, ...args];
    const { exitCode, stderr } = await report(...given);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});

test('thirteen targets all have looks of their own', () => {
  const { color, strokeDash } = byLine(Array.from({ length: 13 }, (_, index) => `t${index}`)) as Record<
    'color' | 'strokeDash',
    { scale: { range: unknown[] } }
  >;
  const looks = color.scale.range.map((colour, index) => JSON.stringify([colour, strokeDash.scale.range[index]]));
  expect(new Set(looks).size).toBe(13);
});

test('a table of many targets is several, each with the baseline, and the last one has the source', () => {
  const targets = Array.from({ length: 6 }, (_, index) => `t${index}`);
  const ratios = targets.slice(1).map((name, index) => ofTarget(`÷ ${name}`, index + 1));
  const tables = tablesOf({
    kind: 'table',
    values: 6,
    columns: [{ title: 'Figure', align: 'left' }, ...targets.map(ofTarget), ...ratios, right('Noise')],
    rows: [['a', ...targets, ...targets.slice(1), 'n']],
    source: 'here',
  });
  expect(tables.map(({ values, source }) => [values, source])).toEqual([
    [4, undefined],
    [3, 'here'],
  ]);
  expect(tables.map(({ columns }) => columns.map(({ title }) => title).join(' '))).toEqual([
    'Figure t0 t1 t2 t3 ÷ t1 ÷ t2 ÷ t3 Noise',
    'Figure t0 t4 t5 ÷ t4 ÷ t5 Noise',
  ]);
  expect(tables.map(({ rows }) => rows[0])).toEqual([
    ['a', 't0', 't1', 't2', 't3', 't1', 't2', 't3', 'n'],
    ['a', 't0', 't4', 't5', 't4', 't5', 'n'],
  ]);
});
