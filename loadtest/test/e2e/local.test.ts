// Runs `npm run compare -- --local` with the real function, a real Locust and a fake of TensorFlow Serving. The figures
// of that fake mean nothing.

import { execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../compare/environment.ts';
import { startFake } from '../fake-tfserving.ts';
import { compare, compareWith, kindsFor, kindsOf } from './run.ts';

let fake: Awaited<ReturnType<typeof startFake>>;
beforeAll(async () => {
  fake = await startFake();
});
afterAll(() => fake.stop());

const FUNCTION_IMAGE = process.env.FUNCTION_IMAGE ?? `f2c-function:${VERSION}`;
const hasImage = execaSync('docker', ['image', 'inspect', FUNCTION_IMAGE], { reject: false }).exitCode === 0;

describe.each([
  { how: 'as a process that nothing limits', image: 'f2c-function:none', leavesOut: true },
  { how: 'as a container with a CPU limit', image: FUNCTION_IMAGE, leavesOut: false },
])('the function $how', ({ image, leavesOut }) => {
  test.skipIf(image === FUNCTION_IMAGE && !hasImage)('is measured by all experiments that can be valid', async () => {
    const options = ['--local', '--quick', '--users', '2', '--tfserving-url', fake.url];
    const { ended, run } = compareWith({ FUNCTION_IMAGE: image }, ...options);
    const { text, exitCode } = await ended;
    // Whether a load is valid depends on how busy this machine is.
    expect([0, 3], text).toContain(exitCode);
    const results = run();
    const limited = leavesOut ? [] : ['batch', 'capacity'];
    const names = [...limited, 'calibrate', 'coldstart', 'latency', 'noise'];
    expect(results.experiments.map(({ name }) => name)).toEqual(names.toSorted());
    for (const trial of [1, 2]) expect(kindsOf(results, 'calibrate', trial)).toEqual(kindsFor());
    for (const experiment of ['latency', ...limited]) {
      const { function: ofFunction, tfserving } = kindsOf(results, experiment);
      expect(ofFunction).toEqual(kindsFor('timeline', 'pods').function);
      expect(tfserving).toEqual(kindsFor().tfserving);
    }
    expect(kindsOf(results, 'coldstart')).toEqual({ function: ['coldstarts', 'footprint'] });
    const { mode, quick, interrupted, ceiling, leftOut, resources } = results.environment();
    expect({ mode, quick, interrupted }).toEqual({ mode: 'local', quick: true, interrupted: false });
    expect(ceiling?.bound).toBeLessThan(ceiling?.openRequestsPerSecond?.function ?? 0);
    expect(leftOut).toContain('autoscale: on one machine without a cluster, nothing scales.');
    expect(leftOut.some((sentence) => sentence.startsWith('capacity, batch: '))).toBe(leavesOut);
    expect(resources['function/one']?.limits).toEqual(leavesOut ? undefined : { cpu: '100m' });
    expect(resources['function/core']?.limits).toEqual(leavesOut ? undefined : { cpu: '1' });
  });
});

test('a target that does not answer rightly is said in one sentence, and nothing is left', async () => {
  const { ended } = compare('--local', '--quick', '--function-url', fake.url, '--tfserving-url', fake.url);
  const { text, exitCode } = await ended;
  expect(exitCode).toBe(1);
  expect(text).toMatch(/the function answers 212 °F rightly at http.*: not within \d+ s\./);
  expect(text).not.toMatch(/^ +at /m);
  expect(text).toMatch(/Nothing was measured\./);
}, 120_000);
