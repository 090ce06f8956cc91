// `npm run cluster -- --current` on kubectl's current cluster, which must have a metrics API. The images of this version
// must be in Docker if kind or minikube runs the cluster, and on its nodes if not.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { kubectl, NAMESPACE, useNamespace } from '../../../test/e2e/cluster.ts';

useNamespace();

const cluster = (env = {}) =>
  execa('npm', ['run', '--silent', 'cluster', '--', '--current', '--no-build'], { env, all: true, reject: false });

test('a cluster with metrics and images is ready', async () => {
  // A node does not list an image that was just loaded.
  await vi.waitFor(
    async () => {
      const { exitCode, all } = await cluster();
      expect(exitCode, all).toBe(0);
      expect(all).toMatch(/All nodes have f2c-function:\S+, f2c-tfserving:\S+, and f2c-loadtest:/);
    },
    { timeout: 120_000, interval: 2000 },
  );
});

test('who may not list nodes is told what the cluster says', async () => {
  const token = await kubectl('create', 'token', 'default');
  const folder = mkdtempSync(join(tmpdir(), 'f2c-kubeconfig-'));
  try {
    const KUBECONFIG = join(folder, 'config');
    writeFileSync(KUBECONFIG, await kubectl('config', 'view', '--raw', '--minify', '--flatten'), { mode: 0o600 });
    const config = (...args: string[]) => execa('kubectl', ['config', ...args], { env: { KUBECONFIG } });
    await config('set-credentials', 'nobody', '--token', token);
    await config('set-context', '--current', '--user', 'nobody');
    const { exitCode, all } = await cluster({ KUBECONFIG });
    expect(exitCode).toBe(1);
    expect(all).toContain(`User "system:serviceaccount:${NAMESPACE}:default" cannot list resource "nodes"`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
