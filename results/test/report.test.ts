// `npm run report` on runs that are made up: figures worked out by hand, the files as a user gets them, and bad input.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { execa } from 'execa';
import { extractText } from 'unpdf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { figuresOf } from '../report/figures.ts';
import { latencyOf, readMeasurements } from '../report/measurements.ts';
import { percentile } from '../report/statistics.ts';
import type { Environment, Verdict } from '../files.ts';
import { changeEnvironment, writeGoldenRun } from './golden.ts';
import { writeSyntheticRun } from './synthetic/run.ts';

const MAIN = join(import.meta.dirname, '../report/main.ts');

const folders = mkdtempSync(join(tmpdir(), 'report-'));
afterAll(() => rmSync(folders, { recursive: true }));

interface Summary {
  verdict: { headline: string; sentences: string[] };
  figures: {
    key: string;
    function: { value: number } | null;
    tfserving: { value: number } | null;
    ratio: { value: number; low: number | null; high: number | null } | null;
    noiseFloor: number | null;
    better: string | null;
    pairs: number;
    why: string | null;
  }[];
  invalid: { reasons: string[] }[];
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

describe('figures that were worked out by hand', () => {
  const golden = run('golden', writeGoldenRun);
  let summary: Summary;
  beforeAll(async () => {
    expect(await golden.report()).toMatchObject({ exitCode: 0, stderr: '' });
    summary = golden.summary();
  });

  const exactly = (value: number) => ({ value, low: value, high: value });

  test.each([
    // 294 of 300 answers took 1 ms, 6 took 3 ms; and 270 took 2 ms, 30 took 6 ms. All trials are alike.
    ['p50_ms', 1, 2, exactly(0.5)],
    ['p95_ms', 1, 6, exactly(1 / 6)],
    ['p99_ms', 3, 6, exactly(0.5)],
    // 0.06 s and 0.12 s of 600 requests. The logarithms of 0.5, 0.55 and 0.45 have a standard deviation of 0.100377,
    // and Student's t with 2 degrees of freedom is 4.30265: 0.5 · exp(∓ 4.30265 · 0.100377 / √3).
    ['cpu_per_request_us', 100, 200, { value: 0.5, low: 0.389653, high: 0.641596 }],
    // The best steps have 400, 410 and 390 answers in 10 s each, and 100 each, on a fifth of a CPU.
    ['throughput_per_cpu', 200, 50, { value: 4, low: 3.759, high: 4.256 }],
    // Three starts, whose ratios are 0.25, 0.5 and 0.3.
    ['cold_start_ms', 200, 400, { value: 0.5, low: 0.2048, high: 1.2207 }],
    ['image_mb', 100, 400, { value: 0.25, low: null, high: null }],
    ['memory_idle_mb', 50, 250, { value: 0.2, low: null, high: null }],
    ['memory_loaded_mb', 80, 320, { value: 0.25, low: null, high: null }],
  ])('%s', (key, one, other, ratio) => {
    const figure = summary.figures.find((each) => each.key === key)!;
    expect(figure.function!.value).toBeCloseTo(one, 9);
    expect(figure.tfserving!.value).toBeCloseTo(other, 9);
    const close = (value: unknown) => (typeof value === 'number' ? (expect.closeTo(value, 3) as unknown) : value);
    expect(figure.ratio).toEqual({ value: close(ratio.value), low: close(ratio.low), high: close(ratio.high) });
  });

  test('the verdict says what the intervals show, and no more', () => {
    expect(summary.verdict.headline).toBe(
      'The function does better than TensorFlow Serving in 4 of 5 figures; 1 shows no difference.',
    );
    expect(summary.verdict.sentences).toHaveLength(2);
    expect(summary.verdict.sentences[1]).toBe(
      'The trials show no difference in cold start (ratio 0.500, 95 % interval 0.205 to 1.22).',
    );
  });

  test('the function from no pod, on Knative, stands beside a new pod of it', () => {
    const rows = [
      ...golden
        .read('report.html')
        .toString()
        .matchAll(/<tr>(.*?)<\/tr>/gs),
    ].map(([, row = '']) => [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => cell));
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
    expect(rows.map(({ figure }) => figure)).toEqual(summary.figures.map(({ key }) => key));
    const cpu = rows.find(({ figure }) => figure === 'cpu_per_request_us')!;
    expect({ unit: cpu.unit, pairs: cpu.pairs, better: cpu.better }).toEqual({
      unit: 'µs',
      pairs: '3',
      better: 'function',
    });
    expect(Number(cpu.ratio_low)).toBeCloseTo(0.389653, 6);
    expect(cpu.source).toMatch(/^latency\/\*\/<target>_pods\.csv: /);
  });
});

describe('the report of a whole run', () => {
  const whole = run('whole', (folder) => writeSyntheticRun(folder));
  beforeAll(async () => expect(await whole.report()).toMatchObject({ exitCode: 0, stderr: '' }));

  const SECTIONS = [
    'Verdict',
    'Method',
    'Environment',
    'Latency at the same rate',
    'Throughput of one replica',
    'Autoscaling',
    'Cost of a million requests',
    'Batch size',
    'Cold start',
    'Accuracy',
    'Threats to validity',
    'Repeat it',
    'Appendix: each load',
  ];

  test('has every section as a page for browsers, which needs nothing else', () => {
    const html = whole.read('report.html').toString();
    expect([...html.matchAll(/<h2 [^>]*>(.*?)<\/h2>/g)].map(([, title]) => title)).toEqual(SECTIONS);
    expect(html).not.toMatch(/<script|<link|src=|href="(?!#)/);
    expect(html.match(/<details>/g)?.length).toBeGreaterThanOrEqual(5);
    expect(html).toContain('SYNTHETIC DATA');
    // A mark of a chart, with its values.
    expect(html).toMatch(/<title>[^<]*users[^<]*<\/title>/);
  });

  test('has every section in the PDF, and says on each page that it is made up', async () => {
    const pages = await whole.pages();
    for (const page of pages) expect(page).toMatch(/^SYNTHETIC DATA: made up/);
    for (const title of SECTIONS) expect(pages.join('\n')).toMatch(new RegExp(`^${title}$`, 'm'));
    expect(pages[0]).toMatch(/^The function does better than TensorFlow Serving in all 5 figures\.$/m);
    expect(pages[0]).toMatch(/^CPU per request, .s \d/m);
    expect(pages.join('\n')).not.toMatch(/undefined|NaN|\[object/);
  });

  test('finds what was put in', () => {
    const { figures } = whole.summary();
    for (const { key, ratio, noiseFloor } of figures.filter(({ key }) => /^(p\d+|cpu|throughput|cold)/.test(key))) {
      expect(ratio?.low, key).toBeGreaterThan(0);
      expect(ratio!.high!, key).toBeGreaterThan(ratio!.low!);
      if (/^(p\d+|cpu)/.test(key)) expect(noiseFloor, key).toBeGreaterThan(1);
    }
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

describe('what the report says of a plan comes from the files of the run', () => {
  const small = run('small', (folder) => writeSyntheticRun(folder, { quick: true, trials: 1 }));
  let html: string;
  beforeAll(async () => {
    const { folder, report, read } = small;
    for (const file of ['function', 'tfserving'].map((target) => join(folder, `batch/1/${target}_steps.csv`))) {
      // The second column is the number of users.
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/^(\d+),4,/gm, '$1,2,'));
    }
    const { charts, ceiling, resources } = JSON.parse(read('environment.json').toString()) as Environment;
    Object.assign(charts['f2c-function']!.values.autoscaling as object, { maxReplicas: 8 });
    const least = Math.min(...Object.values(ceiling!.requestsPerSecond));
    resources['function/core'] = resources['tfserving/core'] = { requests: {}, limits: { cpu: '1' } };
    changeEnvironment(folder, { charts, resources, ceiling: { ...ceiling!, bound: 0.4 * least } });
    expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
    html = read('report.html').toString();
  });

  test.each([
    ['users', 'from 2 users.'],
    ['batches', 'sends 1, 10, 100, 1,000 and 10,000 values in a request'],
    ['bounds of unlike autoscalers', 'with 1 to 8 replicas of the function and 1 to 5 replicas of TensorFlow Serving'],
    ['share of the ceiling', 'requests/s, which is 40 % of the lowest of these.'],
    ['CPU limit of latency', 'latency offers one replica, with a CPU limit of 1, a steady'],
    ['CPU limit of capacity', 'capacity loads one replica, with a CPU limit of 200m, with 1, 2, 4,'],
    ['cold starts', 'starts a replica of each target 3 times'],
    ['starts from zero', 'asks the function on Knative 3 times when no pod of it runs'],
    ['rounds of noise', 'repeats latency with the function alone, 2 times.'],
  ])('%s', (_, text) => expect(html).toContain(text));
});

test('a target that could not keep up is a finding: what it held and answered, not how long it took', async () => {
  const { folder, report, read, summary } = run('saturated', (folder) =>
    writeSyntheticRun(folder, { trials: 2, experiments: ['calibrate', 'autoscale'] }),
  );
  for (const trial of [1, 2]) {
    const file = join(folder, `autoscale/${trial}/tfserving_steps.csv`);
    const [header, first, second, third = ''] = readFileSync(file, 'utf8').split(/\r?\n/);
    const [, , , , start = ''] = third.split(',');
    // 100 s in which 1000 or 2000 answers/s came where 4000 were promised; the last step was not begun.
    const overload = `2,32,1,4000,${start},${Number(start) + 100},${trial}00000,0,0,1`;
    writeFileSync(file, [header, first, second, overload, ''].join('\n'));
  }
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  expect(html).toMatch(
    /With the autoscaler, the function held 4,\d+ requests\/s \(\d replicas, [\d.]+ cores\) and TensorFlow Serving held 2,\d+ requests\/s \(\d replicas, [\d.]+ cores\), and answered at most 2,000\./,
  );
  expect(html).toMatch(/Answers\/s where it could not keep up<\/td>\s*<td[^>]*>–<\/td>\s*<td[^>]*>1,000 of 4,000</);
  expect(summary().invalid).toEqual([]);
});

test.each([
  [
    'without a cluster',
    { mode: 'local', kubernetes: null } as const,
    'These commands measure the same again',
    'images in the cluster',
  ],
  ['without a CPU limit', { resources: {} }, 'No CPU limit held the targets', 'CPU limits held the targets'],
])('the report of a run %s tells of none', async (name, members, wanted, unwanted) => {
  const { folder, report, read } = run(name, (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['batch'] }),
  );
  const { kubernetes } = JSON.parse(read('environment.json').toString()) as Environment;
  changeEnvironment(folder, { kubernetes: { ...kubernetes!, nodes: kubernetes!.nodes.slice(0, 1) }, ...members });
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  expect(html).toContain(wanted);
  expect(html).not.toContain(unwanted);
});

test('a machine that others disturbed is among the threats', async () => {
  const { folder, report, read } = run('disturbed', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['calibrate', 'batch'] }),
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
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['calibrate', 'latency'] }),
  );
  cpSync(join(folder, 'calibrate/1'), join(folder, 'calibrate/3'), { recursive: true });
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const table = /<th[^>]*>Percentile, ms<\/th>.*?<\/tr><\/thead><tbody><tr>(.*?)<\/tr>/s.exec(
    read('report.html').toString(),
  )!;
  expect(table[0].match(/Bare server/g)).toHaveLength(2);
  const [, , , , bare] = table[1]!.split('<td');
  const calibrated = readMeasurements(folder).parts.find(({ experiment }) => experiment === 'calibrate')!;
  expect(bare).toContain(`>${(percentile([latencyOf(calibrated)], 0.5) / 1000).toPrecision(3)}<`);
});

test('latencies of a target that stood at its CPU limit are called those of the limit', async () => {
  const { folder, report, read } = run('throttled', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['calibrate', 'latency'] }),
  );
  const load = readMeasurements(folder).parts.find(
    ({ experiment, target }) => experiment === 'latency' && target === 'tfserving',
  );
  const [step] = load!.read('steps');
  const counters = [
    'timestamp_s,pod,periods,throttled_periods',
    `${step!.start_s + 1},a,100,0`,
    `${step!.end_s - 1},a,200,12`,
  ];
  writeFileSync(join(folder, 'latency/1/tfserving_throttling.csv'), `${counters.join('\n')}\n`);
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  expect(html).toContain('TensorFlow Serving stood at its CPU limit in up to 12 % of its CPU periods');
  expect(html).not.toContain('Function stood at its CPU limit');
});

test('a note stands on the first page in a sentence, and whole among the threats', async () => {
  const { folder, report, pages, summary } = run('noted', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['batch'] }),
  );
  const note = 'Version 2.20.0 was slow\nhere. It was warm.\n\n  A second paragraph.';
  changeEnvironment(folder, { note });
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const [first = '', ...others] = await pages();
  const [, page] = /^Note: Version 2\.20\.0 was slow here\. The whole note: page (\d+)$/m.exec(first)!;
  expect(first).not.toContain('It was warm.');
  expect(others[Number(page) - 2]).toMatch(/Version 2\.20\.0 was slow here\. It was warm\.\n.*A second paragraph\./);
  expect(summary()).toMatchObject({ note });
});

test('a report is the same when the folder of its run has another name', async () => {
  const write = (folder: string) => writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['coldstart'] });
  const [one, other] = [run('before', write), run('after', write)];
  for (const { report } of [one, other]) expect(await report()).toMatchObject({ exitCode: 0 });
  for (const name of ['report.pdf', 'report.html', 'summary.csv', 'summary.json', 'summary.svg']) {
    expect(one.read(name).equals(other.read(name)), name).toBe(true);
  }
});

test('any change of a file shows in the report', async () => {
  const { folder, report, read } = run('changed', (folder) => writeSyntheticRun(folder, { quick: true, trials: 1 }));
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
  const { report, read } = run('picture', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 2, experiments: ['coldstart'] }),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  const svg = read('summary.svg').toString();
  expect(svg).toMatch(/<text [^>]*>Cold start<\/text>/);
  expect(svg).toMatch(/<tspan>SYNTHETIC DATA/);
  expect(svg).toContain('prefers-color-scheme:dark');
});

test('what was not measured has no section, and the first page says so', async () => {
  const { report, read, summary } = run('part', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['calibrate', 'batch'] }),
  );
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  expect(html).toContain(
    'This report says nothing about latency, throughput of one replica, autoscaling, cost and cold start: no ' +
      'trial of latency, capacity, autoscale or coldstart counts for both targets.',
  );
  expect(html).not.toContain('>Autoscaling</h2>');
  expect(html).toContain('QUICK RUN');
  expect(summary().verdict.headline).toBe(
    'The trials can’t say whether the function or TensorFlow Serving does better.',
  );
});

test('a target that was measured alone has its values, and no ratio', async () => {
  const { report, summary } = run('alone', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, targets: ['function'], experiments: ['latency', 'coldstart'] }),
  );
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  for (const key of ['p99_ms', 'cold_start_ms', 'image_mb']) {
    const figure = summary().figures.find((each) => each.key === key)!;
    expect(figure, key).toMatchObject({ tfserving: null, ratio: null, better: null });
    expect(figure.function!.value, key).toBeGreaterThan(0);
    expect(figure.why, key).toMatch(/was not run with both targets\.$/);
  }
});

test('a target that runs elsewhere has a part in autoscaling, though its replicas are not known', async () => {
  const { folder, report, read } = run('elsewhere', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['autoscale'] }),
  );
  rmSync(join(folder, 'autoscale/1/tfserving_timeline.csv'));
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(read('report.html').toString()).toMatch(
    /<td[^>]*>Most replicas that were ready<.td><td[^>]*>\d<.td><td[^>]*>–<.td>/,
  );
});

test('one trial has no interval, and no verdict', async () => {
  const { report, summary } = run('one', (folder) => writeSyntheticRun(folder, { quick: true, trials: 1 }));
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(summary().verdict.sentences.join(' ')).toMatch(/1 trial can’t show how much results differ from run to run/);
  expect(summary().figures.find(({ key }) => key === 'p99_ms')).toMatchObject({ better: null, ratio: { low: null } });
});

test('equal targets have no difference that can be shown', async () => {
  const truth = {
    capacity: 1000,
    cpuMicroseconds: 100,
    latencyMicroseconds: { median: 2000, sigma: 0.4 },
    coldStartMs: 1000,
    imageBytes: 1e8,
    memoryIdleBytes: 1e8,
    memoryLoadedBytes: 1e8,
    failureShare: 0,
  };
  const { report, summary } = run('equal', (folder) =>
    writeSyntheticRun(folder, {
      truths: { function: truth, tfserving: truth },
      experiments: ['capacity', 'latency', 'noise', 'coldstart'],
    }),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(summary().verdict.headline).toBe('The trials show no difference between the function and TensorFlow Serving.');
});

test('a load that does not count is in red with its reason, and its figures are left out', async () => {
  const reason = 'The load generator was the bottleneck.';
  const { report, summary, read, pages } = run('invalid', (folder) =>
    writeSyntheticRun(folder, {
      trials: 2,
      experiments: ['capacity', 'latency'],
      invalid: [1, 2].map((trial) => ({ experiment: 'latency', trial, target: 'function' as const, reason })),
    }),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(read('report.html').toString()).toContain(
    `<p class="alert" role="alert">INVALID: latency/1 of the function. ${reason}</p>`,
  );
  const [first = '', ...others] = await pages();
  const [, page] = /^2 of 8 loads don’t count: page (\d+)$/m.exec(first)!;
  expect(first).not.toContain(reason);
  expect(others[Number(page) - 2]).toContain(reason);
  expect(read('report.html').toString()).toContain('<strong class="bad">INVALID</strong>');
  expect(summary().figures.find(({ key }) => key === 'p99_ms')).toMatchObject({
    function: null,
    why: `INVALID: ${reason}`,
  });
  expect(summary().invalid).toHaveLength(2);
});

describe('bad input is told by file, line and column, and leaves no report', () => {
  const good = join(folders, 'good');
  beforeAll(() => writeSyntheticRun(good, { quick: true, trials: 1 }));

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
    for (const [name, seed] of [['a', 1], ['b', 2]] as const) writeSyntheticRun(join(folders, name), { seed }); // prettier-ignore
  });

  test('are compared target by target', async () => {
    expect(await compare()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readdirSync(join(folders, 'b'))).toContain('comparison.pdf');
    const html = readFileSync(join(folders, 'b/comparison.html'), 'utf8');
    for (const title of ['The function', 'TensorFlow Serving', 'Environment']) expect(html).toContain(`>${title}</h2>`);
    expect(html).toMatch(/the function in A (and|does)/);
  });

  test('have their throughput by CPU limits of their own', () => {
    const [limited, free] = ['limited', 'free'].map((name) => join(folders, name));
    writeGoldenRun(limited!);
    writeGoldenRun(free!);
    const twice = { requests: { cpu: '400m' }, limits: { cpu: '400m' } };
    changeEnvironment(free!, { resources: { 'function/one': twice } });
    const side = (folder: string) => ({
      measurements: readMeasurements(folder),
      target: 'function' as const,
      label: '',
      name: '',
    });
    const throughput = figuresOf(side(limited!), side(free!)).find(({ key }) => key === 'throughput_per_cpu');
    expect(throughput?.ratio?.value).toBeCloseTo(2, 9);
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
