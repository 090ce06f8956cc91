// Compares servers of files in a cluster: a chart with a URL, and a server that ends under load.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { imageArguments, IMAGES } from './images.ts';
import { namespaceOf } from './in-cluster.ts';
import { compare, compareWith, kindsOf } from './run.ts';

const { loadtest, function: ofFunction } = IMAGES;
const IN_CLUSTER = ['--quick', ...imageArguments({ loadtest, function: ofFunction })];

test('a chart is compared with a URL', async () => {
  const namespace = `f2c-old-${Date.now().toString(36)}`;
  const image = ['--set', `image=${ofFunction},node=/nodejs/bin/node`];
  const chart = 'examples/chart-and-url/chart';
  await execa('helm', ['install', 'old', chart, '--namespace', namespace, '--create-namespace', '--wait', ...image]);
  try {
    const servers = ['--servers', 'examples/chart-and-url/servers.yaml', '--old-url', `http://old.${namespace}`];
    const options = ['--experiment', 'coldstart', '--set', `new.image=${ofFunction},node=/nodejs/bin/node`];
    const { ended, run } = compare(...IN_CLUSTER, ...servers, ...options);
    const { text, exitCode } = await ended;
    expect(exitCode, text).toBe(0);
    expect(kindsOf(run(), 'coldstart')).toEqual({ new: ['coldstarts', 'footprint'] });
    const { comparison, servers: measured } = run().environment();
    expect(comparison).toMatchObject({ file: 'servers.yaml', baseline: 'new' });
    expect(measured.new).toMatchObject({ chart: { version: expect.any(String) as string } });
    expect(await namespaceOf(text)).toBeUndefined();
  } finally {
    await execa('kubectl', ['delete', 'namespace', namespace, '--wait=false']);
  }
});

test('a server that ends under the load of two workers is INVALID with its exit code, and secrets are not to be seen', async () => {
  const token = 'kept-from-everybody';
  const env = { F2C_TEST_TOKEN: token, F2C_TEST_BEARER: `Bearer ${token}` };
  const servers = ['--servers', 'compare/test/e2e/mortal/servers.yaml', '--experiment', 'sweep', '--workers', '2'];
  // Three pods of the load generator have room here if they request less.
  const room = ['--set', 'loadtest.resources.requests.cpu=100m'];
  const { ended, folder, run } = compareWith(env, ...IN_CLUSTER, ...servers, ...room);
  const { text, exitCode } = await ended;
  expect(exitCode, text).toBe(3);
  const { experiments, environment } = run();
  const { verdicts, comparison, options } = environment();
  expect(comparison).toMatchObject({ title: 'How long does it live?', baseline: 'loadtest' });
  const [verdict] = verdicts;
  expect(verdict).toMatchObject({ target: 'loadtest', verdict: 'INVALID' });
  expect(verdict?.reasons[0]).toMatch(/^Its container in the pod server-loadtest-\S+ ended with exit code 7/);
  expect(options.workers).toBe(2);
  const calibrated =
    experiments.find(({ name }) => name === 'calibrate')?.trials.flatMap(({ targets }) => targets) ?? [];
  for (const { target, read } of calibrated) {
    expect(new Set(read('generator').map(({ process }) => process)), target).toEqual(new Set(['worker-0', 'worker-1']));
    expect(read('verdict').generator.processes).toBe(2);
  }
  expect(text).not.toContain(token);
  for (const file of readdirSync(folder(), { recursive: true, withFileTypes: true }).filter((each) => each.isFile()))
    expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain(token);

  const report = await execa(process.execPath, ['results/report/main.ts', folder()], { reject: false });
  expect(report).toMatchObject({ exitCode: 0, stderr: '' });
}, 900_000);
