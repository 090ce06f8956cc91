// Tests which loads the experiments put on places of all kinds, with answers that a model makes up.

import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Failure } from '../../lib/failure.ts';
import {
  fileName,
  INTERFACE_NAMES,
  SERVER_NAMES,
  type Environment,
  type Row,
  type Interface,
  type Verdict,
} from '../../results/files.ts';
import { runExperiments } from '../experiments/index.ts';
import { readOptions } from '../options.ts';
import { type Load, type Place, type Step } from '../place.ts';
import type { Files } from '../run/files.ts';
import { openFolder } from '../run/folder.ts';

/** What is true of a target in a place that is made up; all rates are in requests/s. */
interface Truth {
  /** What a saturated replica answers. */
  capacity: number;
  /** What one user gets answered while the replica is not saturated. */
  perUser: number;
  /** What the load generator sends in a closed loop, and at an offered rate before a process of it is too busy. */
  closed: number;
  open: number;
  /** The highest rate that the load generator keeps at all. */
  keeps?: number;
}

const TRUTH: Truth = { capacity: 4000, perUser: 500, closed: 9000, open: 6000 };

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

/** Answers a load as the truth of its target has it: ten seconds for each step. */
function answer({ target, steps, toBareServer }: Load, truth: Truth): Files {
  const rates = steps.map(({ rate, users }) => {
    if (rate !== undefined) return rate > (truth.keeps ?? Infinity) ? rate / 2 : rate;
    return toBareServer ? truth.closed : Math.min(truth.capacity, users * truth.perUser);
  });
  const rows = steps.map(({ users, batch = 1, rate = null }, step): Row<'steps'> => {
    const times = { start_s: START + 10 * step, end_s: START + 10 * (step + 1) };
    const requests = Math.round(10 * (rates[step] ?? 0));
    return { step, users, batch, offered_rate: rate, ...times, requests, failures: 0, wrong_answers: 0, saturated: 0 };
  });
  const cores = rates.map((rate) => (BUSY * rate) / truth.open);
  const csv = (columns: string, cells: (string | number)[][]) =>
    Buffer.from(`${[columns.split(','), ...cells].map((row) => row.join(',')).join('\n')}\n`);
  const text = (row: Row<'steps'>) => Object.values(row).map((value) => value ?? '');
  return new Map([
    [fileName(target, 'steps'), csv(Object.keys(rows[0] ?? {}).join(','), rows.map(text))],
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
  const interfaces = INTERFACE_NAMES.filter((target) => target in truths);
  const place = {
    interfaces,
    servers: SERVER_NAMES.filter((server) => interfaces.includes(server)),
    pods: {},
    leftOut: [],
    scales: true,
    replicas: { min: 1, max: 5 },
    limitsCpu: true,
    cpus: 64,
    prepare: (_target, _scaling, warmUp) => warmUp(),
    load: (load) => {
      if (load.settleSeconds > 0) loads.push(told(load));
      return Promise.resolve(answer(load, { ...TRUTH, ...truths[load.target] }));
    },
    watch: () => ({ stop: () => Promise.resolve({ timeline: [], pods: [], throttling: [] }) }),
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
    isOpen ? String(rate) : `${users}${batch > 1 ? ` users × ${batch}` : ' users'}`;
  const list = steps.map(tell).join(', ');
  return `${toBareServer ? 'bare ' : ''}${target} ${isOpen ? `at ${list}/s` : list}`;
}

const CALIBRATED = (target: Interface) => [`bare ${target} 32 users`, `bare ${target} at 3000, 6000, 9000/s`];
const EACH = ['function', 'tfserving'] as const;

test.each<[string, MadeUp, string[]]>([
  [
    'a slow target sets the rate of latency, and the load generator those of autoscale',
    {
      truths: { function: {}, tfserving: { capacity: 1000 } },
      args: ['--trials', '1', '--experiment', 'latency', '--experiment', 'autoscale'],
    },
    [
      ...EACH.flatMap(CALIBRATED),
      ...['tfserving 1 users', 'function 1 users', 'function 4 users', 'tfserving 4 users'],
      ...['tfserving 16 users', 'function 16 users', 'function 64 users', 'tfserving 64 users'],
      // 80 % of the 6000/s that the load generator sends without strain.
      ...EACH.map((target) => `${target} at 1200, 2400, 3600, 4800/s`),
      ...EACH.map((target) => `bare ${target} at 1200, 2400, 3600, 4800/s`),
      ...EACH.map((target) => `bare ${target} at 500/s`),
      ...EACH.map((target) => `${target} at 500/s`),
    ],
  ],
  [
    'a saturated target gets no more users',
    { truths: { function: { perUser: 4000 } }, args: ['--trials', '1', '--users', '256', '--experiment', 'capacity'] },
    [...CALIBRATED('function'), ...[1, 4, 16].map((users) => `function ${users} users`)],
  ],
  [
    'a load generator that keeps no rate at first is asked for less',
    { truths: { function: { closed: 900, open: 600, keeps: 250 } }, args: ['--experiment', 'calibrate'] },
    ['bare function 32 users', 'bare function at 300, 600, 900/s', 'bare function at 100, 200, 300/s'],
  ],
  [
    'two cores have no room for the rates that the load generator could send',
    {
      truths: { function: {}, tfserving: {} },
      place: { cpus: 2 },
      args: ['--trials', '1', '--cpu-limit', '1', '--experiment', 'autoscale'],
    },
    [
      ...EACH.flatMap(CALIBRATED),
      ...['tfserving 1 users', 'function 1 users', 'function 4 users', 'tfserving 4 users'],
      ...['tfserving 16 users', 'function 16 users', 'function 64 users', 'tfserving 64 users'],
      // A request takes 0.9 ÷ 6000 s of the load generator, and 2 × 1 ÷ 4000 s of the target: 1.6 cores do 2461 of them.
      ...EACH.map((target) => `${target} at 615, 1230, 1846, 2461/s`),
      ...EACH.map((target) => `bare ${target} at 615, 1230, 1846, 2461/s`),
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
      ...['tfserving-grpc 1 users', 'function 1 users', 'function 4 users', 'tfserving-grpc 4 users'],
      ...['tfserving-grpc 16 users', 'function 16 users', 'function 64 users', 'tfserving-grpc 64 users'],
      ...['function at 1200, 2400, 3600, 4800/s', 'tfserving-grpc at 1200/s'],
      ...['bare function at 1200/s', 'bare tfserving-grpc at 1200/s'],
    ],
  ],
  [
    'a place without an autoscaler or CPU limits has latency and batches of none of it',
    {
      truths: { function: {} },
      place: { scales: false, limitsCpu: false, replicas: undefined },
      args: ['--trials', '1'],
    },
    [
      ...CALIBRATED('function'),
      ...Array.from({ length: 10 }, () => 'function starts'),
      // Half of 80 % of the 6000/s that the load generator sends.
      ...['bare function at 2400/s', 'function at 2400/s', 'function at 2400/s', 'function at 2400/s'],
    ],
  ],
  [
    'a target that runs elsewhere is loaded, and is not started',
    {
      truths: { function: {}, tfserving: {} },
      place: { servers: ['function'], scales: false },
      args: ['--trials', '1', '--experiment', 'coldstart', '--experiment', 'batch'],
    },
    [
      ...EACH.flatMap(CALIBRATED),
      ...EACH.map(
        (target) => `${target} ${[1, 10, 100, 1000, 10_000].map((n) => `4 users${n > 1 ? ` × ${n}` : ''}`).join(', ')}`,
      ),
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
  expect(said.filter((sentence) => sentence.startsWith('Left out'))).toEqual([`Left out: ${leftOut}`]);
  const { plan, ...written } = JSON.parse(readFileSync(join(path, 'environment.json'), 'utf8')) as Environment;
  expect(written.leftOut).toEqual([leftOut]);
  expect(plan.autoscale).toMatchObject({ trials: 2, scaling: 'auto', replicas: { min: 1, max: 5 } });
  expect(plan.autoscale?.steps.map(({ rate }) => rate)).toEqual([1200, 2400, 3600, 4800]);
  for (const trial of [1, 2])
    expect(existsSync(join(path, `autoscale/${trial}/tfserving-grpc_verdict.json`))).toBe(true);
});
