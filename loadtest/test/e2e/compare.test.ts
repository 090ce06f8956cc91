// `npm run compare` on a real cluster: the current context of kubectl, which must have the images named by
// FUNCTION_IMAGE, TFSERVING_IMAGE and LOADTEST_IMAGE, and a metrics API.

import { execa } from 'execa';
import { describe, expect, onTestFailed, test, vi } from 'vitest';
import { TARGETS } from '../../../results/files.ts';
import { evict } from './evict.ts';
import { compare as compareWith, kindsFor, kindsOf, type Comparison } from './run.ts';
import { imageArguments } from './images.ts';

function compare(...args: string[]): Comparison {
  const comparison = compareWith('--quick', ...imageArguments(), ...args);
  onTestFailed(async () => console.log((await comparison.ended).text));
  return comparison;
}

/** Of the namespace that the command said it uses; undefined once that is gone. */
async function namespaceOf(text: string): Promise<string | undefined> {
  const [, name = ''] = /namespace (f2c-compare-\w+)/.exec(text) ?? [];
  const { stdout } = await execa('kubectl', ['get', 'namespace', name, '--ignore-not-found', '--output', 'name']);
  return stdout || undefined;
}

describe('a short comparison of all experiments', () => {
  test('brings complete results home, and leaves nothing behind', async () => {
    // The stand-in of TensorFlow Serving takes long to start with less CPU.
    const { ended, run } = compare('--users', '8', '--run-time', '60s', '--cpu-limit', '200m');
    const { text, exitCode } = await ended;
    // Whether a load is valid depends on how busy this machine is; that it says so is tested elsewhere.
    expect([0, 3], text).toContain(exitCode);
    const results = run();
    const names = ['autoscale', 'batch', 'calibrate', 'capacity', 'coldstart', 'latency', 'noise'];
    expect(results.experiments.map(({ name }) => name)).toEqual(names);
    expect(kindsOf(results, 'calibrate')).toEqual(kindsFor());
    for (const experiment of ['autoscale', 'capacity', 'latency', 'batch']) {
      expect(kindsOf(results, experiment), experiment).toEqual(kindsFor('timeline', 'pods'));
    }
    for (const trial of [1, 2])
      expect(kindsOf(results, 'noise', trial)).toEqual({ function: kindsFor('timeline', 'pods').function });
    const started = ['coldstarts', 'footprint'];
    expect(kindsOf(results, 'coldstart')).toEqual({ function: started, tfserving: started });

    const { environment, experiments } = results;
    const { interrupted, verdicts, kubernetes, images, resources, charts, ceiling, leftOut } = environment();
    expect({ interrupted, leftOut }).toEqual({ interrupted: false, leftOut: [] });
    expect(verdicts).toHaveLength(10);
    expect(kubernetes?.nodes.length).toBeGreaterThan(0);
    expect(Object.keys(images)).toEqual(['f2c-function', 'f2c-tfserving', 'f2c-loadtest']);
    expect(Object.keys(charts)).toEqual(['f2c-function', 'f2c-tfserving', 'f2c-loadtest']);
    expect(resources['function/one']).toEqual(resources['tfserving/one']);
    expect(resources['function/auto']).toEqual(resources['tfserving/auto']);
    expect(ceiling?.bound).toBeGreaterThan(0);
    for (const { name, trials } of experiments) {
      for (const { target, kinds, read } of trials.flatMap(({ targets }) => targets)) {
        if (!kinds.includes('verdict')) continue;
        const { failures, wrongAnswers, requests } = read('verdict');
        expect({ name, target, failures, wrongAnswers }).toEqual({ name, target, failures: 0, wrongAnswers: 0 });
        expect(requests).toBeGreaterThan(0);
      }
    }
    for (const target of TARGETS) {
      const trial = experiments.find(({ name }) => name === 'autoscale')!.trials[0]!;
      const timeline = trial.targets.find((each) => each.target === target)!.read('timeline');
      expect(timeline.length).toBeGreaterThan(40);
      expect(Math.max(...timeline.map(({ ready_replicas }) => ready_replicas))).toBeGreaterThan(1);
    }
    expect(await namespaceOf(text)).toBeUndefined();
  }, 1_200_000);
});

describe('a comparison that does not get to its end', () => {
  test('because it is interrupted: it keeps what was measured, and leaves nothing behind', async () => {
    const { ended, run, said, interrupt } = compare('--experiment', 'latency', '--users', '2', '--cpu-limit', '200m');
    await said(/capacity 1\/1: the function/, 300);
    interrupt();
    const { text, exitCode } = await ended;
    expect(exitCode).toBe(130);
    expect(text).toMatch(/Interrupted in this step: capacity 1\/1: the function/);
    expect(kindsOf(run(), 'calibrate')).toEqual(kindsFor());
    expect(run().environment().interrupted).toBe(true);
    expect(await namespaceOf(text)).toBeUndefined();
  });

  test('because the load generator is evicted: it says so, and keeps what was measured', async () => {
    const { ended, run, said } = compare('--experiment', 'batch', '--users', '2', '--cpu-limit', '200m');
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
