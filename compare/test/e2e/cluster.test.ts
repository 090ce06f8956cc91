// Installs the chart of the load test by hand, as its README.md explains, and loads the function. It uses the current
// context of kubectl. FUNCTION_IMAGE and LOADTEST_IMAGE name the images.

import { beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { fileName, kindsOfLoad, type Content, type Kind } from '../../../results/files.ts';
import { parse } from '../../../results/read.ts';
import {
  check,
  diagnosis,
  eventually,
  get,
  helm,
  kubectl,
  NAMESPACE,
  podsOf,
  useNamespace,
} from '../../../test/e2e/cluster.ts';
import { unpack } from '../../run/archive.ts';
import { evict } from './evict.ts';
import { imageValues } from './images.ts';

const FUNCTION = 'f2c-function';

useNamespace();
beforeAll(async () => {
  await install(FUNCTION, 'chart', ...imageValues('function'), 'autoscaling.enabled=false');
});

async function install(release: string, chart: string, ...values: string[]): Promise<void> {
  const sets = values.flatMap((value) => ['--set', value]);
  await helm('install', release, chart, ...sets, '--wait', '--timeout', '5m');
}

interface LoadTest {
  job: string;
  /** Returns the name of its only pod. */
  pod: () => Promise<string>;
  /** Everything that the load test prints until it ends. */
  log: Promise<string>;
}

/** Starts a load test, and returns when the function has answered it for longer than its settling time. */
async function startLoadTest(release: string, ...values: string[]): Promise<LoadTest> {
  const before = await answered();
  await install(release, 'loadtest/chart', ...imageValues('loadtest'), 'settleSeconds=2', ...values);
  const selector = `app.kubernetes.io/instance=${release},app.kubernetes.io/component=generator`;
  const job = await get('jobs', '{.items[*].metadata.name}', '--selector', selector);
  const pod = () => get('pods', '{.items[*].metadata.name}', '--selector', `batch.kubernetes.io/job-name=${job}`);
  const name = await pod();
  await kubectl('wait', 'pod', name, '--for', 'jsonpath={.status.containerStatuses[0].started}=true', '--timeout=60s');
  const log = kubectl('logs', '--follow', name);
  await eventually(60, async () => expect(await answered()).toBeGreaterThan(before + 300));
  return { job, pod, log };
}

/** Returns how many conversions the function's pods have answered, by their own count. */
async function answered(): Promise<number> {
  const counts = await Promise.all(
    (await podsOf(FUNCTION)).map(async (name) => {
      const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}:8080/proxy/metrics`;
      const [, count = 0] =
        /^http_requests_total\{status="200"\} (\d+)$/m.exec(await kubectl('get', '--raw', path)) ?? [];
      return Number(count);
    }),
  );
  return sum(counts);
}

interface Outcome {
  exitCode: number;
  message: string;
  read: <K extends Kind>(kind: K) => Content<K>;
}

/** Waits for the end of a load test, and reads its results from its log. */
async function outcome({ log, pod }: LoadTest): Promise<Outcome> {
  const { files } = await unpack(await log);
  expect([...files.keys()].toSorted()).toEqual(
    kindsOfLoad(true)
      .map((kind) => fileName('function', kind))
      .toSorted(),
  );
  const terminated = '{.status.containerStatuses[0].state.terminated';
  // The log may end before the cluster knows that the container has ended.
  await kubectl('wait', 'pod', await pod(), `--for=jsonpath=${terminated}}`, '--timeout=60s');
  const exitCode = await get(`pod/${await pod()}`, `${terminated}.exitCode}`);
  const message = await get(`pod/${await pod()}`, `${terminated}.message}`);
  return { exitCode: Number(exitCode), message, read: reader(files) };
}

function reader(files: Map<string, Buffer>): Outcome['read'] {
  return (kind) => {
    const name = fileName('function', kind);
    return parse(kind, files.get(name)!, name);
  };
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

check('the parts of two workers add up to what the function has answered', async () => {
  const before = await answered();
  const values = ['workers.count=2', 'users=8', 'rate=100', 'runTime=15s'];
  const { read, message } = await outcome(await startLoadTest('f2c-loadtest-workers', ...values));
  const total = (await answered()) - before;
  expect(message).toMatch(/^(VALID|INVALID) function: .* archive \d+ bytes sha256:[\da-f]{64}$/);
  expect(total).toBeGreaterThan(1400);
  const aggregated = read('stats').find(({ Name }) => Name === 'Aggregated');
  expect({ requests: aggregated?.['Request Count'], failures: aggregated?.['Failure Count'] }).toEqual({
    requests: total,
    failures: 0,
  });
  expect(sum(read('seconds').map(({ requests }) => requests))).toBe(total);
  expect(sum(read('replicas').map(({ answers }) => answers))).toBe(total);
  const processes = new Set(read('generator').map(({ process }) => process));
  expect([...processes].toSorted()).toEqual(['worker-0', 'worker-1']);
});

check('a target that is killed makes the load INVALID, with all that was measured', async () => {
  const values = ['users=4', 'rate=50', 'runTime=25s'];
  const loadTest = await startLoadTest('f2c-loadtest-killed', ...values);
  const [pod] = await podsOf(FUNCTION);
  await kubectl('scale', `deployment/${FUNCTION}`, '--replicas=0');
  await kubectl('delete', 'pod', pod!, '--grace-period=0', '--force');
  const { exitCode, message, read } = await outcome(loadTest);
  expect(exitCode).toBe(3);
  expect(message).toMatch(/^INVALID function: .*\d+ of \d+ requests failed, more than the share of 0.01 that may/);
  expect(read('failures').length).toBeGreaterThan(0);
  expect(new Set(read('replicas').map(({ app_id }) => app_id)).size).toBe(1);
  await kubectl('wait', 'job', loadTest.job, '--for=condition=Failed', '--timeout=60s');
  const conditions = await get(`job/${loadTest.job}`, '{.status.conditions[?(@.type=="Failed")].reason}');
  expect(conditions).toBe('BackoffLimitExceeded');
  await scaleFunction(1);
});

check('an evicted load test prints what it has measured, and is not run again', async () => {
  const loadTest = await startLoadTest('f2c-loadtest-evicted', 'users=4', 'rate=50', 'runTime=5m');
  const pod = await loadTest.pod();
  await evict(NAMESPACE, pod);
  const { files } = await unpack(await loadTest.log);
  const { verdict, reasons, requests } = reader(files)('verdict');
  expect(verdict).toBe('INVALID');
  expect(reasons[0]).toBe('It was stopped by SIGTERM before its end.');
  expect(requests).toBeGreaterThan(0);
  await kubectl('wait', 'job', loadTest.job, '--for=condition=Failed', '--timeout=60s');
  expect(await loadTest.pod()).toBe('');
});

describe('replicas that come while the load runs', () => {
  test.each([
    [200, 3],
    [0, 1],
  ])('%i requests per connection: %i of 3 answer', async (maxRequests, replicas) => {
    onTestFailed(async () => console.log(await diagnosis()));
    await scaleFunction(1);
    const loadTest = await startLoadTest(
      `f2c-loadtest-connections-${maxRequests}`,
      `connection.maxRequests=${maxRequests}`,
      'users=12',
      'rate=300',
      'runTime=40s',
      'readyReplicas=3',
    );
    await scaleFunction(3);
    const { message, read } = await outcome(loadTest);
    const shares = sharesOfLast(10, read('replicas'));
    console.log(`${maxRequests} requests per connection: ${shares.map((share) => share.toFixed(2)).join(', ')}`);
    expect(shares).toHaveLength(replicas);
    expect(Math.min(...shares)).toBeGreaterThan(0.05);
    const reason = 'Only 1 of 3 ready replicas answered in the last step';
    expect(message.includes(reason)).toBe(replicas < 3);
  });
});

async function scaleFunction(replicas: number): Promise<void> {
  await kubectl('scale', `deployment/${FUNCTION}`, `--replicas=${replicas}`);
  await kubectl('rollout', 'status', `deployment/${FUNCTION}`, '--timeout=60s');
  await eventually(60, async () => expect(await podsOf(FUNCTION)).toHaveLength(replicas));
}

/** Returns each replica's share of all answers in the last seconds, the largest share first. */
function sharesOfLast(seconds: number, rows: Content<'replicas'>): number[] {
  const end = Math.max(...rows.map(({ timestamp_s }) => timestamp_s));
  const last = rows.filter(({ timestamp_s }) => timestamp_s > end - seconds);
  const byReplica = Object.values(Object.groupBy(last, ({ app_id }) => app_id));
  const counts = byReplica.map((answers = []) => sum(answers.map(({ answers }) => answers)));
  return counts.map((count) => count / sum(counts)).toSorted((a, b) => b - a);
}
