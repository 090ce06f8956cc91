// Runs `npm run compare` as a user who administers one namespace, and has no right outside it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { imageArguments } from './images.ts';
import { compareWith } from './run.ts';

const NAMESPACE = `f2c-e2e-${Date.now().toString(36)}`;
const FOLDER = mkdtempSync(join(tmpdir(), 'f2c-kubeconfig-'));
const KUBECONFIG = join(FOLDER, 'config');

const kubectl = async (...args: string[]) => (await execa('kubectl', args)).stdout;

beforeAll(async () => {
  await kubectl('create', 'namespace', NAMESPACE);
  const inNamespace = ['--namespace', NAMESPACE];
  await kubectl(...inNamespace, 'create', 'serviceaccount', 'admin');
  const account = `--serviceaccount=${NAMESPACE}:admin`;
  await kubectl(...inNamespace, 'create', 'rolebinding', 'admin', '--clusterrole=admin', account);
  // As metrics-server's own manifests give it to everybody who may view a namespace.
  const role = ['create', 'role', 'metrics', '--verb=get,list', '--resource=pods.metrics.k8s.io'];
  await kubectl(...inNamespace, ...role);
  await kubectl(...inNamespace, 'create', 'rolebinding', 'metrics', '--role=metrics', account);
  const token = await kubectl(...inNamespace, 'create', 'token', 'admin', '--duration=1h');
  const config = JSON.parse(await kubectl('config', 'view', '--raw', '--minify', '--output', 'json')) as {
    users: { user: object }[];
  };
  for (const each of config.users) each.user = { token };
  writeFileSync(KUBECONFIG, JSON.stringify(config), { mode: 0o600 });
});
afterAll(async () => {
  rmSync(FOLDER, { recursive: true });
  await kubectl('delete', 'namespace', NAMESPACE, '--wait=false');
});

function compareAsAdmin(...args: string[]) {
  const quick = ['--quick', '--experiment', 'coldstart'];
  return compareWith({ KUBECONFIG }, ...quick, ...imageArguments(), ...args);
}

test('a user who may make no namespace is told so, and which option helps', async () => {
  const { text, exitCode } = await compareAsAdmin().ended;
  expect(exitCode, text).toBe(1);
  expect(text).toContain('You may not make a namespace in this cluster: name one in which you may install charts with');
  expect(text).not.toMatch(/metrics-server|Not all is removed/);
});

test('a namespace of the user suffices, and nothing of the comparison is left in it', async () => {
  const comparison = compareAsAdmin('--namespace', NAMESPACE);
  const { text, exitCode } = await comparison.ended;
  expect(exitCode, text).toBe(0);
  const { leftOut } = comparison.run().environment();
  expect(leftOut).toContainEqual(expect.stringMatching(/^The room on the nodes, .* may not list nodes/));
  expect(leftOut).toContainEqual(expect.stringMatching(/^CPU time per request: the caller may not read the kubelets/));
  const left = await kubectl('get', 'all,hpa,pdb,secrets', '--namespace', NAMESPACE, '--output', 'name');
  expect(left).toBe('');
}, 600_000);
