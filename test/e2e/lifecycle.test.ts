// What happens to the number of pods and to Jobs from one release to the next, on the cluster that kubectl points to. It
// must have the images, named by FUNCTION_IMAGE and LOADTEST_IMAGE. With Helm 3 or 4, whichever `helm` is.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { expect } from 'vitest';
import { imageValues } from '../../compare/test/e2e/images.ts';
import { check, eventually, get, helm, kubectl, NAMESPACE, podsOf, useNamespace } from './cluster.ts';

const RELEASE = 'f2c-function';
const AUTOSCALED = ['autoscaling.enabled=true', 'autoscaling.minReplicas=3'];
const FIXED = ['autoscaling.enabled=false', 'replicaCount=5'];
const SOMEONE_ELSES = ['autoscaling.enabled=false', 'replicaCount=null'];

useNamespace();

function sets(...values: string[]): string[] {
  return values.flatMap((value) => ['--set', value]);
}

/** Installs or upgrades the function, and waits as Helm does. */
async function install(...values: string[]): Promise<void> {
  await helm(...upgrade(values));
}

/** The same, where someone else has set the number of pods: Helm 4 takes a field from its owner only when told to. */
async function takeOver(...values: string[]): Promise<void> {
  const isHelm3 = (await helm('version', '--short')).startsWith('v3.');
  await helm(...upgrade(values), ...(isHelm3 ? [] : ['--force-conflicts']));
}

function upgrade(values: string[]): string[] {
  const args = sets(...imageValues('function'), 'resources.requests.cpu=50m', ...values);
  return ['upgrade', '--install', RELEASE, 'chart', ...args, '--wait', '--timeout', '3m'];
}

async function replicas(): Promise<{ wanted: number; ready: number }> {
  const text = await get('deployment', '{.spec.replicas} {.status.readyReplicas}', RELEASE);
  const [wanted = 0, ready = 0] = text.split(' ').map(Number);
  return { wanted, ready };
}

/** The fewest pods that the Deployment wants and has ready while something is done. */
async function fewest(during: () => Promise<void>): Promise<{ wanted: number; ready: number }> {
  const path = '{.spec.replicas} {.status.readyReplicas}{"\\n"}';
  const args = ['--namespace', NAMESPACE, 'get', 'deployment', RELEASE, '--watch', '--output', `jsonpath=${path}`];
  const watch = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(watch, 'exit');
  const least = { wanted: Infinity, ready: Infinity };
  const lines = createInterface(watch.stdout).on('line', (line) => {
    const [wanted = 0, ready = 0] = line.split(' ').map(Number);
    least.wanted = Math.min(least.wanted, wanted);
    least.ready = Math.min(least.ready, ready);
  });
  try {
    await once(lines, 'line');
    await during();
  } finally {
    watch.kill();
    await ended;
  }
  return least;
}

check('as many pods as the autoscaler wants at least are ready when Helm returns', async () => {
  await install(...AUTOSCALED);
  expect(await replicas()).toEqual({ wanted: 3, ready: 3 });
});

check('an upgrade leaves the number of pods to the autoscaler', async () => {
  await kubectl('scale', 'deployment', RELEASE, '--replicas', '4');
  const least = await fewest(() => install(...AUTOSCALED, 'podAnnotations.upgrade=first'));
  expect(least.wanted).toBeGreaterThanOrEqual(4);
  expect(least.ready).toBeGreaterThanOrEqual(3);
});

check('from the autoscaler to a fixed number, and back, there are never fewer pods than in both', async () => {
  await takeOver(...FIXED);
  await eventually(60, async () => expect(await replicas()).toEqual({ wanted: 5, ready: 5 }));
  const least = await fewest(() => install(...AUTOSCALED));
  expect(least).toEqual({ wanted: 5, ready: 5 });
});

check('someone else gets the number of pods, and keeps it', async () => {
  await takeOver(...FIXED);
  const taken = await fewest(() => install(...SOMEONE_ELSES));
  expect(taken.wanted).toBe(5);
  await kubectl('scale', 'deployment', RELEASE, '--replicas', '4');
  await eventually(60, async () => expect(await podsOf(RELEASE)).toHaveLength(4));
  const kept = await fewest(() => install(...SOMEONE_ELSES, 'podAnnotations.upgrade=second'));
  expect(kept.wanted).toBe(4);
});

check('a variable that was overridden is the setting again once it no longer is', async () => {
  const logLevel = () =>
    get('deployment', '{.spec.template.spec.containers[0].env[?(@.name=="LOG_LEVEL")].value}', RELEASE);
  await install(...SOMEONE_ELSES, 'extraEnv[0].name=LOG_LEVEL', 'extraEnv[0].value=debug');
  expect(await logLevel()).toBe('debug');
  await install(...SOMEONE_ELSES);
  expect(await logLevel()).toBe('info');
});

check('the log of the test can be read, where all pods need a CPU limit', async () => {
  await kubectl('create', 'quota', 'all-limited', '--hard=limits.cpu=10,limits.memory=10Gi,pods=20');
  expect(await helm('test', RELEASE, '--logs', '--timeout', '2m')).toContain('knows 12 temperatures');
});

check('a load with other values is another Job, whatever installs it', async () => {
  const apply = async (users: number) => {
    const values = sets(...imageValues('loadtest'), `users=${users}`, 'runTime=2s', 'resources.requests.cpu=50m');
    const { stdout } = await execa('helm', ['template', 'load', 'loadtest/chart', ...values, '--namespace', NAMESPACE]);
    await execa('kubectl', ['--namespace', NAMESPACE, 'apply', '--filename', '-'], { input: stdout });
  };
  await apply(1);
  await apply(2);
  await apply(2);
  const selector = 'app.kubernetes.io/instance=load,app.kubernetes.io/component=generator';
  expect((await get('jobs', '{.items[*].metadata.name}', '--selector', selector)).split(' ')).toHaveLength(2);
});
