// Tests what a comparison refuses before it begins.

import { expect, test } from 'vitest';
import { refuseOthers, refuseUnequal } from '../cluster/preflight.ts';
import type { ServerDefinition } from '../servers/comparison.ts';

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
      '{"minReplicas":1,"maxReplicas":3}. Set the same `autoscaling` for all.',
  );
});

test('the resources of a servers file hold for charts, too, however they are written', () => {
  const servers = new Map([['one', { name: 'the one' } as ServerDefinition]]);
  const resources = { requests: { cpu: '0.1' }, limits: { cpu: '0.5', memory: '1Gi' } };
  const refuse = (limits: Record<string, string>) => () => {
    refuseOthers({ servers, resources }, 'one', { requests: { cpu: '100m' }, limits });
  };
  expect(refuse({ memory: '1024Mi', cpu: '500m' })).not.toThrow();
  expect(refuse({ cpu: '500m' })).toThrow(/not be fair: the one runs with .* and `resources` of the servers file are/);
});
