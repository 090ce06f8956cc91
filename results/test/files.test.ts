// The readers and writers of a results folder. fixtures/run/README.md tells where its files come from.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { check, resolveConfig } from 'prettier';
import { describe as group, expect, onTestFinished, test } from 'vitest';
import { fileName, kindsOfLoad, KINDS, whatIs, type Environment, type Kind, type Row } from '../files.ts';
import { parse, parseEnvironment, read, readRun, ResultsError } from '../read.ts';
import { describe, format, formatEnvironment } from '../write.ts';

const RUN = 'results/test/fixtures/run';

group('a results folder', () => {
  test('lists experiments, trials, targets and files', () => {
    const { experiments, environment } = readRun(RUN);
    const listed = experiments.map(({ name, trials }) => ({
      name,
      trials: trials.map(({ number, targets }) => [number, targets.map(({ target, kinds }) => [target, kinds])]),
    }));
    expect(listed).toEqual([
      {
        name: 'autoscale',
        trials: [[1, [['function', [...kindsOfLoad(true), 'timeline', 'pods', 'throttling']]]]],
      },
      { name: 'coldstart', trials: [[1, [['function', ['coldstarts', 'footprint']]]]] },
      { name: 'scale-from-zero', trials: [[1, [['function', ['zerostarts']]]]] },
    ]);
    expect(environment()).toMatchObject({ mode: 'cluster', clock: { offsetSeconds: -0.01 }, verdicts: [{ trial: 1 }] });
  });

  test('reads each file into typed rows', () => {
    const [autoscale, coldstart] = readRun(RUN).experiments.map(({ trials }) => trials[0]!.targets[0]!);
    expect(autoscale!.read('stats').at(-1)).toMatchObject({
      Type: '',
      Name: 'Aggregated',
      'Request Count': 38,
      'Average Response Time': 4.950507131573096,
      '99.9%': 45,
    });
    const history = autoscale!.read('stats_history');
    expect(history[0]).toMatchObject({ Timestamp: 1795457166, 'User Count': 0, '50%': null, '100%': null });
    expect(history.at(-1)).toMatchObject({ 'User Count': 2, '50%': 2, 'Total Request Count': 38 });
    expect(autoscale!.read('failures')).toEqual([
      {
        Method: 'POST',
        Name: 'missing',
        Error: 'LocustBadStatusCode(code=404)',
        Occurrences: 17,
        'First Seen': '2026-11-23T18:06:06Z',
        'Last Seen': '2026-11-23T18:06:08Z',
      },
    ]);
    const [exception] = autoscale!.read('exceptions');
    expect(exception).toMatchObject({
      Count: 1,
      Message: 'an error, of the locustfile, with a "quote"',
      Nodes: 'local',
    });
    expect(exception!.Traceback.split('\n')).toHaveLength(10);
    expect(autoscale!.read('steps').map((row) => row.offered_rate)).toEqual([null, 4]);
    expect(autoscale!.read('latency').at(-1)).toEqual({
      step: 1,
      clock: 'response',
      outcome: 'failed',
      latency_us: 1200,
      count: 5,
    });
    expect(autoscale!.read('seconds').map((row) => row.p99_us)).toEqual([null, 45370.5, 4420, 1710]);
    expect(autoscale!.read('replicas').map((row) => row.answers)).toEqual([20, 10]);
    expect(autoscale!.read('generator').map((row) => row.cpu_cores)).toEqual([0.31, 5e-5]);
    expect(autoscale!.read('verdict')).toMatchObject({ verdict: 'INVALID', p99Us: 45370, replicas: { answered: 1 } });
    expect(autoscale!.read('timeline').map((row) => row.memory_bytes)).toEqual([null, 31457280]);
    expect(autoscale!.read('pods').map((row) => row.memory_bytes)).toEqual([31457280, null]);
    expect(coldstart!.read('coldstarts').map((row) => row.first_service_answer_ms)).toEqual([990, null]);
    expect(coldstart!.read('footprint').map((row) => row.what)).toEqual(['image', 'memory_idle', 'memory_loaded']);
  });

  test('is in natural order, and has folders without measurements and other files of a report', () => {
    const folder = temporary({
      'environment.json': '{}',
      'report.txt': '',
      '.cache/1/file': '',
      'noise/1/function_steps.csv': '',
      'latency/10/tfserving_steps.csv': '',
      'latency/9/tfserving_steps.csv': '',
      'latency/9/function_steps.csv': '',
      'latency/9/.DS_Store': '',
    });
    const { experiments } = readRun(folder);
    expect(experiments.map(({ name, trials }) => [name, trials.map(({ number }) => number)])).toEqual([
      ['latency', [9, 10]],
      ['noise', [1]],
    ]);
    expect(experiments[0]!.trials[0]!.targets.map(({ target }) => target)).toEqual(['function', 'tfserving']);
  });

  test('reads files only when they are asked for', () => {
    const folder = temporary({ 'latency/1/function_steps.csv': 'broken' });
    const [steps] = readRun(folder).experiments[0]!.trials[0]!.targets;
    expect(() => steps!.read('steps')).toThrow(`${folder}/latency/1/function_steps.csv, line 1`);
    expect(() => steps!.read('verdict')).toThrow(`${folder}/latency/1/function_verdict.json is missing.`);
    expect(() => readRun(folder).environment()).toThrow(`${folder}/environment.json is missing.`);
  });

  test.each([
    ['latency/1/function_step.csv', 'latency/1/function_step.csv is not a file of a trial: its name must be'],
    ['latency/1/Node_steps.csv', 'latency/1/Node_steps.csv is not a file of a trial: its name must be'],
    ['latency/1/more/function_steps.csv', 'latency/1/more is not a file of a trial: its name must be'],
    ['latencies/1/function_steps.csv', 'latencies has no place there: it is none of the experiments calibrate, '],
    ['latency/first/function_steps.csv', 'latency/first has no place there: an experiment has folders 1, 2, …'],
    ['latency/1', 'latency/1 has no place there: an experiment has folders 1, 2, …'],
  ])('refuses %s', (path, message) => {
    const folder = temporary({ [path]: '' });
    expect(() => readRun(folder)).toThrow(new RegExp(`^${folder}/${message}`));
  });

  test('is an error if it is not there', () => {
    expect(() => readRun('results/1999')).toThrow('results/1999 is missing.');
    expect(() => readRun('package.json')).toThrow(/^package\.json can't be read: ENOTDIR/);
  });
});

group('a broken file', () => {
  const HEADER = 'step,users,batch,offered_rate,start_s,end_s,requests,failures,wrong_answers,saturated';
  const ROW = '0,1,1,,10,20,5,0,0,0';
  const where = 'results/x/function_steps.csv';

  test.each([
    ['', `${where} is empty.`],
    [`${HEADER}\n${ROW}\n0,1,1,,10,20,abc,0,0,0\n`, `${where}, line 3, column requests: "abc" is not a whole number.`],
    [
      `${HEADER}\n0,1,1,fast,10,20,5,0,0,0\n`,
      `${where}, line 2, column offered_rate: "fast" is not a number or empty.`,
    ],
    [`${HEADER}\n0,1,1,NaN,10,20,5,0,0,0\n`, `${where}, line 2, column offered_rate: "NaN" is not a number or empty.`],
    [
      `${HEADER}\n0,1,1,1e999,10,20,5,0,0,0\n`,
      `${where}, line 2, column offered_rate: "1e999" is not a number or empty.`,
    ],
    [`${HEADER}\n0,1,1,,10,20,-5,0,0,0\n`, `${where}, line 2, column requests: "-5" is not a whole number.`],
    [`${HEADER}\n0,1,1,,10,20,5.5,0,0,0\n`, `${where}, line 2, column requests: "5.5" is not a whole number.`],
    [`${HEADER}\n0,,1,,10,20,5,0,0,0\n`, `${where}, line 2, column users: "" is not a whole number.`],
    [`${HEADER}\n${ROW}\n${ROW}`, `${where}, line 3: the line is cut off, and maybe others are lost.`],
    [`${HEADER}\n0,1,1\n`, `${where}, line 2: there are 3 columns instead of 10.`],
    [`${HEADER}\n${ROW},7\n`, `${where}, line 2: there are 11 columns instead of 10.`],
    [`${HEADER}\n\n${ROW}\n`, `${where}, line 2: there are 1 columns instead of 10.`],
    [`${HEADER}\n"0\n`, `${where}, line 2: Quote Not Closed: the parsing is finished with an opening quote at line 2.`],
    [`${HEADER},more\n`, `${where}, line 1: a column "more" is not known; the columns must be ${HEADER}.`],
    [`${HEADER},step\n`, `${where}, line 1: column step is not in its place; the columns must be ${HEADER}.`],
    ['step,users\n', `${where}, line 1: column batch is missing; the columns must be ${HEADER}.`],
    [
      `users,step${HEADER.slice(10)}\n`,
      `${where}, line 1: column users is not in its place; the columns must be ${HEADER}.`,
    ],
    [`${ROW}\n`, `${where}, line 1: a column "0" is not known; the columns must be ${HEADER}.`],
  ])('%j', (text, message) => {
    expect(() => parse('steps', Buffer.from(text), where)).toThrow(new ResultsError(message));
  });

  test('is told by the line that a record begins in', () => {
    const text = readFileSync(`${RUN}/autoscale/1/function_exceptions.csv`, 'utf8');
    const nextLine = text.split('\n').length;
    expect(() => parse('exceptions', Buffer.from(`${text}x,,,\n`), 'file')).toThrow(
      `file, line ${nextLine}, column Count: "x" is not a whole number.`,
    );
  });

  test('that is not text', () => {
    expect(() => parse('steps', Buffer.from([0xff, 0x0a]), where)).toThrow(`${where} is not text in UTF-8.`);
  });

  test.each([
    ['stats', 'Type', /^file, line 1: column Name is missing/],
    ['stats_history', 'N/A,', /^file, line 1: a column "N\/A" is not known/],
  ] as const)('of Locust: %s', (kind, text, message) => {
    expect(() => parse(kind, Buffer.from(`${text}\n`), 'file')).toThrow(message);
  });

  test.each([
    ['latency', '0,client,ok,10,1', 'clock: "client" is not service or response'],
    ['replicas', '10,,1', 'app_id: "" is not a name'],
    [
      'failures',
      'GET,/,oh,1,yesterday,',
      'First Seen: "yesterday" is not a time such as 2026-01-31T23:59:59Z or empty',
    ],
  ] as const)('has what is no choice, no name or no time: %s', (kind, row, message) => {
    const header = Object.keys(KINDS[kind].schema.entries).join(',');
    expect(() => parse(kind, Buffer.from(`${header}\n${row}\n`), 'file')).toThrow(
      new ResultsError(`file, line 2, column ${message}.`),
    );
  });

  const verdict = JSON.parse(readFileSync(`${RUN}/autoscale/1/function_verdict.json`, 'utf8')) as object;
  test.each([
    ['{"target": "function"', /^file is not JSON: .* \(line 1 column 22\)\.$/],
    ['null', /^file: Invalid type: Expected Object but received null\.$/],
    ['{}', /^file, target: Invalid key: Expected "target" but received undefined\.$/],
    [JSON.stringify({ ...verdict, more: 1 }), /^file, more: Invalid key: Expected never but received "more"\.$/],
    [
      JSON.stringify({ ...verdict, generator: { processes: 1, cpuCores: 'much', lagMs: 1 } }),
      /^file, generator\.cpuCores: Invalid type: Expected number but received "much"\.$/,
    ],
    [JSON.stringify({ ...verdict, requests: -1 }), /^file, requests: Invalid value: Expected >=0 but received -1\.$/],
  ])('of JSON: %$', (text, message) => {
    expect(() => parse('verdict', Buffer.from(text), 'file')).toThrow(message);
  });

  test.each(Object.keys(KINDS) as Kind[])('%s cut anywhere but after a row is an error', (kind) => {
    const folders: Partial<Record<Kind, string>> = {
      coldstarts: 'coldstart/1',
      footprint: 'coldstart/1',
      zerostarts: 'scale-from-zero/1',
    };
    const content = readFileSync(join(RUN, folders[kind] ?? 'autoscale/1', fileName('function', kind)));
    const whole = parse(kind, content, 'file');
    fc.assert(
      fc.property(fc.nat(content.length - 2), (length) => {
        const part = content.subarray(0, length);
        try {
          const rows = parse(kind, part, 'file');
          expect(Array.isArray(whole) && whole.slice(0, (rows as unknown[]).length)).toEqual(rows);
          expect(part.at(-1)).toBe(0x0a);
        } catch (error) {
          if (!(error instanceof ResultsError)) throw error;
        }
      }),
    );
  });
});

group('what compare writes', () => {
  const amount = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
  const maybe = fc.option(amount);
  const whole = fc.nat();
  const name = fc.string({ minLength: 1 });

  test('is read as it was written', () => {
    readsBack('timeline', {
      timestamp_s: amount,
      desired_replicas: whole,
      ready_replicas: whole,
      cpu_cores: maybe,
      memory_bytes: maybe,
    });
    readsBack('pods', { timestamp_s: amount, pod: name, cpu_seconds: amount, memory_bytes: fc.option(whole) });
    readsBack('coldstarts', {
      start: whole,
      pod_created_s: amount,
      first_answer_ms: amount,
      first_service_answer_ms: maybe,
    });
    readsBack('zerostarts', { start: whole, first_answer_ms: amount });
    readsBack('footprint', { what: fc.constantFrom('image', 'memory_idle', 'memory_loaded'), bytes: amount });
  });

  function readsBack<K extends Parameters<typeof format>[0]>(
    kind: K,
    columns: { [Column in keyof Row<K>]: fc.Arbitrary<Row<K>[Column]> },
  ): void {
    fc.assert(
      fc.property(fc.array(fc.record(columns)), (rows) => {
        expect(parse(kind, Buffer.from(format(kind, rows as Row<K>[])), 'file')).toEqual(rows);
      }),
    );
  }

  test('is never what could not be read', () => {
    expect(() => format('footprint', [{ what: 'image', bytes: NaN }])).toThrow(
      'footprint, line 2, column bytes: "NaN" is not a number.',
    );
    const environment = parseEnvironment(readFileSync(`${RUN}/environment.json`), 'file');
    expect(() => formatEnvironment({ ...environment, seed: NaN })).toThrow('environment.json, seed: Invalid type');
  });

  test('environment.json is read as it was written; what is not known in it is passed over', () => {
    const environment = parseEnvironment(readFileSync(`${RUN}/environment.json`), 'file');
    const more: Environment & { weather: string } = { ...environment, weather: 'fine' };
    expect(parseEnvironment(Buffer.from(formatEnvironment(more)), 'file')).toEqual(environment);
  });
});

group('the README of a run', () => {
  test('tells every column of the files that are there, and is formatted as prettier would', async () => {
    const text = describe('# A run\n\nMade for a test.\n', ['replicas', 'verdict']);
    expect(text).toMatch(/^# A run\n\nMade for a test\.\n\n## Files\n/);
    expect(text.match(/^### .*$/gm)).toEqual([
      '### `environment.json`',
      '### `<target>_replicas.csv`',
      '### `<target>_verdict.json`',
    ]);
    expect(text).toMatch(/^\| `timestamp_s` +\| a whole number +\| s +\| Unix time +\|$/m);
    expect(text).toMatch(/^\| `throughput` +\| number +\| requests\/s +\| requests, divided by that time +\|$/m);
    const options = { ...(await resolveConfig('results/README.md')), parser: 'markdown' };
    expect(await check(text, options)).toBe(true);
    expect(await check(describe('# A run'), options)).toBe(true);
  });

  test('gives each column a meaning', () => {
    const rows = describe('# A run')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.filter((cells) => cells.at(-2) === '' || cells[2] === '')).toEqual([]);
  });
});

test('names of files', () => {
  expect(fileName('tfserving', 'stats_history')).toBe('tfserving_stats_history.csv');
  expect(whatIs('tfserving_stats_history.csv')).toEqual({ target: 'tfserving', kind: 'stats_history' });
  expect(whatIs('function_verdict.csv')).toBeUndefined();
  expect(whatIs('7_verdict.json')).toEqual({ target: '7', kind: 'verdict' });
  for (const name of ['_verdict.json', 'Go_verdict.json', 'go-_verdict.json', 'a_b_verdict.json', 'go_toString.csv'])
    expect(whatIs(name)).toBeUndefined();
  expect(kindsOfLoad(true)).toEqual(kindsOfLoad(false).toSpliced(7, 0, 'replicas'));
  expect(read('footprint', `${RUN}/coldstart/1/function_footprint.csv`)).toHaveLength(3);
});

function temporary(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'results-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}
