// Interrupts `npm run compare` in a cluster before its end.

import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { evict } from './evict.ts';
import { compareInCluster, namespaceOf } from './in-cluster.ts';
import { kindsFor, kindsOf } from './run.ts';

/** The second load, when there are results of the first one. */
const AT_OFFERED_RATE = /at an offered rate in the form of the function/;

test('a comparison that is interrupted keeps what was measured, and leaves nothing behind', async () => {
  const { ended, run, said, interrupt } = compareInCluster('--experiment', 'sweep');
  await said(AT_OFFERED_RATE, 300);
  interrupt();
  const { text, exitCode } = await ended;
  expect(exitCode).toBe(130);
  expect(text).toMatch(/Interrupted in this step: calibrate: .* at an offered rate in the form of the function/);
  expect(kindsOf(run(), 'calibrate')).toEqual({ function: kindsFor().function });
  expect(run().environment().interrupted).toBe(true);
  expect(await namespaceOf(text)).toBeUndefined();
});

test('a comparison whose load generator is evicted says so, and keeps what was measured', async () => {
  const { ended, run, said } = compareInCluster('--experiment', 'batch');
  await said(AT_OFFERED_RATE, 300);
  await evictLoadTest();
  const { text, exitCode } = await ended;
  expect(exitCode).toBe(1);
  expect(text).toMatch(/Failed in this step: calibrate: .* at an offered rate in the form of the function/);
  expect(text).toMatch(/The load generator.* (gone|ended)/);
  expect(kindsOf(run(), 'calibrate')).toEqual({ function: kindsFor().function });
  expect(await namespaceOf(text)).toBeUndefined();
});

interface RunningPod {
  metadata: { name: string; namespace: string };
  status: { containerStatuses?: { state: { running?: object } }[] };
}

/** Evicts the load test once it runs. A pod's phase does not show that: it stays Running after the container ended. */
async function evictLoadTest(): Promise<void> {
  const select = ['--all-namespaces', '--selector', 'app.kubernetes.io/instance=f2c-loadtest'];
  const { metadata } = await vi.waitFor(
    async () => {
      const { stdout } = await execa('kubectl', ['get', 'pods', ...select, '--output', 'json']);
      const { items } = JSON.parse(stdout) as { items: RunningPod[] };
      const pod = items.find(({ status }) => status.containerStatuses?.some(({ state }) => state.running));
      expect(pod).toBeDefined();
      return pod!;
    },
    { timeout: 120_000, interval: 500 },
  );
  await evict(metadata.namespace, metadata.name);
}
