// Tests what a comparison refuses before it begins.

import { expect, test } from 'vitest';
import { refuseUnequal } from '../cluster/preflight.ts';

const autoscaler = (maxReplicas: number) => ({ minReplicas: 1, maxReplicas });

test('targets that are set alike are compared, and one that does not run yet is waited for', () => {
  refuseUnequal('autoscaling', [
    ['the function', autoscaler(5)],
    ['the model', autoscaler(5)],
    ['another', undefined],
  ]);
});

test('targets that are set unlike are refused, with what each runs with', () => {
  const unlike = [
    ['the function', autoscaler(5)],
    ['the model', autoscaler(3)],
  ] as const;
  expect(() => {
    refuseUnequal('autoscaling', unlike);
  }).toThrow(
    'The comparison would not be fair: the function runs with {"minReplicas":1,"maxReplicas":5}, and the model runs with ' +
      '{"minReplicas":1,"maxReplicas":3}. Set the same `autoscaling` for both charts.',
  );
});
