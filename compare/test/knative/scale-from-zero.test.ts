// Runs the experiment scale-from-zero of `npm run compare` on a cluster with Knative Serving. The cluster must have the
// function's image under a name that Knative asks no registry for. KNATIVE_IMAGE names another one.

import { expect, test } from 'vitest';
import { imageArguments, KNATIVE_IMAGE } from '../e2e/images.ts';
import { compareInCluster, namespaceOf } from '../e2e/in-cluster.ts';
import { kindsOf } from '../e2e/run.ts';

test('the function is asked on Knative when no pod of it runs', async () => {
  const { ended, run } = compareInCluster(
    ...imageArguments({ function: KNATIVE_IMAGE }),
    '--experiment',
    'scale-from-zero',
  );
  const { text, exitCode } = await ended;
  expect(exitCode, text).toBe(0);
  const results = run();
  expect(kindsOf(results, 'scale-from-zero')).toEqual({ function: ['zerostarts'] });
  const [trial] = results.experiments.find(({ name }) => name === 'scale-from-zero')!.trials;
  const starts = trial!.targets[0]!.read('zerostarts');
  console.log(`from zero: ${starts.map(({ first_answer_ms }) => (first_answer_ms / 1000).toFixed(2)).join(', ')} s`);
  expect(starts).toHaveLength(2);
  // A pod of Node can't start within this time, but one that still runs has answered.
  for (const { first_answer_ms } of starts) expect(first_answer_ms).toBeGreaterThan(100);
  expect(await namespaceOf(text)).toBeUndefined();
}, 900_000);

test('an image that Knative can’t find leaves the experiment out, with the reason', async () => {
  const image = ['--set', 'function.image.repository=f2c-function'];
  const { ended } = compareInCluster(...image, '--experiment', 'scale-from-zero');
  const { text, exitCode } = await ended;
  expect(exitCode, text).toBe(0);
  expect(text).toMatch(/scale-from-zero: .*Unable to fetch image/);
}, 600_000);
