// Runs `npm run compare` in a cluster, without faults.

import { readdirSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { compareInCluster, namespaceOf } from './in-cluster.ts';
import { kindsFor, kindsOf } from './run.ts';

const RESOURCES = { requests: expect.any(Object) as object, limits: expect.any(Object) as object };

test('a short comparison of all experiments collects complete results, and leaves nothing behind', async () => {
  const { ended, folder, run } = compareInCluster('--run-time', '60s');
  const { text, exitCode } = await ended;
  // Whether a load is valid depends on how busy this machine is. Other tests check that the verdict says so.
  expect([0, 3], text).toContain(exitCode);
  const results = run();
  const names = ['autoscale', 'batch', 'calibrate', 'coldstart', 'sweep'];
  expect(results.experiments.map(({ name }) => name)).toEqual(names);
  expect(kindsOf(results, 'calibrate')).toEqual(kindsFor());
  const { function: ofFunction, tfserving } = kindsFor('timeline', 'pods', 'throttling');
  expect(kindsOf(results, 'autoscale')).toEqual({ function: ofFunction, tfserving });
  for (const experiment of ['sweep', 'batch']) {
    expect(kindsOf(results, experiment), experiment).toEqual(kindsFor('timeline', 'pods', 'throttling'));
  }
  const started = ['coldstarts', 'footprint'];
  expect(kindsOf(results, 'coldstart')).toEqual({ function: started, tfserving: started });

  const { environment, experiments } = results;
  const { interrupted, verdicts, kubernetes, servers, loadGenerator, pods, ceiling, leftOut } = environment();
  expect(interrupted).toBe(false);
  // A load generator that can send less over gRPC leaves out some rates of sweep, too.
  expect(new Set(leftOut.map((sentence) => sentence.split(':')[0]))).toEqual(
    new Set(['scale-from-zero', 'sweep', 'autoscale']),
  );
  // Two targets in autoscale, and three in each of sweep and batch.
  expect(verdicts).toHaveLength(8);
  expect(kubernetes?.nodes.map(({ cpuModel }) => cpuModel)).toContainEqual(expect.any(String));
  const { function: one, tfserving: other } = servers;
  expect(one?.resources).toEqual({ one: RESOURCES, auto: RESOURCES });
  expect(other?.resources).toEqual(one?.resources);
  for (const known of [one, other, loadGenerator]) {
    expect(known).toMatchObject({
      image: { id: expect.any(String) as string },
      chart: { version: expect.any(String) as string },
    });
  }
  expect(Object.keys(pods).toSorted()).toEqual(['function', 'tfserving']);
  expect(Object.keys(loadGenerator.pods ?? {})).not.toEqual([]);
  expect(ceiling?.bound).toBeGreaterThan(0);
  for (const { name, trials } of experiments) {
    for (const { target, kinds, read } of trials.flatMap(({ targets }) => targets)) {
      if (!kinds.includes('verdict')) continue;
      const { failures, wrongAnswers, requests } = read('verdict');
      expect({ name, target, wrongAnswers }).toEqual({ name, target, wrongAnswers: 0 });
      // A stand-in for TensorFlow Serving may accept no more connections where it is offered more than it can answer.
      if (target === 'function') expect({ name, failures }).toEqual({ name, failures: 0 });
      expect(requests).toBeGreaterThan(0);
    }
  }
  const { targets } = experiments.find(({ name }) => name === 'autoscale')!.trials[0]!;
  for (const { read } of targets) {
    const timeline = read('timeline');
    // A load ends early where its target is saturated.
    expect(timeline.length).toBeGreaterThan(read('seconds').length / 2);
    expect(Math.max(...timeline.map(({ ready_replicas }) => ready_replicas))).toBeGreaterThan(1);
  }
  expect(await namespaceOf(text)).toBeUndefined();

  const report = await execa(process.execPath, ['results/report/main.ts', folder()], { reject: false });
  expect(report).toMatchObject({ exitCode: 0, stderr: '' });
  expect(readdirSync(folder())).toContain('report.pdf');
}, 1_200_000);
