// `npm run compare -- --local`: the real function and a real Locust, and a fake of TensorFlow Serving, so that nothing
// it measures of that means anything.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFake } from '../fake-tfserving.ts';
import { compare, kindsFor, kindsOf } from './run.ts';

let fake: Awaited<ReturnType<typeof startFake>>;
beforeAll(async () => {
  fake = await startFake();
});
afterAll(() => fake.stop());

test('it runs all experiments that make sense on one machine', async () => {
  const { ended, run } = compare('--local', '--quick', '--users', '2', '--tfserving-url', fake.url);
  const { text, exitCode } = await ended;
  // Whether a load is valid depends on how busy this machine is.
  expect([0, 3], text).toContain(exitCode);
  const results = run();
  expect(results.experiments.map(({ name }) => name)).toEqual([
    'batch',
    'calibrate',
    'capacity',
    'coldstart',
    'latency',
    'noise',
  ]);
  expect(kindsOf(results, 'calibrate')).toEqual(kindsFor());
  for (const experiment of ['capacity', 'latency', 'batch']) {
    const { function: ofFunction, tfserving } = kindsOf(results, experiment);
    expect(ofFunction).toEqual(kindsFor('timeline', 'pods').function);
    expect(tfserving).toEqual(kindsFor().tfserving);
  }
  expect(kindsOf(results, 'coldstart')).toEqual({ function: ['coldstarts', 'footprint'] });
  const { mode, quick, interrupted, ceiling, leftOut, verdicts } = results.environment();
  expect({ mode, quick, interrupted }).toEqual({ mode: 'local', quick: true, interrupted: false });
  expect(ceiling?.bound).toBeGreaterThan(0);
  expect(leftOut).toContain('autoscale: on one machine without a cluster, nothing scales.');
  expect(verdicts).toHaveLength(8);
});

test('a target that does not answer rightly is said in one sentence, and nothing is left', async () => {
  const { ended } = compare('--local', '--quick', '--function-url', fake.url, '--tfserving-url', fake.url);
  const { text, exitCode } = await ended;
  expect(exitCode).toBe(1);
  expect(text).toMatch(/the function answers 212 °F rightly at http.*: not within \d+ s\./);
  expect(text).not.toMatch(/^ +at /m);
  expect(text).toMatch(/Nothing was measured\./);
}, 120_000);
