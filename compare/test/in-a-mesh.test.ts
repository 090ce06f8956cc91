// Reads a cluster in which a service mesh has put its own container before that of each pod. Its answers are made up, in
// the form of the API's.

import { describe, expect, test } from 'vitest';
import type { Ending } from '../../lib/exit-reason.ts';
import type { Kubernetes } from '../../lib/kubernetes/api.ts';
import type { Connection } from '../../lib/kubernetes/connection.ts';
import { openShell } from '../../lib/shell.ts';
import { environmentOf, see, type Seen } from '../cluster/inventory.ts';
import { runLoad } from '../cluster/job.ts';
import { memoryBytes, startWatch } from '../cluster/samples.ts';
import { resourcesOf } from '../cluster/scaling.ts';
import { openSession, type ClusterSession } from '../cluster/session.ts';
import type { Workload } from '../cluster/objects.ts';
import { readOptions } from '../options.ts';
import { filesOf, logOf, pack } from './log.ts';

const TIME = '2026-11-23T18:06:05Z';
const PROXY = { name: 'istio-proxy', image: 'istio/proxyv2', resources: { limits: { cpu: '2' } } };

/** A pod of a chart, whose proxy still runs when its own container has ended. */
function pod(chart: string, terminated?: Ending) {
  const own = { name: chart, image: `${chart}:own`, resources: { limits: { cpu: '100m' } } };
  const running = { running: {} };
  return {
    metadata: { name: `${chart}-1` },
    spec: { nodeName: 'node', containers: [PROXY, own] },
    status: {
      phase: 'Running',
      containerStatuses: [
        { name: PROXY.name, imageID: 'sha256:proxy', state: running },
        { name: chart, imageID: `sha256:${chart}`, state: terminated ? { terminated } : running },
      ],
    },
  };
}

const usage = (milliCores: number, mebibytes: number) => ({
  timestamp: new Date(Date.now() + 60_000).toISOString(),
  cpu: { time: TIME, usageCoreNanoSeconds: milliCores * 1e6 },
  memory: { workingSetBytes: mebibytes * 2 ** 20 },
  usage: { cpu: `${milliCores}m`, memory: `${mebibytes}Mi` },
});
const OWN = usage(70, 50);
const containers = [
  { ...usage(900, 200), name: PROXY.name },
  { ...OWN, name: 'f2c-function' },
];

/** @returns a namespace, and the paths and commands that were asked for */
function openFake(terminated: Ending, log = ''): { namespace: ClusterSession; asked: string[] } {
  const asked: string[] = [];
  const answers: [RegExp, unknown][] = [
    [/\/pods\/.*\/log/, log],
    [/stats\/summary/, { pods: [{ podRef: { name: 'f2c-function-1', namespace: 'mesh' }, containers }] }],
    [/metrics\.k8s\.io/, { items: [{ timestamp: OWN.timestamp, containers }] }],
    [/\/deployments\//, { spec: { replicas: 1 }, status: { readyReplicas: 1 } }],
    [/\/jobs\?/, { items: [{ metadata: { name: 'f2c-loadtest-2a3c1119' } }] }],
    [/\/pods\?.*f2c-function/, { items: [pod('f2c-function')] }],
    [/\/pods\?.*f2c-loadtest/, { items: [pod('f2c-loadtest', terminated)] }],
    [/\/pods\?/, { items: [] }],
    [/\/nodes$/, { items: [] }],
    [/\/nodes\//, { status: {} }],
    [/\/version$/, { gitVersion: 'v1.35.0' }],
    [/.*/, ''],
  ];
  const answer = (path: string) => {
    asked.push(path);
    return Promise.resolve(answers.find(([pattern]) => pattern.test(path))![1]);
  };
  const api = {
    get: answer,
    text: answer,
    request: () => Promise.resolve(new Response()),
  } as unknown as Kubernetes;
  const shell = {
    ...openShell(new AbortController().signal),
    run: (program: string, args: readonly string[]) => {
      asked.push([program, ...args].join(' '));
      return Promise.resolve(args.includes('list') ? '[]' : '');
    },
  };
  const settings = readOptions(['--tfserving-url', 'http://127.0.0.1:8501', '--function-url', 'http://127.0.0.1:8080']);
  const connection = {} as Connection;
  const workload = {
    kind: 'deployment',
    name: 'f2c-function',
    selector: 'app.kubernetes.io/instance=f2c-function',
    container: 'f2c-function',
    ports: {},
  } as unknown as Workload;
  const given = { connection, api, shell, settings, upgradeOptions: [], say: () => undefined };
  const opened = openSession(given, new Map([['function', workload]]));
  return { namespace: { ...opened, name: 'mesh', servers: ['function'] }, asked };
}

function load(namespace: ClusterSession) {
  const load = { target: 'function', steps: [{ seconds: 1, users: 1 }], settleSeconds: 0, seed: 1 };
  return runLoad(namespace, load, new Map());
}

describe('the load generator', () => {
  test('has ended when its own container has, whose log is read', async () => {
    const files = filesOf('function');
    const { namespace, asked } = openFake({ exitCode: 0 }, logOf('function', await pack(files)));
    expect(await load(namespace)).toEqual(files);
    expect(asked).toContainEqual(expect.stringMatching(/\/pods\/f2c-loadtest-1\/log\?container=f2c-loadtest$/));
  });

  test.each<[Ending, string]>([
    [
      { exitCode: 137, reason: 'OOMKilled' },
      'The load generator was killed for lack of memory (exit code 137, OOMKilled). ' +
        '`--set loadtest.resources.limits.memory=1Gi` gives it more.',
    ],
    [
      { exitCode: 1, reason: 'Error', message: 'BROKEN function: why' },
      'The load generator ended with exit code 1: BROKEN function: why',
    ],
  ])('that ended with %j says so', async (terminated, sentence) => {
    await expect(load(openFake(terminated).namespace)).rejects.toThrow(sentence);
  });
});

describe('of a target', () => {
  const { namespace, asked } = openFake({ exitCode: 0 });

  test('the resources are those of its own container', async () => {
    expect(await resourcesOf(namespace, 'function')).toEqual({ requests: {}, limits: { cpu: '100m' } });
  });

  test('the image is that of its own container, in which the CPU is read', async () => {
    const seen: Seen = { pods: {}, generators: {}, cpuModels: new Map() };
    await see(namespace, seen, 'function');
    const { servers } = await environmentOf(namespace, seen, {});
    expect(seen.pods).toEqual({ function: { 'f2c-function-1': 'node' } });
    const image = { reference: 'f2c-function:own', id: 'sha256:f2c-function' };
    expect(servers.function).toMatchObject({ name: 'the function', image, resources: {} });
    expect(asked).toContainEqual(expect.stringContaining(' exec f2c-function-1 --container f2c-function -- '));
  });

  test('CPU and memory are those of its own container', async () => {
    const memory_bytes = 50 * 2 ** 20;
    const { timeline, pods } = await startWatch(namespace, 'function', true).stop();
    expect(timeline[0]).toMatchObject({ cpu_cores: 0.07, memory_bytes });
    const [row] = pods;
    expect(pods).toEqual([{ ...row, pod: 'f2c-function-1', cpu_seconds: 0.07, memory_bytes }]);
    expect(await memoryBytes(namespace, 'function')).toBe(memory_bytes);
  });
});
