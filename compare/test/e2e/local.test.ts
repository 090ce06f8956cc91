// Runs `npm run compare -- --local` with the real function, a real Locust and a stub of TensorFlow Serving. The figures
// of that stub mean nothing.

import { execaSync } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Run } from '../../../results/read.ts';
import { testIf } from '../../../test/needs.ts';
import { IMAGES } from './images.ts';
import { compare, kindsFor, kindsOf } from './run.ts';
import { startStub } from './tfserving-stub.ts';

let stub: Awaited<ReturnType<typeof startStub>>;
beforeAll(async () => {
  stub = await startStub();
});
afterAll(() => stub.stop());

/** A test that needs images in Docker. */
function testWith(...images: string[]) {
  const { exitCode } = execaSync('docker', ['image', 'inspect', ...images], { reject: false });
  return testIf(exitCode === 0, `Docker does not have ${images.join(' and ')}`);
}

/** A comparison of the function with a stub of TensorFlow Serving, whose results are complete. */
async function compared(...options: string[]): Promise<Run> {
  const args = ['--local', '--quick', '--tfserving-url', stub.url, ...options];
  const { ended, run } = compare(...args);
  const { text, exitCode } = await ended;
  // Whether a load is valid depends on how busy this machine is.
  expect([0, 3], text).toContain(exitCode);
  const { mode, quick, interrupted } = run().environment();
  expect({ mode, quick, interrupted }).toEqual({ mode: 'local', quick: true, interrupted: false });
  return run();
}

const NO_GRPC = 'TensorFlow Serving over gRPC: its server runs elsewhere; give --tfserving-grpc-url.';
/** A servers file without an image of the function. */
const AS_PROCESS = 'compare/test/e2e/function-as-process.yaml';
const namesOf = ({ experiments }: Run) => experiments.map(({ name }) => name);

test('the function as a process, which nothing limits, is swept up to what the load generator can send', async () => {
  const run = await compared('--servers', AS_PROCESS, '--experiment', 'sweep');
  expect(namesOf(run)).toEqual(['calibrate', 'sweep']);
  const { function: ofFunction, tfserving } = kindsFor();
  for (const trial of [1, 2]) expect(kindsOf(run, 'calibrate', trial)).toEqual({ function: ofFunction, tfserving });
  expect(kindsOf(run, 'sweep')).toEqual({ function: kindsFor('timeline', 'pods').function, tfserving });
  const { leftOut, servers, ceiling } = run.environment();
  expect(ceiling?.bound).toBeLessThan(ceiling?.openRequestsPerSecond.function ?? 0);
  expect(leftOut).toEqual([
    'autoscale and scale-from-zero: on one machine without a cluster, nothing scales.',
    'A limit of CPU and memory of the function: nothing limits a process of this machine.',
    'sweep: the baseline again, and how much of a latency is the load generator’s own; too long for --quick.',
  ]);
  expect(servers.function?.resources).toEqual({});
});

testWith(IMAGES.function)('the function as a container has a CPU limit', async () => {
  const run = await compared('--experiment', 'coldstart');
  expect(namesOf(run)).toEqual(['coldstart']);
  expect(kindsOf(run, 'coldstart')).toEqual({ function: ['coldstarts', 'footprint'] });
  const { leftOut, servers } = run.environment();
  expect(leftOut).toEqual([
    'autoscale and scale-from-zero: on one machine without a cluster, nothing scales.',
    NO_GRPC,
  ]);
  expect(servers.function?.resources).toEqual({ one: { requests: {}, limits: { cpu: '500m', memory: '512Mi' } } });
});

testWith(IMAGES.function, IMAGES.tfserving)(
  'both servers start from their images',
  async () => {
    const { ended, run } = compare('--local', '--quick', '--experiment', 'coldstart');
    const { text, exitCode } = await ended;
    expect(exitCode, text).toBe(0);
    const started = ['coldstarts', 'footprint'];
    expect(kindsOf(run(), 'coldstart')).toEqual({ function: started, tfserving: started });
  },
  300_000,
);

test('a target that answers wrongly ends the run with one sentence, and leaves nothing behind', async () => {
  const { ended } = compare('--local', '--quick', '--function-url', stub.url, '--tfserving-url', stub.url);
  const { text, exitCode } = await ended;
  expect(exitCode).toBe(1);
  expect(text).toMatch(/the function does not answer rightly: GET .*: the answer has nothing at \/celsius: it is/);
  expect(text).not.toMatch(/^ +at /m);
  expect(text).toMatch(/Nothing was measured\./);
}, 120_000);
