// `npm run report` on a run whose figures were worked out by hand, on the published run with changes, on one that is
// made up, and on bad input.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { execa } from 'execa';
import { extractText } from 'unpdf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Environment, Verdict } from '../files.ts';
import { figuresOf } from '../report/definitions.ts';
import { number } from '../report/format.ts';
import { bareLoadOf, latencyOf, readMeasurements } from '../report/measurements.ts';
import { targetsOf } from '../report/targets.ts';
import { DARK } from '../report/theme.ts';
import { percentile } from '../statistics.ts';
import { changeEnvironment, writeGoldenRun } from './golden.ts';
import { copyPublished } from './published.ts';
import { MADE_UP, rateWithin, TRUTHS, writeSyntheticRun } from './synthetic.ts';

/** The contrast of two colours such as #0d1117 by WCAG 2: from 1, which is none, to 21. */
function contrast(one: string, other: string): number {
  const [darker, lighter] = [one, other]
    .map((colour) => {
      const [r, g, b] = [1, 3, 5]
        .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    })
    .sort((a, b) => a - b) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

test.each(Object.entries(DARK).filter(([light]) => !['white', '#f6f6f6', '#e4e4e4'].includes(light)))(
  '%s can be read on dark pages as %s',
  (light, dark) => expect(contrast(dark, DARK.white!)).toBeGreaterThan(/^#[0-5]{3}$|#b00020/.test(light) ? 7 : 3),
);

const MAIN = join(import.meta.dirname, '../report/main.ts');

const folders = mkdtempSync(join(tmpdir(), 'report-'));
afterAll(() => rmSync(folders, { recursive: true }));

interface Row {
  figure: string;
  target: string;
  value: number | null;
  ratio: number | null;
  ratio_low: number | null;
  ratio_high: number | null;
  noise_floor: number | null;
  pairs: number | null;
  better: string | null;
  why: string | null;
  bare: number | null;
  generator_part: number | null;
  servers_part: number | null;
}

interface Summary {
  headline: string;
  sizes: string | null;
  batchSizes: { target: string; measure: string; from: number | null; sentence: string }[];
  figures: Row[];
  invalid: { reasons: string[] }[];
}

function rowOf({ figures }: Summary, figure: string, target: string): Row {
  return figures.find((row) => row.figure === figure && row.target === target)!;
}

/** A run of its own, and a way to make its report. */
function run(name: string, write: (folder: string) => void) {
  const folder = join(folders, name);
  write(folder);
  return {
    folder,
    report: (args: string[] = [], env: Record<string, string> = {}) =>
      execa(process.execPath, [MAIN, folder, ...args], { env, reject: false }),
    summary: () => JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as Summary,
    read: (file: string) => readFileSync(join(folder, file)),
    /** The text of each page of the PDF. */
    pages: async () => (await extractText(new Uint8Array(readFileSync(join(folder, 'report.pdf'))))).text,
  };
}

/** The cells of all tables of a page. */
function tableRows(html: string): (string | undefined)[][] {
  const rows = [...html.matchAll(/<tr>(.*?)<\/tr>/gs)];
  return rows.map(([, row = '']) => [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => cell));
}

describe('figures that were worked out by hand', () => {
  const golden = run('golden', writeGoldenRun);
  let summary: Summary;
  beforeAll(async () => {
    expect(await golden.report()).toMatchObject({ exitCode: 0, stderr: '' });
    summary = golden.summary();
  });

  type Expected = [
    figure: string,
    ofFunction: number,
    ofTarget: number,
    ratio: [value: number, low?: number | undefined, high?: number | undefined],
  ];
  const exactly = (value: number): Expected[3] => [value, value, value];

  describe.each<[string, Expected[]]>([
    [
      'tfserving',
      [
        // p99 is 5 ms at 200 requests/s, and 20 ms at 400: 10 ms is half of the way. It is 4, 4 and 2.5 ms at 25, 50 and
        // 100, whose geometric mean, 3.41995, counts for each, and at 200 it is 160 ms in all trials together, and 40,
        // 160 and 40 ms in each: 100 · 2^(ln(10 / 3.41995) / ln(160 / 3.41995)) = 121.336. The logarithms of the ratios
        // 2.09032, 2.33106 and 2.09032 have a standard deviation of 0.062935, and Student's t with 2 degrees of freedom
        // is 4.30265: 2.33106 · exp(∓ 4.30265 · 0.062935 / √3).
        ['rate_within_p99_10ms', 282.842712, 121.336469, [2.33106, 1.99365, 2.72558]],
        // 450, 460 and 440 answers/s at best against 300, 290 and 310, on half of a CPU.
        ['throughput_per_cpu', 900, 600, [1.5, 1.30659, 1.72205]],
        // 28.28 requests/s are a tenth. Latencies are alike at 25 and 50.
        ['p50_ms_at_tenth', 1, 2, exactly(0.5)],
        ['p99_ms_at_tenth', 2, 4, exactly(0.5)],
        // 141.4 requests/s are half of it, and of the way from 100 to 200: √(1 · 1), √(1 · 5), √(2 · 5); √(2 · 10),
        // √(2 · 40), √(2.5 · 160), of which two trials have only √(2.5 · 40).
        ['p50_ms_at_half', 1, 4.472136, exactly(0.223607)],
        ['p95_ms_at_half', 2.236068, 8.944272, [0.25, 0.0925119, 0.675589]],
        ['p99_ms_at_half', 3.162278, 20, [0.158114, 0.0585096, 0.42728]],
        // 300, 330 and 270 ms of 3000 requests from 100 to 200 requests/s, against 600 ms. The logarithms of 0.5, 0.55
        // and 0.45 have a standard deviation of 0.100377: 0.5 · exp(∓ 4.30265 · 0.100377 / √3).
        ['cpu_per_request_us_at_half', 100, 200, [0.5, 0.389653, 0.641596]],
        // Half of a CPU at 0.048 dollars an hour, for 282.843 and 121.336 requests/s.
        ['dollars_per_million', 0.02357023, 0.05494363, [0.428989, 0.366895, 0.501593]],
        // The rate of 400 was too much for one of them. At 100 and 200, 15 and 5 of 20 samples count two replicas.
        ['autoscaled_replicas', 1.75, 1.25, exactly(1.4)],
        // Two pods used 1 + 2 + 0.5 + 1 s, and one pod 3 + 6 s, of 3000 answers.
        ['autoscaled_cpu_ms', 1.5, 3, exactly(0.5)],
        ['second_replica_s', 4, 10, exactly(0.4)],
        // 190 of 200 answers took 1 ms; and the half of them 8 ms.
        ['autoscaled_p99_ms', 4, 8, exactly(0.5)],
        // Three starts, whose ratios are 0.25, 0.5 and 0.3.
        ['cold_start_ms', 200, 400, [0.5, 0.2048, 1.2207]],
        ['image_mb', 100, 400, [0.25]],
        ['memory_idle_mb', 50, 250, [0.2]],
        ['memory_loaded_mb', 80, 320, [0.25]],
      ],
    ],
    [
      'tfserving-grpc',
      [
        // Two pairs of trials: 450 and 460 answers/s against 800, which is no limit of the target. The logarithms have a
        // standard deviation of 0.015541, and Student's t is 12.7062: 910 / 1600 · exp(12.7062 · 0.015541 / √2).
        ['throughput_per_cpu', 900, 1600, [0.56875, undefined, 0.653979]],
        ['rate_within_p99_10ms', 282.842712, 800, [0.353553, undefined, 0.353553]],
        ['dollars_per_million', 0.02357023, 0.00833333, [2.828427, 2.828427, undefined]],
        ['p99_ms_at_half', 3.162278, 3, exactly(1.054093)],
        // 226.3 requests/s are 80 %: 1.28 = (226.3 / 200)², and latencies rise by 4 where the rate rises by 2.
        ['p50_ms_at_80_percent', 1.28, 1, exactly(1.28)],
        ['p99_ms_at_80_percent', 6.4, 3, exactly(2.133333)],
        ['cpu_per_request_us_at_80_percent', 100, 250, [0.42, 0.229233, 0.769522]],
        ['autoscaled_replicas', 1.75, 1.5, exactly(1.75 / 1.5)],
        ['autoscaled_cpu_ms', 1.5, 2, exactly(0.75)],
        ['second_replica_s', 4, 8, exactly(0.5)],
        ['autoscaled_p99_ms', 4, 4, exactly(1)],
      ],
    ],
  ])('against %s', (target, figures) => {
    test.each(figures)('%s', (figure, ofFunction, ofTarget, [value, low, high]) => {
      expect(rowOf(summary, figure, 'function')).toMatchObject({
        value: expect.closeTo(ofFunction, 6) as unknown,
        ratio: null,
      });
      const close = (bound: number | undefined) => (bound === undefined ? null : (expect.closeTo(bound, 3) as unknown));
      expect(rowOf(summary, figure, target)).toMatchObject({
        value: expect.closeTo(ofTarget, 6) as unknown,
        ratio: close(value),
        ratio_low: close(low),
        ratio_high: close(high),
      });
    });
  });

  test('the first page says what the intervals show, and no more', () => {
    expect(summary.headline).toBe(
      'Within 10 ms, one replica of the function answers 2.3 times as many requests as TensorFlow Serving; one of ' +
        'TensorFlow Serving over gRPC answers at least 2.8 times as many requests as the function.',
    );
    expect(summary.sizes).toBe(
      'At every size of a request, 1 to 10,000 values, the function is a better choice than TensorFlow Serving; from about ' +
        '1,000 values in a request on, TensorFlow Serving over gRPC is a better choice than the function.',
    );
  });

  test('its table has a row for each figure, with who does better in bold letters, or why nobody does', () => {
    const bold = (text: string) => `<strong>${text}</strong>`;
    const interval = (value: string, range: string) => `${value} <span>(${range})</span>`;
    const rows = tableRows(golden.read('report.html').toString());
    const rowOf = (name: string) => rows.find(([first]) => first?.startsWith(name))?.slice(1);
    expect(rows[0]).toEqual([
      'Figure',
      'Function',
      'TF Serving',
      'TF Serving, gRPC',
      'Function ÷ TF Serving (95\u00a0%)',
      '÷ TF Serving, gRPC (95\u00a0%)',
    ]);
    // The third can take more than could be sent, so it may be better by any factor beyond this one.
    expect(rowOf('Rate within 10 ms at p99')).toEqual([
      '282.8',
      '121.3',
      bold('≥ 800'),
      interval('2.33', '1.99–2.73'),
      interval('≤ 0.354', '≤ 0.354'),
    ]);
    expect(rowOf('CPU per request')).toEqual([
      bold('100'),
      '200',
      '250',
      interval('0.500', '0.390–0.642'),
      interval('0.420', '0.229–0.770'),
    ]);
    // The two others are each better than the function.
    expect(rowOf('Replicas while scaling')).toEqual([
      '1.75',
      bold('1.25'),
      bold('1.50'),
      interval('1.40', '1.40–1.40'),
      interval('1.17', '1.17–1.17'),
    ]);
    expect(rowOf('Image')).toEqual(['100', '400', '–', '0.250', 'same server']);
    // Only one of them got a rate that it did not sustain.
    expect(rowOf('Held with the autoscaler')).toEqual(['≥ 400', '200', '≥ 400', '', '']);
    expect(rowOf('Answered at most')).toEqual(['–', '400', '–', '', '']);
  });

  test('a rate that may be higher, and its ratio, are told as bounds', () => {
    expect(rowOf(summary, 'rate_within_p99_10ms', 'function')).toMatchObject({ value_bound: null });
    expect(rowOf(summary, 'rate_within_p99_10ms', 'tfserving-grpc')).toMatchObject({
      value_bound: 'at least',
      ratio_bound: 'at most',
      better: 'tfserving-grpc',
    });
    expect(rowOf(summary, 'dollars_per_million', 'tfserving-grpc')).toMatchObject({
      value_bound: 'at most',
      ratio_bound: 'at least',
      better: 'tfserving-grpc',
    });
  });

  test('a target that does not sustain a rate has no figures at it, and the reason is a sentence', () => {
    for (const figure of ['p50_ms', 'p95_ms', 'p99_ms', 'cpu_per_request_us']) {
      expect(rowOf(summary, `${figure}_at_80_percent`, 'tfserving')).toMatchObject({
        value: null,
        ratio: null,
        why: 'TensorFlow Serving did not sustain 226.3 requests/s in each trial.',
      });
    }
  });

  test('the function again shows what two equal things differ by', () => {
    // 100, 110 and 90 µs against 120, 110 and 108: the logarithms of 5/6, 1 and 5/6 have a standard deviation of
    // 0.105264, so that 300 / 338 · exp(− 4.30265 · 0.105264 / √3) = 1 / 1.46338 is the far end of the interval.
    expect(rowOf(summary, 'cpu_per_request_us_at_half', 'tfserving').noise_floor).toBeCloseTo(1.46338, 5);
    // 450, 460 and 440 answers/s against three times 450: 1.05677 is the far end of 1 by 0.022224.
    expect(rowOf(summary, 'throughput_per_cpu', 'tfserving').noise_floor).toBeCloseTo(1.05677, 5);
    expect(rowOf(summary, 'p99_ms_at_half', 'tfserving').noise_floor).toBeCloseTo(1, 9);
  });

  test('the load generator’s own part of a latency is between two rates, too', () => {
    // Bare servers take 0.5 and 2.5 ms of the 1 and 4.47 ms, and 1 and 3 ms of the 3.16 and 20 ms.
    expect(rowOf(summary, 'p50_ms_at_half', 'function').bare).toBeCloseTo(0.5, 9);
    const { generator_part, servers_part, better } = rowOf(summary, 'p50_ms_at_half', 'tfserving');
    expect([generator_part, servers_part, better]).toEqual([
      expect.closeTo(2, 9),
      expect.closeTo(1.472136, 6),
      'neither',
    ]);
    expect(rowOf(summary, 'p99_ms_at_half', 'tfserving')).toMatchObject({ better: 'function' });
    expect(golden.read('report.html').toString()).toMatch(
      /Mostly the load generator’s own: .*Median latency at 141\.4\/s of TensorFlow Serving/,
    );
  });

  test('the batch size from which on a target is better lies between measured ones, on a line of logarithms', () => {
    // A value of a request over gRPC takes 2, 2 and 1/8 times the CPU, so the line crosses 0 after a quarter of the way
    // from 100 to 10,000. Median latencies are 2, 2 and 1/2 times as long: half of the way.
    expect(summary.batchSizes.map(({ from }) => from)).toEqual([
      null,
      null,
      expect.closeTo(100 * 100 ** 0.25, 6),
      expect.closeTo(1000, 6),
    ]);
    expect(summary.batchSizes.map(({ sentence }) => sentence)).toEqual([
      'At every measured size, 1 to 10,000 values a request, the function needs less CPU a value than TensorFlow ' +
        'Serving.',
      'At every measured size, 1 to 10,000 values a request, the function has a lower median latency than TensorFlow ' +
        'Serving.',
      'From about 320 values a request on, TensorFlow Serving over gRPC needs less CPU a value than the function (95 ' +
        '% interval 320 to 320).',
      'From about 1,000 values a request on, TensorFlow Serving over gRPC has a lower median latency than the ' +
        'function (95 % interval 1,000 to 1,000).',
    ]);
  });

  test('what was measured once for all interfaces is not measured again', () => {
    const { value, ratio, why } = rowOf(summary, 'cold_start_ms', 'tfserving-grpc');
    expect([value, ratio, why]).toEqual([
      null,
      null,
      'Measured once for all interfaces of the server: see TensorFlow Serving.',
    ]);
    expect(golden.read('report.html').toString()).toContain('TensorFlow Serving over gRPC: measured once for all');
  });

  test('the function from no pod, on Knative, stands beside a new pod of it', () => {
    const rows = tableRows(golden.read('report.html').toString());
    const head = rows.findIndex((row) => row[1] === 'Function on Knative, from no pod');
    expect(rows.slice(head, head + 5)).toEqual([
      ['First right answer, s', 'Function on Knative, from no pod', 'Function, a new pod'],
      ['Starts', '3', '3'],
      ['Quickest', '1.10', '0.100'],
      ['Median', '1.30', '0.200'],
      ['Slowest', '1.70', '0.300'],
    ]);
  });

  test('the table for machines has the same figures', () => {
    const rows = parse<Record<string, string>>(golden.read('summary.csv'), { columns: true });
    expect(rows.map(({ figure, target }) => [figure, target])).toEqual(
      summary.figures.map(({ figure, target }) => [figure, target]),
    );
    const [baseline, cpu] = rows.filter(({ figure }) => figure === 'cpu_per_request_us_at_half');
    expect(baseline).toMatchObject({ ratio: '', ratio_low: '', pairs: '', better: '' });
    expect(cpu).toMatchObject({ unit: 'µs', pairs: '3', better: 'function' });
    expect(Number(cpu!.ratio_low)).toBeCloseTo(0.389653, 6);
    expect(cpu!.source).toMatch(/^sweep\/\*\/<target>_pods\.csv: /);
  });
});

describe('a difference that the load generator makes', () => {
  /** A made-up run of targets that answer so many requests/s, and whose bare servers have such medians, in µs. */
  const madeUp = async (name: string, targets: Partial<Record<(typeof MADE_UP)[number], [number, number]>>) => {
    const truths = Object.entries(targets).map(([target, [capacity, median]]) => [
      target,
      { ...TRUTHS.function, capacity, bareMicroseconds: { median, sigma: 0.35 } },
    ]);
    const made = run(name, (folder) =>
      writeSyntheticRun(folder, {
        truths: { ...TRUTHS, ...(Object.fromEntries(truths) as Partial<typeof TRUTHS>) },
        experiments: ['calibrate', 'sweep'],
        targets: MADE_UP.filter((target) => target in targets),
      }),
    );
    expect(await made.report()).toMatchObject({ exitCode: 0, stderr: '' });
    return made;
  };
  const LATENCIES = ['p50_ms_at_half', 'p95_ms_at_half', 'p99_ms_at_half'];

  test('is none of the servers: a slow client asks an equal server', async () => {
    const { summary, read } = await madeUp('slow client', { function: [3300, 300], 'tfserving-grpc': [3300, 1200] });
    for (const figure of LATENCIES) {
      const { better, why, ratio_high, generator_part, servers_part } = rowOf(summary(), figure, 'tfserving-grpc');
      expect({ figure, better }).toEqual({ figure, better: 'neither' });
      // The interval alone would name a winner.
      expect(ratio_high, figure).toBeLessThan(1);
      expect(generator_part! / (generator_part! + servers_part!)).toBeGreaterThan(0.5);
      expect(why).toMatch(/^The load generator makes the difference: [\d.]+ ms of the load generator, /);
    }
    expect(read('report.html').toString()).toMatch(/<td[^>]*>generator [\d.]+ of [\d.]+<.td>/);
  });

  test('leaves a slow server behind, which an equal client asks', async () => {
    const { summary, read } = await madeUp('slow server', { function: [3300, 300], 'tfserving-grpc': [2000, 300] });
    for (const figure of LATENCIES) {
      expect(rowOf(summary(), figure, 'tfserving-grpc')).toMatchObject({ better: 'function', why: null });
    }
    expect(read('report.html').toString()).not.toMatch(/<td[^>]*>generator/);
  });

  test('does not excuse a server that is slower in spite of a quicker client', async () => {
    const { summary } = await madeUp('quick client', { function: [3300, 600], tfserving: [1700, 200] });
    expect(rowOf(summary(), 'p50_ms_at_half', 'tfserving')).toMatchObject({ better: 'function' });
  });

  test('is not known over two protocols without a bare server, so that nothing is said', async () => {
    const made = await madeUp('no bare server', {
      function: [3300, 300],
      tfserving: [2000, 300],
      'tfserving-grpc': [2000, 300],
    });
    rmSync(join(made.folder, 'calibrate'), { recursive: true });
    expect(await made.report()).toMatchObject({ exitCode: 0, stderr: '' });
    for (const figure of LATENCIES) {
      expect(rowOf(made.summary(), figure, 'tfserving')).toMatchObject({ better: 'function', generator_part: null });
      expect(rowOf(made.summary(), figure, 'tfserving-grpc')).toMatchObject({
        better: null,
        ratio: null,
        why: 'How much of it is the load generator’s own, which differs by protocol, was not measured.',
      });
    }
  });
});

describe('the report of a whole run', () => {
  const whole = run('whole', (folder) => writeSyntheticRun(folder, { targets: MADE_UP }));
  beforeAll(async () => expect(await whole.report()).toMatchObject({ exitCode: 0, stderr: '' }));

  const SECTIONS = [
    'Conclusion',
    'Method',
    'Environment',
    'From idle to saturation',
    'Autoscaling',
    'Cost of a million requests',
    'Batch size',
    'Cold start',
    'Threats to validity',
    'Repeat it',
    'Appendix: each load',
  ];

  test('has every section as a page for browsers, which needs nothing else', () => {
    const html = whole.read('report.html').toString();
    expect([...html.matchAll(/<h2 [^>]*>(.*?)<\/h2>/g)].map(([, title]) => title)).toEqual(SECTIONS);
    expect(html).not.toMatch(/<script|<link|src=|href="(?!#)/);
    expect(html.match(/<details>/g)?.length).toBeGreaterThanOrEqual(3);
    expect(html).toContain('SYNTHETIC DATA');
    // A mark of a chart, with its values.
    expect(html).toMatch(/<title>[^<]*right answers\/s[^<]*<\/title>/);
  });

  test('names no font without others in its place, and has a dark colour for each of a chart', () => {
    const html = whole.read('report.html').toString();
    const [style = ''] = /<style>.*?<\/style>/s.exec(html) ?? [];
    for (const file of [html, whole.read('summary.svg').toString()]) {
      const fonts = new Set([...file.matchAll(/font-family="([^"]*)"/g)].map(([, font]) => font));
      expect([...fonts]).toEqual(['Inter, system-ui, sans-serif']);
      const colours = new Set(
        [...file.matchAll(/(?:fill|stroke)="(?!none|transparent|url|rgb)([^"]*)"/g)].map(([, colour]) => colour!),
      );
      expect(colours.size).toBeGreaterThan(5);
      for (const colour of colours) {
        expect(file).toMatch(
          new RegExp(`@media screen and \\(prefers-color-scheme:dark\\)\\{.*\\[fill="${colour}"\\]\\{fill:#`),
        );
      }
    }
    expect(style).toContain('color-scheme: light dark');
    expect(style).toMatch(
      /@media screen and \(prefers-color-scheme: dark\) \{ :root \{ --page: #0d1117; --text: #e6edf3;/,
    );
  });

  test('puts each table and each chart into a frame that scrolls, with what stands left of it in sight', () => {
    const html = whole.read('report.html').toString();
    const count = (pattern: RegExp) => html.match(pattern)?.length ?? 0;
    expect(count(/<table/g)).toBeGreaterThan(10);
    expect(count(/<div class="frame" tabindex="0"><table/gi)).toBe(count(/<table/g));
    expect(count(/<div class="frame" tabindex="0" role="img" aria-label="[^"]*"><svg/gi)).toBe(count(/<figure/g));
    // Each chart keeps its axis. The one drawing has none.
    const charts = [...html.matchAll(/<svg id="([^"]*)"[^>]*class="marks"/g)].map(([, id]) => id);
    const axes = [
      ...html.matchAll(/<svg class="axis" aria-hidden="true" width="\d+" height="\d+"><use href="#([^"]*)"/g),
    ];
    expect(axes.map(([, id]) => id)).toEqual(charts);
    expect(charts).toHaveLength(count(/<figure/g) - 1);
    expect(new Set(charts).size).toBe(charts.length);
    // Charts are drawn as large as they are, so that no letter is smaller than that.
    expect(html).toContain('min-width: max-content');
    for (const [, size] of html.matchAll(/font-size="([\d.]+)/g)) expect(Number(size)).toBeGreaterThanOrEqual(11);
  });

  test('has every section in the PDF, and says on each page that it is made up', async () => {
    const pages = await whole.pages();
    for (const page of pages) expect(page).toMatch(/^SYNTHETIC DATA: made up/);
    for (const title of SECTIONS) {
      expect(pages.join('\n')).toMatch(new RegExp(`^${title}$`, 'm'));
      // Something of the section stands below its title on the same page, whose last line is the foot.
      for (const page of pages) expect(page).not.toMatch(new RegExp(`^${title}\nRun 2026`, 'm'));
    }
    expect(pages[0]).toMatch(/^Within 10 ms, one replica of the function answers twice as many requests as$/m);
    // The chart is on it, too: its caption ends the page.
    expect(pages[0]).toMatch(/^Rate within 10 ms at p99,\s+requests.s\s↑\s\d[^]*The line is the\s+bound\.$/m);
    expect(pages[1]).toMatch(/^Method$/m);
    expect(pages.join('\n')).not.toMatch(/undefined|NaN|\[object/);
  });

  test('finds what was put in', () => {
    const summary = whole.summary();
    for (const row of summary.figures.filter(({ figure }) => /^(p\d+|cpu|rate|throughput|dollars|cold)/.test(figure))) {
      // TensorFlow Serving sustains no 80 % of what the function does; gRPC does so in some trials.
      if (row.target === 'function' || row.why || row.figure.endsWith('_at_80_percent')) continue;
      expect(row.ratio_low, row.figure).toBeGreaterThan(0);
      expect(row.ratio_high, row.figure).toBeGreaterThan(row.ratio_low!);
      if (!row.figure.startsWith('cold')) expect(row.noise_floor, row.figure).toBeGreaterThan(1);
    }
    for (const target of MADE_UP) {
      const { value } = rowOf(summary, 'rate_within_p99_10ms', target);
      expect(value! / rateWithin(TRUTHS[target], 0.99, 10_000), target).toBeCloseTo(1, 0.7);
    }
    // Both use 150 + 0.09 · (n − 1) and 210 + 0.005 · (n − 1) µs of CPU for n values, which are equal for 707.
    const crossing = summary.batchSizes.find(({ target, from }) => target === 'tfserving-grpc' && from !== null)!;
    expect(crossing.from! / 707).toBeCloseTo(1, 0);
  });

  test('is the same bytes again, in another time zone and language', async () => {
    const names = ['report.pdf', 'report.html', 'summary.csv', 'summary.json', 'summary.svg'];
    const before = names.map((name) => whole.read(name));
    for (const env of [
      { TZ: 'Asia/Kolkata', LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' },
      { TZ: 'America/Los_Angeles' },
    ]) {
      expect(await whole.report([], env)).toMatchObject({ exitCode: 0 });
      names.forEach((name, index) => expect(whole.read(name).equals(before[index]!), name).toBe(true));
    }
  });
});

describe('what the report says of a plan', () => {
  const small = run('small', (folder) =>
    copyPublished(folder, {
      experiments: ['calibrate', 'autoscale', 'capacity', 'latency', 'noise', 'batch', 'coldstart'],
      targets: ['function', 'tfserving'],
    }),
  );
  const html = async (members: Partial<Environment> = {}) => {
    changeEnvironment(small.folder, members);
    expect(await small.report()).toMatchObject({ exitCode: 0, stderr: '' });
    return small.read('report.html').toString();
  };
  const plan = { trials: 5, scaling: 'one' as const, steps: [] };

  test('names autoscalers that are set unlike, and what was left alone', async () => {
    const { servers, plan } = JSON.parse(small.read('environment.json').toString()) as Environment;
    Object.assign(servers.function!.chart!.values.autoscaling as object, { maxReplicas: 8 });
    delete plan.autoscale!.replicas;
    const text = await html({ servers, plan });
    for (const wanted of [
      'with 1 to 8 replicas of the function and 1 to 5 replicas of TensorFlow Serving',
      'The autoscalers are not alike (1 to 8 replicas and a target of 80 % CPU for the function and 1 to 5 replicas',
      'One value is asked of the function by GET and TensorFlow Serving by POST',
    ]) {
      expect(text).toContain(wanted);
    }
  });

  test('comes from environment.json', async () => {
    const { ceiling } = JSON.parse(small.read('environment.json').toString()) as Environment;
    const text = await html({
      ceiling: { ...ceiling!, share: 0.25 },
      plan: {
        batch: { ...plan, steps: [10, 20].map((batch) => ({ seconds: 15, users: 7, batch })) },
        latency: { ...plan, scaling: 'one', steps: [{ seconds: 90, users: 32, rate: 123 }] },
        autoscale: {
          ...plan,
          scaling: 'auto',
          replicas: { min: 2, max: 9 },
          steps: [50, 60].map((rate) => ({ seconds: 75, users: 32, rate })),
        },
        coldstart: { ...plan, trials: 12 },
      },
    });
    for (const wanted of [
      'sends 10 and 20 values in a request to one replica, with a CPU limit of 300m, each size for 15 s, with the ' +
        'time in which it settles; 5 trials.',
      'takes so long at a steady 123 requests/s, for 90 s',
      'the same rates (50 and 60 requests/s',
      'with 2 to 9 replicas',
      'starts a replica of each target 12 times',
      'requests/s, which is 25 % of the lowest of these.',
    ]) {
      expect(text).toContain(wanted);
    }
  });
});

test('a target that could not keep up is a finding: what it held and answered, not how long it took', async () => {
  const { folder, report, read, summary } = run('saturated', (folder) =>
    copyPublished(folder, { experiments: ['calibrate', 'autoscale'], targets: ['function', 'tfserving'], trials: 2 }),
  );
  for (const trial of [1, 2]) {
    const file = join(folder, `autoscale/${trial}/tfserving_steps.csv`);
    const [header, first, second, third = ''] = readFileSync(file, 'utf8').split(/\r?\n/);
    const [, , , , start = ''] = third.split(',');
    // 100 s in which 1000 or 2000 answers/s came where 4000 were offered; the last step was not begun.
    const overload = `2,32,1,4000,${start},${Number(start) + 100},${trial}00000,0,0,1`;
    writeFileSync(file, [header, first, second, overload, ''].join('\n'));
  }
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  const rows = tableRows(html);
  const rowOf = (name: string) => rows.find(([first]) => first?.startsWith(name))?.slice(1);
  expect(rowOf('Held with the autoscaler')).toEqual(['≥ 4,537', '2,268', '']);
  expect(rowOf('Answered at most when offered more')).toEqual(['–', '2,000', '']);
  expect(html).toMatch(
    /Answers\/s where it did not sustain the rate<\/td>\s*<td[^>]*>–<\/td>\s*<td[^>]*>1,000 of 4,000</,
  );
  expect(summary().invalid).toEqual([]);
});

test.each([
  [
    'without a cluster',
    { mode: 'local', kubernetes: null } as const,
    'These commands measure the same again',
    'images in the cluster',
  ],
  ['without a CPU limit', { servers: {} }, 'No CPU limit held the targets', 'CPU limits held the targets'],
])('the report of a run %s tells of none', async (name, members, wanted, unwanted) => {
  const { folder, report, read } = run(name, (folder) => copyPublished(folder, { experiments: ['batch'] }));
  changeEnvironment(folder, members);
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  expect(html).toContain(wanted);
  expect(html).not.toContain(unwanted);
});

describe('nodes of unlike CPUs', () => {
  const { folder, report, read, pages } = run('unlike-nodes', (folder) =>
    copyPublished(folder, { experiments: ['batch'], targets: ['function', 'tfserving'], trials: 1 }),
  );
  const [EPYC, XEON] = ['AMD EPYC 9R14', 'Intel Xeon E5-2676 v3'];
  const told = async (models: (string | null)[], pods: Environment['pods'] = {}, types: string[] = []) => {
    const { kubernetes } = JSON.parse(read('environment.json').toString()) as Environment;
    const [node] = kubernetes!.nodes;
    const nodes = models.map((cpuModel, index) => {
      const type = types[index];
      return { ...node!, name: `n${index}`, cpuModel, ...(type !== undefined && { instanceType: type }) };
    });
    changeEnvironment(folder, { kubernetes: { ...kubernetes!, nodes }, pods });
    expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
    return read('report.html').toString();
  };
  const ran = (one: string, other: string) => ({ function: { a: one }, tfserving: { b: other } });

  test('are a threat, with what each target ran on, and Method claims no sameness', async () => {
    const html = await told([EPYC, XEON], ran('n0', 'n1'));
    const sentence =
      'The targets ran on nodes of unlike CPUs (AMD EPYC 9R14 for the function and Intel Xeon E5-2676 v3 for TensorFlow';
    expect(html.split(sentence)).toHaveLength(3);
    expect(html).toContain('but the nodes have unlike CPUs');
    expect((await pages())[0]).toContain('nodes of unlike CPUs');
  });

  test('are a threat where the run does not tell what ran where', async () => {
    expect(await told([EPYC, XEON])).toContain(
      'The nodes have unlike CPUs (AMD EPYC 9R14 and Intel Xeon E5-2676 v3), and no file tells on which of them',
    );
  });

  test('are told by the types of instances where the models are not known', async () => {
    expect(await told([EPYC, null], ran('n0', 'n1'), ['m7a', 'm4'])).toContain(
      '(m7a for the function and m4 for TensorFlow',
    );
  });

  test('are none where no target ran on the other, or it is not known', async () => {
    for (const html of [
      await told([EPYC, XEON], ran('n0', 'n0')),
      await told([EPYC, null], ran('n0', 'n1')),
      await told([EPYC, EPYC], ran('n0', 'n1')),
    ]) {
      expect(html).not.toContain('unlike CPUs');
      expect(html).toContain('run with the same CPU and memory');
    }
  });
});

test('a machine that others disturbed is among the threats', async () => {
  const { folder, report, read } = run('disturbed', (folder) =>
    copyPublished(folder, { experiments: ['calibrate', 'batch'], trials: 1 }),
  );
  const file = join(folder, 'batch/1/function_verdict.json');
  const verdict = JSON.parse(readFileSync(file, 'utf8')) as Verdict;
  const change = async (stolenCores: number) => {
    writeFileSync(file, JSON.stringify({ ...verdict, generator: { ...verdict.generator, stolenCores } }));
    expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
    return read('report.html').toString();
  };
  expect(await change(0.01)).not.toContain('The machine was disturbed');
  expect(await change(0.25)).toContain('others on its host took 0.250 cores from it');
});

test('the latencies of a bare server at the same rate stand beside those of the targets', async () => {
  const { folder, report, read } = run('floor', (folder) =>
    copyPublished(folder, { experiments: ['calibrate', 'latency'] }),
  );
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const table = /<th[^>]*>Percentile, ms<\/th>.*?<\/tr><\/thead><tbody><tr>(.*?)<\/tr>/s.exec(
    read('report.html').toString(),
  )!;
  expect(table[0].match(/Bare server/g)).toHaveLength(3);
  const [, , , bare] = table[1]!.split('<td');
  const calibrated = bareLoadOf({ measurements: readMeasurements(folder), key: 'function' }, 'floor')!;
  expect(bare).toContain(`>${number(percentile([latencyOf(calibrated)], 0.5) / 1000)}<`);
});

test('a note stands on the first page in a sentence, and whole among the threats', async () => {
  const { folder, report, pages, summary } = run('noted', writeGoldenRun);
  const note = 'Version 2.20.0 was slow\nhere. It was warm.\n\n  A second paragraph.';
  changeEnvironment(folder, { note });
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const [first = '', ...others] = await pages();
  const [, page] = /^Note: Version 2\.20\.0 was slow here\. The whole note: page (\d+)$/m.exec(first)!;
  expect(first).not.toContain('It was warm.');
  // With three targets and a note, the chart and its caption are still on this page.
  expect(first).toMatch(/The line is the\s+bound\.$/m);
  expect(others[Number(page) - 2]).toMatch(/Version 2\.20\.0 was slow here\. It was warm\.\n.*A second paragraph\./);
  expect(summary()).toMatchObject({ note });
});

describe('a note, a name or a path in another script', () => {
  const TEXTS = {
    Chinese: '这台机器的两个核心',
    Japanese: 'これは日本語のメモです',
    Korean: '한국어 메모',
    Arabic: 'هذه ملاحظة',
    Hebrew: 'הערה',
    Hindi: 'यह एक नोट है',
    Thai: 'ภาษาไทย',
    Greek: 'Σημείωση',
    Russian: 'Заметка',
    Armenian: 'Նշում',
  };
  const written = (name: string, text: string) =>
    run(name, (folder) => {
      writeGoldenRun(folder, { targets: ['function', 'tfserving'] });
      const { machine } = JSON.parse(readFileSync(join(folder, 'environment.json'), 'utf8')) as Environment;
      changeEnvironment(folder, { note: text, machine: { ...machine, cpuModel: text } });
    });

  test('has its letters in the PDF, by fonts that come with it', async () => {
    const { report, read, pages } = written('scripts', Object.values(TEXTS).join('\n\n'));
    expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
    const pdf = read('report.pdf');
    // How letters join, and from where to where a text runs, is for the fonts to say: each letter is there.
    const text = (await pages()).join('\n').normalize('NFKC');
    for (const [script, its] of Object.entries(TEXTS)) {
      for (const letter of its.matchAll(/\p{L}/gu)) expect(text, script).toContain(letter[0]);
    }
    expect(await report()).toMatchObject({ exitCode: 0 });
    expect(read('report.pdf').equals(pdf)).toBe(true);
  });

  test('is told where no font has a letter, and the report is made', async () => {
    const { report, pages } = written('rare', 'Fast 🚀 and ᚠast. 👩‍💻');
    const { exitCode, stderr } = await report();
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /^The PDF: No font here has 🚀 \(U\+1F680\), ᚠ \(U\+16A0\), 👩 \(U\+1F469\), 💻 \(U\+1F4BB\), so that/,
    );
    expect(stderr).toContain('in “Conclusion”, “Environment”, “Threats to validity”. ');
    expect((await pages())[0]).toContain('Note: Fast');
  });
});

test('a long path in a note stays on the page', async () => {
  const { folder, report, pages } = run('path', writeGoldenRun);
  const path = `/home/müller${'/deeper-and-deeper'.repeat(12)}/report.json`;
  changeEnvironment(folder, { note: `See ${path} for more.` });
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  // Each line of the PDF is a line of the text.
  expect((await pages()).join('\n')).not.toContain(path);
  expect((await pages()).join('').replaceAll(/\s/g, '')).toContain(path);
});

test('a long label has several lines in the head of a table', async () => {
  const label = 'TensorFlowServingOfTheOtherTeamInTheOtherCluster';
  const { folder, report, pages } = run('labelled', writeGoldenRun);
  const { interfaces } = JSON.parse(readFileSync(join(folder, 'environment.json'), 'utf8')) as Environment;
  changeEnvironment(folder, { interfaces: { ...interfaces, tfserving: { ...interfaces.tfserving!, label } } });
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const [first = ''] = await pages();
  expect(first).not.toContain(label);
  expect(first.replaceAll(/\s/g, '')).toContain(`Function${label}`);
});

test('a report is the same when the folder of its run has another name', async () => {
  const [one, other] = [run('before', writeGoldenRun), run('after', writeGoldenRun)];
  for (const { report } of [one, other]) expect(await report()).toMatchObject({ exitCode: 0 });
  for (const name of ['report.pdf', 'report.html', 'summary.csv', 'summary.json', 'summary.svg']) {
    expect(one.read(name).equals(other.read(name)), name).toBe(true);
  }
});

test('any change of a file shows in the report', async () => {
  const { folder, report, read } = run('changed', (folder) =>
    copyPublished(folder, { experiments: ['batch'], trials: 1 }),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  const before = read('report.pdf');
  const file = join(folder, 'batch/1/function_stats_history.csv');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(/\d(?=\r?\n$)/, (digit) => String((Number(digit) + 1) % 10)),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(read('report.pdf').equals(before)).toBe(false);
});

test('the picture says that its run is made up, and keeps its text as text', async () => {
  const { report, read } = run('picture', (folder) => writeGoldenRun(folder, { targets: ['function', 'tfserving'] }));
  expect(await report()).toMatchObject({ exitCode: 0 });
  const svg = read('summary.svg').toString();
  expect(svg).toMatch(/<text [^>]*>p99, ms<\/text>/);
  expect(svg).toMatch(/<tspan>SYNTHETIC DATA/);
  expect(svg).toContain('prefers-color-scheme:dark');
});

test('what was not measured has no section, and the first page says so', async () => {
  const { report, read, summary } = run('part', (folder) =>
    copyPublished(folder, { experiments: ['calibrate', 'batch'], targets: ['function', 'tfserving'], trials: 1 }),
  );
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  expect(html).toContain(
    'This report says nothing about the rate within a latency, autoscaling, cost and cold start: no trial of sweep, ' +
      'autoscale or coldstart counts for both targets.',
  );
  expect(html).not.toContain('>Autoscaling</h2>');
  expect(summary().headline).toBe(
    'At every size of a request, 1 to 10,000 values, the function seems a better choice than TensorFlow Serving.',
  );
  expect(html.split(summary().headline)).toHaveLength(2);
  // What was not run has no row of dashes.
  expect(html).not.toMatch(/<td[^>]*>Cold start/);
});

test('a target that was measured alone has its values, and nothing to compare them with', async () => {
  const { report, summary, pages } = run('alone', (folder) =>
    copyPublished(folder, { experiments: ['latency', 'coldstart'], targets: ['function'] }),
  );
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(summary().headline).toMatch(/^A request to the function takes [\d.]+ µs of CPU\.$/);
  for (const figure of ['p99_ms', 'cold_start_ms', 'image_mb']) {
    expect(rowOf(summary(), figure, 'function').value, figure).toBeGreaterThan(0);
  }
  const text = (await pages()).join('\n');
  expect(text).toMatch(/^There is no other target to compare it with\.$/m);
  expect(text).toMatch(/^Throughput, and latency at one rate$/m);
});

test('a run that is quick or did not end says so on each page', async () => {
  const { report, pages } = run('quick', (folder) =>
    writeGoldenRun(folder, { environment: { quick: true, interrupted: true } }),
  );
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  for (const page of await pages()) expect(page).toMatch(/QUICK RUN: a first impression[^]*NOT\s+COMPLETE/);
});

test('a target that runs elsewhere has a part in autoscaling, though its replicas are not known', async () => {
  const { folder, report, read } = run('elsewhere', (folder) =>
    copyPublished(folder, { experiments: ['autoscale'], trials: 1 }),
  );
  rmSync(join(folder, 'autoscale/1/tfserving_timeline.csv'));
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(read('report.html').toString()).toMatch(
    /<td[^>]*>Most replicas that were ready<.td><td[^>]*>\d<.td><td[^>]*>–<.td>/,
  );
});

test('one trial has no interval, and no winner', async () => {
  const { report, summary } = run('one', (folder) =>
    copyPublished(folder, { experiments: ['latency', 'batch'], trials: 1 }),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(summary().headline).toMatch(
    /^First impression: a request to TensorFlow Serving takes [\d.]+ times as much CPU as one to the function, and one to /,
  );
  expect(summary().sizes).toMatch(
    /^At every size of a request, 1 to 10,000 values, the function seems a better choice/,
  );
  expect(rowOf(summary(), 'p99_ms', 'tfserving')).toMatchObject({ better: null, ratio_low: null });
  expect(summary().batchSizes[0]!.sentence).toMatch(/\(one trial, so there is no interval\)\.$/);
});

test('equal targets have no difference that can be shown', async () => {
  const { report, summary } = run('equal', (folder) =>
    writeSyntheticRun(folder, {
      truths: { ...TRUTHS, tfserving: TRUTHS.function },
      experiments: ['calibrate', 'sweep', 'coldstart'],
    }),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(summary().headline).toBe(
    'The trials show no difference between the function and TensorFlow Serving in how many requests one replica ' +
      'answers within 10 ms.',
  );
});

test('a load that does not count is in red with its reason, and its figures are left out', async () => {
  const reason = 'The load generator was the bottleneck.';
  const { report, summary, read, pages } = run('invalid', (folder) => {
    copyPublished(folder, { experiments: ['batch', 'latency'], targets: ['function', 'tfserving'], trials: 2 });
    for (const trial of [1, 2]) {
      const file = join(folder, `latency/${trial}/function_verdict.json`);
      const verdict = JSON.parse(readFileSync(file, 'utf8')) as Verdict;
      writeFileSync(file, JSON.stringify({ ...verdict, verdict: 'INVALID', reasons: [reason] }));
    }
  });
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(read('report.html').toString()).toContain(
    `<p class="alert" role="alert">INVALID: latency/1 and latency/2 of the function. ${reason}</p>`,
  );
  const [first = '', ...others] = await pages();
  const [, page] = /^2 of 8 loads don’t count, of latency: page (\d+)$/m.exec(first)!;
  expect(first).not.toContain(reason);
  expect(others[Number(page) - 2]).toContain(reason);
  expect(read('report.html').toString()).toContain('<strong class="bad">INVALID</strong>');
  expect(rowOf(summary(), 'p99_ms', 'function')).toMatchObject({ value: null, why: `INVALID: ${reason}` });
  expect(summary().invalid).toHaveLength(2);
});

test('a trial that counts for one target and not for another is left out with that one only', async () => {
  const { folder, report, summary } = run('partly', writeGoldenRun);
  for (const kind of ['latency', 'steps', 'seconds', 'pods']) rmSync(join(folder, `sweep/3/tfserving_${kind}.csv`));
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(MADE_UP.map((target) => rowOf(summary(), 'p99_ms_at_half', target).pairs)).toEqual([null, 2, 2]);
  // The third trial of the function counts for no other target: its CPU is that of the first two.
  expect(rowOf(summary(), 'cpu_per_request_us_at_half', 'function').value).toBeCloseTo(105, 9);
  expect(rowOf(summary(), 'cpu_per_request_us_at_half', 'tfserving').ratio).toBeCloseTo(105 / 200, 9);
});

describe('bad input is told by file, line and column, and leaves no report', () => {
  const good = join(folders, 'good');
  beforeAll(() => copyPublished(good, { experiments: ['batch', 'capacity', 'latency'], trials: 1 }));

  const edit = (path: string, change: (text: string) => string) => (folder: string) =>
    writeFileSync(join(folder, path), change(readFileSync(join(folder, path), 'utf8')));
  const LATENCY = 'latency/1/function_latency.csv';

  test.each<[string, (folder: string) => void, RegExp]>([
    [
      'a word for a number',
      edit(LATENCY, (text) => text.replace(/,\d+\n/, ',many\n')),
      /function_latency\.csv, line 2, column count: "many" is not a whole number\.$/,
    ],
    [
      'a negative number',
      edit('capacity/1/tfserving_steps.csv', (text) => text.replace(/^0,1,/m, '0,-1,')),
      /tfserving_steps\.csv, line 2, column users: "-1" is not a whole number\.$/,
    ],
    [
      'a row cut off',
      edit(LATENCY, (text) => text.slice(0, -3)),
      /function_latency\.csv, line \d+: the line is cut off, and maybe others are lost\.$/,
    ],
    [
      'a column missing',
      edit('batch/1/function_seconds.csv', (text) => text.replace('p99_us', 'p98_us')),
      /function_seconds\.csv, line 1: a column "p98_us" is not known; the columns must be timestamp_s,/,
    ],
    ['an empty file', edit(LATENCY, () => ''), /function_latency\.csv is empty\.$/],
    [
      'broken JSON',
      edit('latency/1/tfserving_verdict.json', (text) => text.slice(0, 40)),
      /tfserving_verdict\.json is not JSON: .*\.$/,
    ],
    [
      'a verdict of no kind',
      edit('latency/1/tfserving_verdict.json', (text) => text.replace('"VALID"', '"FINE"')),
      /tfserving_verdict\.json, verdict: .*"FINE".*\.$/,
    ],
    ['no environment', (folder) => rmSync(join(folder, 'environment.json')), /environment\.json is missing\.$/],
    [
      'another start of time',
      (folder) => changeEnvironment(folder, { started: 'yesterday' }),
      /environment\.json, started: .*"yesterday".*\.$/,
    ],
    [
      'a file that has no place there',
      (folder) => writeFileSync(join(folder, 'latency/1/notes.txt'), 'x'),
      /latency\/1\/notes\.txt is not a file of a trial: /,
    ],
    [
      'bytes that are no text',
      (folder) => writeFileSync(join(folder, LATENCY), Buffer.from([0xff, 0xfe, 0x00])),
      /function_latency\.csv is not text in UTF-8\.$/,
    ],
    ['a file of a load missing', (folder) => rmSync(join(folder, LATENCY)), /latency\/1 has no latency of function\.$/],
  ])('%s', async (name, spoil, message) => {
    const { folder, report } = run(`bad ${name}`, (folder) => cpSync(good, folder, { recursive: true }));
    spoil(folder);
    const { exitCode, stderr } = await report();
    expect({ exitCode, lines: stderr.split('\n').length }).toEqual({ exitCode: 1, lines: 1 });
    expect(stderr).toMatch(message);
    expect(existsSync(join(folder, 'report.pdf'))).toBe(false);
  });

  test.each([
    [['nowhere'], 1, /^nowhere is missing\.$/],
    [[], 2, /^The folder of a run is missing, such as results\//m],
    [['a', 'b'], 2, /too many arguments/],
    [['a', '--node-price', 'free'], 2, /A number above 0 is wanted\./],
    [['--compare', 'a'], 2, /--compare takes the folders of two runs, and nothing else\./],
    [['--colour'], 2, /unknown option '--colour'/],
  ])('%j', async (args, code, message) => {
    const { exitCode, stderr } = await execa(process.execPath, [MAIN, ...args], { reject: false });
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('an empty folder holds nothing to report', async () => {
    const { report } = run('empty', (folder) => {
      cpSync(join(good, 'environment.json'), join(folder, 'environment.json'));
    });
    expect((await report()).stderr).toMatch(/holds no experiment: nothing was measured there\.$/);
  });
});

describe('two runs side by side', () => {
  const compare = (...args: string[]) =>
    execa(process.execPath, [MAIN, '--compare', join(folders, 'a'), join(folders, 'b'), ...args], { reject: false });
  beforeAll(() => {
    for (const name of ['a', 'b']) writeGoldenRun(join(folders, name));
  });

  test('are compared target by target', async () => {
    expect(await compare()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readdirSync(join(folders, 'b'))).toContain('comparison.pdf');
    const html = readFileSync(join(folders, 'b/comparison.html'), 'utf8');
    for (const title of ['The function', 'TensorFlow Serving', 'TensorFlow Serving over gRPC', 'Environment']) {
      expect(html).toContain(`>${title}</h2>`);
    }
    expect(html).toContain('The trials show no difference between the function in A and the function in B in how many');
  });

  test('have their throughput by CPU limits of their own', () => {
    const [limited, free] = ['limited', 'free'].map((name) => join(folders, name));
    writeGoldenRun(limited!);
    writeGoldenRun(free!);
    const twice = { requests: { cpu: '1' }, limits: { cpu: '1' } };
    const { servers } = JSON.parse(readFileSync(join(free!, 'environment.json'), 'utf8')) as Environment;
    changeEnvironment(free!, { servers: { function: { ...servers.function!, resources: { one: twice } } } });
    const target = (folder: string) => targetsOf(readMeasurements(folder))[0];
    const throughput = figuresOf([target(limited!), target(free!)]).find(({ key }) => key === 'throughput_per_cpu');
    expect(throughput?.comparisons[0]?.ratio?.value).toBeCloseTo(2, 9);
  });

  test('are refused if they are of unlike environments, unless one insists', async () => {
    changeEnvironment(join(folders, 'b'), { quick: true, kubernetes: null });
    const { exitCode, stderr } = await compare();
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      `${join(folders, 'a')} and ${join(folders, 'b')} differ in version of Kubernetes, nodes and time that was ` +
        'measured (environment.json), so that their figures would differ for that alone; --allow-unlike compares ' +
        'them all the same.',
    );
    expect(await compare('--allow-unlike')).toMatchObject({ exitCode: 0 });
  });
});
