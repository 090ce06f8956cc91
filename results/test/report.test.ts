// `npm run report` on runs that are made up: figures worked out by hand, the files as a user gets them, and bad input.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { execa } from 'execa';
import { extractText } from 'unpdf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { figuresOf } from '../report/figures.ts';
import { readMeasurements } from '../report/measurements.ts';
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
    // 0.06 s and 0.12 s of 600 requests. The logarithms of 0.5, 0.55 and 0.45 have a standard deviation of 0.100377, and
    // Student's t with 2 degrees of freedom is 4.30265: 0.5 · exp(∓ 4.30265 · 0.100377 / √3).
    ['cpu_per_request_us', 100, 200, { value: 0.5, low: 0.389653, high: 0.641596 }],
    // Of the best steps, 400, 410 and 390 answers in 30 s, and 100 each; each on a fifth of a CPU.
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
      'The function does better than TensorFlow Serving in 4 of 5 figures; in 1 no difference can be shown.',
    );
    expect(summary.verdict.sentences).toHaveLength(2);
    expect(summary.verdict.sentences[1]).toBe(
      'No difference can be shown in cold start (0.500 times, 95 % interval 0.205 to 1.22).',
    );
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
    expect([...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title)).toEqual(SECTIONS);
    expect(html).not.toMatch(/<script|<link|src=|href="http/);
    expect(html.match(/<details>/g)?.length).toBeGreaterThanOrEqual(5);
    expect(html).toContain('SYNTHETIC DATA');
    // A mark of a chart, with its values.
    expect(html).toMatch(/<title>[^<]*users[^<]*<\/title>/);
  });

  test('has every section in the PDF, and says on each page that it is made up', async () => {
    const pages = await whole.pages();
    for (const page of pages) expect(page).toMatch(/^SYNTHETIC DATA: made up/);
    for (const title of SECTIONS) expect(pages.join('\n')).toMatch(new RegExp(`^${title}$`, 'm'));
    expect(pages[0]).toMatch(/^The function does better than TensorFlow Serving\.$/m);
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
    const names = ['report.pdf', 'report.html', 'summary.csv', 'summary.json'];
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

test('what was not measured has no section, and the first page says so', async () => {
  const { report, read, summary } = run('part', (folder) =>
    writeSyntheticRun(folder, { quick: true, trials: 1, experiments: ['calibrate', 'batch'] }),
  );
  expect(await report()).toMatchObject({ exitCode: 0, stderr: '' });
  const html = read('report.html').toString();
  expect(html).toContain(
    'Not in this report, for no trial of latency, capacity, autoscale or coldstart counts for both: latency, throughput of one replica, autoscaling, cost and cold start.',
  );
  expect(html).not.toContain('<h2>Autoscaling</h2>');
  expect(html).toContain('QUICK RUN');
  expect(summary().verdict.headline).toBe('It can’t be said whether the function or TensorFlow Serving does better.');
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
    expect(figure.why, key).toMatch(/was not run with both\.$/);
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
  expect(summary().verdict.sentences.join(' ')).toMatch(/1 trial can’t tell how much differs from run to run/);
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
  expect(summary().verdict.headline).toBe('No difference can be shown between the function and TensorFlow Serving.');
});

test('a load that does not count is in red with its reason, and its figures are left out', async () => {
  const reason = 'The load generator was the bottleneck.';
  const { report, summary, read } = run('invalid', (folder) =>
    writeSyntheticRun(folder, {
      trials: 2,
      experiments: ['capacity', 'latency'],
      invalid: [1, 2].map((trial) => ({ experiment: 'latency', trial, target: 'function' as const, reason })),
    }),
  );
  expect(await report()).toMatchObject({ exitCode: 0 });
  expect(read('report.html').toString()).toContain(
    `<p class="alert" role="alert">INVALID: latency/1 of function. ${reason}</p>`,
  );
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
    for (const title of ['The function', 'TensorFlow Serving', 'Environment'])
      expect(html).toContain(`<h2>${title}</h2>`);
    expect(html).toMatch(/the function in a (and|does)/);
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
      'a and b differ in version of Kubernetes, nodes and time that was measured (environment.json), so that their ' +
        'figures would differ for that alone; --allow-unlike compares them all the same.',
    );
    expect(await compare('--allow-unlike')).toMatchObject({ exitCode: 0 });
  });
});
