// Tests both charts on a real cluster, the current context of kubectl. The cluster must have a metrics API and the three
// images, and its node ports must be reachable from here. FUNCTION_IMAGE, TFSERVING_IMAGE and LOADTEST_IMAGE select others.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect } from 'vitest';
import { startClients } from '../../function/test/client.ts';
import { ask } from '../../function/test/service.ts';
import { IMAGES, imageValues, valuesOf } from '../../compare/test/e2e/images.ts';
import { check, eventually, get, helm, kubectl, NAMESPACE, nodeAddress, podsOf, useNamespace } from './cluster.ts';

interface Target {
  chart: string;
  image: string;
  /** The node port that a test requests. */
  port: number;
  /** The request that the load generator sends. */
  request: { path: string; method: string; body?: string };
}

const FUNCTION: Target = {
  chart: 'chart',
  image: IMAGES.function,
  port: 30080,
  request: { path: '/?fahrenheit=212', method: 'GET' },
};
const TFSERVING: Target = {
  chart: 'tfserving/chart',
  image: IMAGES.tfserving,
  port: 30501,
  request: { path: '/v1/models/fahrenheit_to_celsius:predict', method: 'POST', body: '{"instances":[212]}' },
};

/** Installs or upgrades a release, and waits until it is ready. */
async function install(release: string, { chart, image }: Target, ...values: string[]): Promise<void> {
  const all = [...valuesOf(image), ...values];
  // TensorFlow Serving's image has no program that can send requests, so the function's image does that for both.
  if (chart === TFSERVING.chart) all.push(...valuesOf(FUNCTION.image, 'test.image'));
  const sets = all.flatMap((value) => ['--set', value]);
  await helm('upgrade', '--install', release, chart, ...sets, '--wait', '--timeout', '5m');
}

async function firstPort(release: string, key: 'port' | 'nodePort'): Promise<number> {
  const selector = ['--selector', `app.kubernetes.io/instance=${release}`];
  return Number(await get('services', `{.items[0].spec.ports[0].${key}}`, ...selector));
}
const nodePort = (release: string) => firstPort(release, 'nodePort');
const servicePort = (release: string) => firstPort(release, 'port');

let host: string;

useNamespace();
beforeAll(async () => {
  host = await nodeAddress();
});

describe.each([
  ['function', FUNCTION],
  ['tfserving', TFSERVING],
])('%s', (release, target) => {
  check('installs, and passes its own tests', async () => {
    await install(release, target);
    expect(await helm('test', release, '--timeout', '2m', '--logs')).toMatch(
      /knows \d+ temperatures, and refuses bad input\./,
    );
  });

  check('the autoscaler goes from 1 to 5 under load, and back', async () => {
    const behavior = 'autoscaling.behavior.scaleDown';
    await install(release, target, `${behavior}.stabilizationWindowSeconds=0`);
    await scale(release, target);
  });

  check('a pod is gone soon after it is deleted', async () => {
    const [pod] = await podsOf(release);
    const start = performance.now();
    await kubectl('delete', 'pod', pod!, '--wait');
    const seconds = (performance.now() - start) / 1000;
    console.log(`${release}: ${seconds.toFixed(1)} s from delete to gone`);
    expect(seconds).toBeLessThan(10);
  });

  check('its ports can be changed, and rolled back', async () => {
    const before = await servicePort(release);
    await install(release, target, 'service.port=8888', 'service.targetPort=9090', `service.nodePort=${target.port}`);
    expect(await nodePort(release)).toBe(target.port);
    await eventually(30, async () => {
      const { text } = await ask({ host, port: target.port }, requestOf(target));
      expect(text).toMatch(/"celsius":100,|"predictions": ?\[\s*100(\.0\d*)?\s*\]/);
    });
    await helm('rollback', release, '1', '--wait', '--timeout', '5m');
    // The service keeps its node port, because Kubernetes does not release one that is no longer requested.
    expect(await servicePort(release)).toBe(before);
    await helm('test', release, '--timeout', '2m');
  });
});

check('the function loses no request in a rolling upgrade and a scale-down', async () => {
  const fixed = ['autoscaling.enabled=false', 'replicaCount=3'];
  await install('function', FUNCTION, ...fixed);
  await eventually(60, async () => expect(await podsOf('function')).toHaveLength(3));
  const port = await nodePort('function');
  const clients = startClients(64, { host, port });
  const sent = () => clients.answers.length + clients.failures.length;
  try {
    const old = await podsOf('function');
    await install('function', FUNCTION, ...fixed, 'podAnnotations.restart=now');
    await eventually(60, async () => {
      expect((await podsOf('function')).filter((pod) => old.includes(pod))).toEqual([]);
    });
    console.log(`rolling upgrade of 3 replicas: ${sent()} requests, ${clients.failures.length} lost`);
    await install('function', FUNCTION, 'autoscaling.enabled=false', 'replicaCount=1');
    await eventually(60, async () => expect(await podsOf('function')).toHaveLength(1));
    console.log(`with the scale-down to 1: ${sent()} requests, ${clients.failures.length} lost`);
  } finally {
    await clients.stop();
  }
  expect(clients.failures).toEqual([]);
  expect(sent()).toBeGreaterThan(10_000);
});

check('TensorFlow Serving refuses no request over gRPC of as many clients as a comparison has', async () => {
  const host = `host=http://tfserving-f2c-tfserving.${NAMESPACE}:8500`;
  const load = ['target=tfserving-grpc', host, 'users=64', 'spawnRate=64', 'runTime=10s', 'maxFailedShare=0'];
  await helm(
    'install',
    'load',
    'loadtest/chart',
    ...[...imageValues('loadtest'), ...load].flatMap((value) => ['--set', value]),
  );
  await eventually(120, async () => {
    const path = '{.items[0].status.containerStatuses[0].state.terminated.message}';
    const verdict = await get('pods', path, '--selector', 'app.kubernetes.io/instance=load');
    expect(verdict).toContain('tfserving-grpc: ');
    expect(verdict).not.toContain('requests failed');
  });
  await helm('uninstall', 'load', '--wait');
});

check('uninstalling leaves nothing but the pods of the last tests', async () => {
  await helm('uninstall', 'function', '--wait');
  await helm('uninstall', 'tfserving', '--wait');
  await kubectl('delete', 'pod', 'function-f2c-function-test', 'tfserving-f2c-tfserving-test');
  const kinds = 'all,hpa,pdb,networkpolicies,serviceaccounts,configmaps,secrets,endpointslices';
  await eventually(60, async () => {
    expect(await get(kinds, '{.items[*].metadata.name}', '--selector', 'app.kubernetes.io/instance')).toBe('');
  });
});

function requestOf({ request: { path, method, body } }: Target) {
  return { path, method, ...(body && { body, headers: { 'content-type': 'application/json' } }) };
}

/** Loads a release until it has five ready replicas, and waits until it is back at one. */
async function scale(release: string, { request }: Target): Promise<void> {
  const start = performance.now();
  const timeline: string[] = [];
  let last = '';
  const ready = async () => {
    const path = '{.items[0].status.readyReplicas} {.items[0].spec.replicas}';
    const now = await get('deployments', path, '--selector', `app.kubernetes.io/instance=${release}`);
    if (now !== last)
      timeline.push(`${((performance.now() - start) / 1000).toFixed(0)} s: ${now.replace(' ', ' of ')}`);
    last = now;
    return now;
  };
  await eventually(90, async () => expect(await ready()).toBe('1 1'));
  // In a process of its own: it takes a whole CPU. It ends by itself, whatever happens here.
  const load = fork('test/e2e/load.ts', [
    JSON.stringify({ ...request, url: `http://${host}:${await nodePort(release)}${request.path}` }),
  ]);
  const ended = once(load, 'exit');
  try {
    await eventually(170, async () => expect(await ready()).toBe('5 5'));
  } finally {
    load.kill();
    await ended;
  }
  await eventually(170, async () => expect(await ready()).toBe('1 1'));
  console.log(`${release}: ready of wanted replicas: ${timeline.join(', ')}`);
}
