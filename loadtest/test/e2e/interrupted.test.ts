// `npm run compare` in a cluster, when it does not get to its end.

import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { evict } from './evict.ts';
import { compareInCluster, namespaceOf } from './in-cluster.ts';
import { kindsFor, kindsOf } from './run.ts';

test('a comparison that is interrupted keeps what was measured, and leaves nothing behind', async () => {
  const { ended, run, said, interrupt } = compareInCluster('--experiment', 'latency', '--users', '2');
  await said(/capacity 1\/1: the function/, 300);
  interrupt();
  const { text, exitCode } = await ended;
  expect(exitCode).toBe(130);
  expect(text).toMatch(/Interrupted in this step: capacity 1\/1: the function/);
  expect(kindsOf(run(), 'calibrate')).toEqual(kindsFor());
  expect(run().environment().interrupted).toBe(true);
  expect(await namespaceOf(text)).toBeUndefined();
});

test('a comparison whose load generator is evicted says so, and keeps what was measured', async () => {
  const { ended, run, said } = compareInCluster('--experiment', 'batch', '--users', '2');
  await said(/batch 1\/1: the function/, 300);
  await said(/namespace (f2c-compare-\w+)/, 1);
  await evictLoadTest();
  const { text, exitCode } = await ended;
  expect(exitCode).toBe(1);
  expect(text).toMatch(/Failed in this step: batch 1\/1: the function/);
  expect(text).toMatch(/The load generator.* (gone|ended)/);
  expect(kindsOf(run(), 'calibrate')).toEqual(kindsFor());
  expect(await namespaceOf(text)).toBeUndefined();
});

/** Once its pod runs. */
async function evictLoadTest(): Promise<void> {
  const selector = 'app.kubernetes.io/instance=f2c-loadtest';
  const select = ['--all-namespaces', '--selector', selector, '--field-selector', 'status.phase=Running'];
  const path = '{range .items[*]}{.metadata.namespace} {.metadata.name}{"\\n"}{end}';
  const [namespace, name] = await vi.waitFor(
    async () => {
      const { stdout } = await execa('kubectl', ['get', 'pods', ...select, '--output', `jsonpath=${path}`]);
      expect(stdout).not.toBe('');
      return stdout.split(/\s/);
    },
    { timeout: 120_000, interval: 500 },
  );
  await evict(namespace!, name!);
}
