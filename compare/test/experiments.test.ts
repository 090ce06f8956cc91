// Tests which loads the experiments put on places of all kinds, with answers that a model makes up.

import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sum } from 'simple-statistics';
import { expect, test } from 'vitest';
import { Failure } from '../../lib/failure.ts';
import { fileName, type Environment, type Row, type Interface, type Verdict } from '../../results/files.ts';
import { runExperiments } from '../experiments/index.ts';
import { readOptions } from '../options.ts';
import { type Load, type Place, type Step } from '../place.ts';
import { rowsOf, type Files } from '../run/files.ts';
import { openFolder } from '../run/folder.ts';

/** What is true of a target in a place that is made up; all rates are in requests/s. */
interface Truth {
  /** What a saturated replica answers. All its latencies are 1 ms ÷ (1 − the share of this that is offered). */
  capacity: number;
  /** CPU seconds of a request. */
  cpu: number;
  /** What the load generator sends in a closed loop, and at an offered rate before a process of it is too busy. */
  closed: number;
  open: number;
  /** The highest rate that the load generator keeps at all. */
  keeps?: number;
}

const TRUTH: Truth = { capacity: 4000, cpu: 0.0001, closed: 9000, open: 6000 };

interface MadeUp {
  truths: Partial<Record<Interface, Partial<Truth>>>;
  place?: Partial<Place>;
  args?: string[];
}

const FIXTURE = 'results/test/fixtures/run';
const VERDICT = JSON.parse(readFileSync(join(FIXTURE, 'autoscale/1/function_verdict.json'), 'utf8')) as Verdict;
const START = 1_767_225_600;
/** The share of a core above which a process of the load generator is its bottleneck. */
const BUSY = 0.9;

/** Answers a load as the truth of its target has it: ten seconds for each step, and none after one that saturates. */
function answer({ target, steps, toBareServer }: Load, truth: Truth): Files {
  const isOver = (rate = 0) => toBareServer !== true && rate > truth.capacity;
  const saturating = steps.findIndex(({ rate }) => isOver(rate));
  const sent = saturating < 0 ? steps : steps.slice(0, saturating + 1);
  const rates = sent.map(({ rate, batch = 1 }) => {
    if (rate === undefined) return toBareServer ? truth.closed : truth.capacity / batch;
    if (rate > (truth.keeps ?? Infinity)) return rate / 2;
    return isOver(rate) ? truth.capacity : rate;
  });
  const rows = sent.map(({ users, batch = 1, rate = null }, step): Row<'steps'> => {
    const times = { start_s: START + 10 * step, end_s: START + 10 * (step + 1) };
    const requests = Math.round(10 * (rates[step] ?? 0));
    const saturated = Number(isOver(rate ?? 0));
    return { step, users, batch, offered_rate: rate, ...times, requests, failures: 0, wrong_answers: 0, saturated };
  });
  const cores = rates.map((rate) => (BUSY * rate) / truth.open);
  const csv = (columns: string, cells: (string | number)[][]) =>
    Buffer.from(`${[columns.split(','), ...cells].map((row) => row.join(',')).join('\n')}\n`);
  const text = (row: Row<'steps'>) => Object.values(row).map((value) => value ?? '');
  const latency = (rate: number) => Math.round(1000 / (1 - Math.min(0.999, rate / truth.capacity)));
  const every10s = rates.map((rate, step) => [START + 10 * step, 32, 10 * rate, 0, '', '', '']);
  return new Map([
    [fileName(target, 'steps'), csv(Object.keys(rows[0] ?? {}).join(','), rows.map(text))],
    [
      fileName(target, 'latency'),
      csv(
        'step,clock,outcome,latency_us,count',
        rows.map(({ step, requests }) => [step, 'response', 'ok', latency(rates[step] ?? 0), requests]),
      ),
    ],
    [fileName(target, 'seconds'), csv('timestamp_s,users,requests,failures,p50_us,p99_us,max_us', every10s)],
    [
      fileName(target, 'generator'),
      csv(
        'timestamp_s,process,cpu_cores,lag_ms,throttled,stolen_cores,late',
        cores.map((its, step) => [START + 10 * step, 'local', its, 0, 0, 0, 0]),
      ),
    ],
    [
      fileName(target, 'verdict'),
      Buffer.from(JSON.stringify({ ...VERDICT, target, failures: 0, throughput: rates.at(-1) ?? 0 })),
    ],
  ]);
}

/** The counter of the pod that answered: it rose by the CPU of each request. */
function podsOf(files: Files, target: Interface, { cpu }: Truth): Row<'pods'>[] {
  const ends = rowsOf(files, target, 'steps').map(({ end_s, requests }) => ({ end_s, seconds: cpu * requests }));
  const readings = ends.map(({ end_s }, index) => ({
    timestamp_s: end_s,
    cpu_seconds: sum(ends.slice(0, index + 1).map(({ seconds }) => seconds)),
  }));
  return [{ timestamp_s: START, cpu_seconds: 0 }, ...readings].map((reading) => ({
    ...reading,
    pod: 'pod',
    memory_bytes: null,
  }));
}

interface Ran {
  /** The loads that were sent, but for those that warm up. */
  loads: string[];
  said: string[];
  /** The folder of the run. */
  path: string;
}

/** Runs experiments in a made-up place. */
async function run({ truths, place: members, args = [] }: MadeUp): Promise<Ran> {
  const [loads, said]: [string[], string[]] = [[], []];
  const { comparison } = readOptions(args);
  const interfaces = [...comparison.interfaces.keys()].filter((target) => target in truths);
  let last: { files: Files; target: Interface; truth: Truth } | undefined;
  const place = {
    interfaces,
    servers: [...comparison.servers.keys()].filter((server) => interfaces.includes(server)),
    pods: {},
    leftOut: [],
    scales: true,
    replicas: { min: 1, max: 5 },
    cpus: 64,
    prepare: (_target, _scaling, warmUp) => warmUp(),
    load: (load) => {
      if (load.settleSeconds > 0) loads.push(told(load));
      const truth = { ...TRUTH, ...truths[load.target] };
      last = { files: answer(load, truth), target: load.target, truth };
      return Promise.resolve(last.files);
    },
    watch: () => ({
      stop: () => {
        const pods = last ? podsOf(last.files, last.target, last.truth) : [];
        return Promise.resolve({ timeline: [], pods, throttling: [], endings: [] });
      },
    }),
    check: () => Promise.resolve([]),
    startsCold: () => true,
    coldStart: (server) => {
      loads.push(`${server} starts`);
      return Promise.resolve({ pod_created_s: START, first_answer_ms: 100, first_service_answer_ms: null });
    },
    imageBytes: () => Promise.resolve(null),
    memoryBytes: () => Promise.resolve(null),
    environment: () => Promise.resolve({}),
    ...members,
  } as Place;
  const environment = JSON.parse(readFileSync(join(FIXTURE, 'environment.json'), 'utf8')) as Environment;
  const results = mkdtempSync(join(tmpdir(), 'f2c-experiments-'));
  const folder = openFolder(results, { ...environment, verdicts: [], leftOut: [] });
  await runExperiments({
    place,
    settings: readOptions(args),
    progress: {
      step: '',
      expect: () => undefined,
      begin: () => undefined,
      end: () => undefined,
      say: (sentence) => said.push(sentence),
    },
    folder,
  });
  return { loads, said, path: folder.path };
}

/** Such as `bare function at 100, 200/s` or `tfserving 4 users`. */
function told({ target, steps, toBareServer }: Load): string {
  const isOpen = steps.every(({ rate }) => rate !== undefined);
  const tell = ({ users, rate, batch = 1 }: Step) =>
    `${isOpen ? String(rate) : `${users} users`}${batch > 1 ? ` × ${batch}` : ''}`;
  const list = steps.map(tell).join(', ');
  return `${toBareServer ? 'bare ' : ''}${target} ${isOpen ? `at ${list}/s` : list}`;
}

const CALIBRATED = (target: Interface) => [`bare ${target} 32 users`, `bare ${target} at 3000, 6000, 9000/s`];
const EACH = ['function', 'tfserving'] as const;

/** From 2 % of the 6000/s that the load generator sends, by a factor of 1.5, to 80 % of them. */
const LADDER = '124, 187, 280, 421, 632, 948, 1422, 2133, 3200, 4800/s';
/** The function takes 5 ms at 3200/s, and does not sustain 4800/s: there is more to see around 3200/s. */
const NEAR_3200 = '124, 187, 280, 421, 632, 948, 1422, 2133, 2612, 3200, 3919, 4800/s';

test.each<[string, MadeUp, string[]]>([
  [
    'each target is swept from idle to saturation, in turns, with more rates near its own place, and the function again',
    { truths: { function: {}, tfserving: { capacity: 1000 } }, args: ['--trials', '2', '--experiment', 'sweep'] },
    [
      ...EACH.flatMap(CALIBRATED),
      // The first look.
      ...EACH.map((target) => `${target} at ${LADDER}`),
      `function at ${NEAR_3200}`,
      // It takes 2.7 ms at 632/s and 19 ms at 948/s, so about 10 ms at 827/s.
      'tfserving at 124, 187, 280, 421, 632, 675, 827, 948, 1013, 1422, 2133, 3200, 4800/s',
      `function at ${NEAR_3200}`,
      // The second trial, in the reverse order.
      `function at ${NEAR_3200}`,
      'tfserving at 124, 187, 280, 421, 632, 675, 827, 948, 1013, 1422, 2133, 3200, 4800/s',
      `function at ${NEAR_3200}`,
      // The load generator's own part, at the rates up to the place of each target.
      `bare function at ${LADDER}`,
      'bare tfserving at 124, 187, 280, 421, 632, 948/s',
    ],
  ],
  [
    'all are also asked at a tenth of the rate of a slow baseline',
    { truths: { function: { capacity: 600 } }, args: ['--trials', '1', '--experiment', 'sweep'] },
    [
      ...CALIBRATED('function'),
      `function at ${LADDER}`,
      // It takes 3.4 ms at 421/s, and does not sustain 632/s.
      ...['function', 'function'].map(
        (target) => `${target} at 42, 124, 187, 280, 343, 421, 515, 632, 948, 1422, 2133, 3200, 4800/s`,
      ),
      'bare function at 42, 124, 187, 280, 421, 632/s',
    ],
  ],
  [
    'a load generator that keeps no rate at first is asked for less',
    { truths: { function: { closed: 900, open: 600, keeps: 250 } }, args: ['--experiment', 'calibrate'] },
    ['bare function 32 users', 'bare function at 300, 600, 900/s', 'bare function at 100, 200, 300/s'],
  ],
  [
    'two cores have no room for the rates that the load generator could send',
    {
      truths: { function: {}, tfserving: { cpu: 0.0005 } },
      place: { cpus: 2 },
      args: ['--quick', '--experiment', 'autoscale'],
    },
    [
      ...EACH.flatMap(CALIBRATED),
      ...EACH.map((target) => `${target} at ${LADDER}`),
      // A request takes 0.9 ÷ 6000 s of the load generator, and 0.0005 s of the target: 1.6 cores do 2461 of them.
      ...EACH.map((target) => `${target} at 615, 1230, 1846, 2461/s`),
    ],
  ],
  [
    'another protocol gets the rates that its client can send, and bare servers are asked for those that all get',
    {
      truths: { function: {}, 'tfserving-grpc': { closed: 2400, open: 1600 } },
      args: ['--trials', '1', '--experiment', 'autoscale'],
    },
    [
      ...CALIBRATED('function'),
      ...['bare tfserving-grpc 32 users', 'bare tfserving-grpc at 800, 1600, 2400/s'],
      ...[`function at ${LADDER}`, 'tfserving-grpc at 124, 187, 280, 421, 632, 948/s'],
      // At all of these rates it is within the bound, so that there is no place to look at.
      ...[`function at ${NEAR_3200}`, 'tfserving-grpc at 124, 187, 280, 421, 632, 948/s', `function at ${NEAR_3200}`],
      `bare function at ${LADDER}`,
      'bare tfserving-grpc at 124, 187, 280, 421, 632, 948/s',
      ...['function at 1200, 2400, 3600, 4800/s', 'tfserving-grpc at 1200/s'],
      ...['bare function at 1200/s', 'bare tfserving-grpc at 1200/s'],
    ],
  ],
  [
    'a place without an autoscaler has all of the rest',
    { truths: { function: {} }, place: { scales: false, replicas: undefined }, args: ['--quick'] },
    [
      ...CALIBRATED('function'),
      `function at ${LADDER}`,
      'function 4 users, 4 users × 100, 4 users × 10000',
      'function at 2000, 20 × 100, 1 × 10000/s',
      ...['function starts', 'function starts'],
    ],
  ],
  [
    'a target that runs elsewhere is loaded, and is not started; each size is asked at half of what the slowest can',
    {
      truths: { function: {}, tfserving: { capacity: 1000 } },
      place: { servers: ['function'], scales: false },
      args: ['--trials', '1', '--experiment', 'coldstart', '--experiment', 'batch'],
    },
    [
      ...EACH.flatMap(CALIBRATED),
      ...EACH.map((target) => `${target} 4 users, 4 users × 100, 4 users × 1000, 4 users × 10000`),
      ...EACH.map((target) => `${target} at 500, 5 × 100, 1 × 1000, 1 × 10000/s`),
      ...Array.from({ length: 10 }, () => 'function starts'),
    ],
  ],
])('%s', async (_, madeUp, loads) => {
  expect((await run(madeUp)).loads).toEqual(loads);
});

test('a load generator that keeps no rate at all ends the run', async () => {
  const starved = run({ truths: { function: { keeps: 0 } }, args: ['--experiment', 'calibrate'] });
  await expect(starved).rejects.toThrow(Failure);
  await expect(starved).rejects.toThrow(/could not even send \d+ requests\/s to a bare server/);
});

test('--quick asks one interface of each server to scale, and says so', async () => {
  const truths = { function: {}, tfserving: {}, 'tfserving-grpc': {} };
  const { loads, said } = await run({ truths, args: ['--quick', '--experiment', 'autoscale'] });
  expect(loads.filter((load) => load.includes('1200, 2400'))).toEqual([
    'function at 1200, 2400, 3600, 4800/s',
    'tfserving at 1200, 2400, 3600, 4800/s',
  ]);
  expect(said.join('\n')).toContain(
    'Left out: autoscale: TensorFlow Serving over gRPC; --quick measures one interface of each server.',
  );
});

test('rates beyond what the load generator sends are left out and named, and the plan and the files are kept', async () => {
  const truths = { function: {}, 'tfserving-grpc': { closed: 2400, open: 1600 } };
  const { said, path } = await run({ truths, args: ['--trials', '2', '--experiment', 'autoscale'] });
  const leftOut =
    'autoscale: 3 of 4 rates to TensorFlow Serving over gRPC, which are more than the load generator can send without ' +
    'strain, or the nodes have CPU for.';
  expect(said).toContain(`Left out: ${leftOut}`);
  const { plan, ...written } = JSON.parse(readFileSync(join(path, 'environment.json'), 'utf8')) as Environment;
  expect(written.leftOut).toContain(leftOut);
  expect(plan.autoscale).toMatchObject({ trials: 2, scaling: 'auto', replicas: { min: 1, max: 5 } });
  expect(plan.autoscale?.steps.map(({ rate }) => rate)).toEqual([1200, 2400, 3600, 4800]);
  for (const trial of [1, 2])
    expect(existsSync(join(path, `autoscale/${trial}/tfserving-grpc_verdict.json`))).toBe(true);
});

test('a server that ends under a load makes it INVALID, and the reason comes first', async () => {
  const ending = 'Its container in the pod price-1 was killed for lack of memory (exit code 137, OOMKilled).';
  const watch = () => ({
    stop: () => Promise.resolve({ timeline: [], pods: [], throttling: [], endings: [ending] }),
  });
  const { said } = await run({
    truths: { function: {} },
    place: { watch },
    args: ['--quick', '--experiment', 'sweep'],
  });
  expect(said).toContainEqual(expect.stringContaining(`sweep 1/1: the function: INVALID. ${ending}`));
});

test('a server that takes one case at a time is asked so, and this is said', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'f2c-one-')), 'one.yaml');
  const temperatures = resolve('compare/built-in/temperatures.csv');
  const ask = "{ ask: { method: GET, path: '/{?fahrenheit}' }, answer: { at: /celsius, is: celsius } }";
  const many = ask.replace('answer', 'many: { method: POST, path: / }, answer');
  const servers = `one: { url: 'http://one', interfaces: { http: ${ask} } }, two: { url: 'http://two', interfaces: { http: ${many} } }`;
  const cases = `{ file: ${temperatures}, columns: { fahrenheit: number, celsius: number } }`;
  writeFileSync(file, `{ title: One or many, cases: ${cases}, servers: { ${servers} } }`);
  const args = ['--servers', file, '--quick', '--experiment', 'batch'];
  const { loads, said } = await run({ truths: { one: {}, two: {} }, place: { servers: [] }, args });
  expect(loads.filter((load) => !load.startsWith('bare'))).toEqual([
    'one 4 users',
    'two 4 users, 4 users × 100, 4 users × 10000',
    'one at 2000/s',
    'two at 2000, 20 × 100, 1 × 10000/s',
  ]);
  expect(said).toContain('Left out: batch: more than one value in a request to one, which takes one.');
});
