// Tests the function's chart on Knative Serving, on the cluster that kubectl points to. The cluster must have the function's
// image under a name that Knative asks no registry for. KNATIVE_IMAGE names another one, and KNATIVE_INGRESS the service
// whose node port leads to Knative's services, as namespace/name.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, expect } from 'vitest';
import { startClients } from '../../function/test/client.ts';
import { ask } from '../../function/test/service.ts';
import { KNATIVE_IMAGE, valuesOf } from '../../compare/test/e2e/images.ts';
import { check, eventually, get, helm, kubectl, nodeAddress, podsOf, useNamespace } from '../e2e/cluster.ts';

const RELEASE = 'f2c-function';
const [INGRESS_NAMESPACE = '', INGRESS = ''] = (process.env.KNATIVE_INGRESS ?? 'kourier-system/kourier').split('/');
/** Without requests for this long, Knative takes the last pod away; it accepts no shorter time. */
const WINDOW = String.raw`podAnnotations.autoscaling\.knative\.dev/window=6s`;

let ingress: { host: string; port: number };
/** The host name of the service, by which the ingress knows it. */
let host: string;

useNamespace();
beforeAll(async () => {
  const path = '{.spec.ports[?(@.port==80)].nodePort}';
  const port = await get('service', path, INGRESS, '--namespace', INGRESS_NAMESPACE);
  ingress = { host: await nodeAddress(), port: Number(port) };
});

/** The README's command, with further values. */
async function install(...values: string[]): Promise<void> {
  const all = ['knative.enabled=true', ...valuesOf(KNATIVE_IMAGE), ...values];
  await helm('upgrade', '--install', RELEASE, 'chart', ...all.flatMap((value) => ['--set', value]));
  await kubectl('wait', `ksvc/${RELEASE}`, '--for', 'condition=Ready', '--timeout', '2m');
}

async function convert(values: unknown) {
  const body = JSON.stringify({ fahrenheit: values });
  const headers = { host, 'content-type': 'application/json' };
  const { status, text } = await ask(ingress, { method: 'POST', headers, body });
  return { status, ...(JSON.parse(text) as { celsius: unknown }) };
}

check('installs, and answers rightly through the ingress', async () => {
  await install();
  host = new URL(await get('ksvc', '{.status.url}', RELEASE)).host;
  expect(await convert(212)).toMatchObject({ status: 200, celsius: 100 });
});

check('starts further pods when its CPU is full', async () => {
  expect(await podsOf(RELEASE)).toHaveLength(1);
  const start = performance.now();
  const headers = { host };
  const url = `http://${ingress.host}:${ingress.port}/?fahrenheit=212`;
  const load = fork('test/e2e/load.ts', [JSON.stringify({ url, headers })]);
  const ended = once(load, 'exit');
  try {
    await eventually(90, async () => expect((await podsOf(RELEASE)).length).toBeGreaterThan(2));
  } finally {
    load.kill();
    await ended;
  }
  console.log(`more than 2 pods after ${((performance.now() - start) / 1000).toFixed(1)} s`);
});

check('passes its own test', async () => {
  expect(await helm('test', RELEASE, '--timeout', '2m', '--logs')).toMatch(/knows \d+ temperatures, and refuses bad/);
});

check('answers large requests whole, through all hops', async () => {
  const values = Array.from({ length: 5000 }, () => 212);
  const celsius = values.map(() => 100);
  const lane = async () => {
    for (let request = 0; request < 50; request++)
      expect(await convert(values)).toMatchObject({ status: 200, celsius });
  };
  await Promise.all(Array.from({ length: 8 }, lane));
});

check('an upgrade and a rollback under load lose no request', async () => {
  const revision = () => get('ksvc', '{.status.traffic[*].revisionName}', RELEASE);
  const before = await revision();
  const clients = startClients(16, { ...ingress, headers: { host } });
  try {
    await install('settings.logLevel=warn');
    await eventually(60, async () => expect(await revision()).not.toBe(before));
    await helm('rollback', RELEASE, '1');
    await kubectl('wait', `ksvc/${RELEASE}`, '--for', 'condition=Ready', '--timeout', '2m');
    await eventually(60, async () => {
      const level = '{.spec.template.spec.containers[0].env[?(@.name=="LOG_LEVEL")].value}';
      expect(await get('ksvc', level, RELEASE)).toBe('info');
    });
  } finally {
    await clients.stop();
  }
  const { answers, failures } = clients;
  console.log(`upgrade and rollback: ${answers.length} answers, ${failures.length} lost`);
  expect(failures).toEqual([]);
  expect(answers.length).toBeGreaterThan(1000);
});

check('scales to zero, and answers from zero', async () => {
  await install('autoscaling.minReplicas=0', WINDOW);
  await eventually(180, async () => expect(await podsOf(RELEASE)).toEqual([]));
  const start = performance.now();
  expect(await convert(212)).toMatchObject({ status: 200, celsius: 100 });
  console.log(`from zero to the first answer: ${((performance.now() - start) / 1000).toFixed(2)} s`);
});

check('uninstalling leaves nothing but the pod of the last test', async () => {
  await helm('uninstall', RELEASE);
  await kubectl('delete', 'pod', `${RELEASE}-test`);
  const kinds = 'ksvc,configurations,revisions,routes,all,serviceaccounts,configmaps,secrets,endpointslices';
  await eventually(60, async () => {
    const left = await get(kinds, '{.items[*].metadata.name}', '--selector', `app.kubernetes.io/instance=${RELEASE}`);
    expect(left).toBe('');
  });
});
