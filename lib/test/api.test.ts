// Tests what is read from Kubernetes' objects, with made-up objects.

import { describe, expect, test } from 'vitest';
import { ApiError } from '../kubernetes/api.ts';
import type { Node, Pod } from '../kubernetes/objects.ts';
import { lostNodes, obstacle, trouble } from '../kubernetes/pods.ts';

function pod(status: Partial<Pod['status']>): Pod {
  return {
    metadata: { name: 'it', namespace: 'there', uid: '1', creationTimestamp: '2026-01-31T12:00:00Z' },
    spec: { containers: [] },
    status: { phase: 'Pending', ...status },
  };
}
const status = { name: 'f2c-function', imageID: '', restartCount: 0 };
const waiting = (reason: string) =>
  pod({ containerStatuses: [{ ...status, state: { waiting: { reason, message: 'so it says' } } }] });

describe('why a pod will not run', () => {
  test('its image is not there', () => {
    expect(trouble([waiting('ErrImagePull')])).toBe('The pod it does not start: ErrImagePull. so it says');
  });

  test('it was killed again and again', () => {
    const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } };
    const lastState = { terminated: { exitCode: 137, reason: 'OOMKilled' } };
    expect(trouble([pod({ containerStatuses: [{ ...status, state, lastState }] })])).toBe(
      'The pod it does not start: CrashLoopBackOff. back-off 10s ' +
        'Its container f2c-function was killed for lack of memory (exit code 137, OOMKilled).',
    );
  });

  test('it is still starting', () => {
    expect(trouble([waiting('ContainerCreating')])).toBeUndefined();
  });
});

describe('what keeps a pod from running for now', () => {
  test('is that no node takes it', () => {
    const message = '0/1 nodes are available: 1 Insufficient cpu.';
    const conditions = [
      { type: 'PodScheduled', status: 'False', lastTransitionTime: '', reason: 'Unschedulable', message },
    ];
    expect(obstacle([pod({ conditions })])).toBe(`No node takes the pod it: ${message}`);
    expect(trouble([pod({ conditions })])).toBeUndefined();
  });

  test('is that it can’t be made, if there is none', () => {
    const message = 'pods "it-x" is forbidden: exceeded quota: small';
    const events = [{ reason: 'FailedCreate', message, involvedObject: { name: 'it' } }];
    expect(obstacle([], events)).toBe(`A pod can't be made: ${message}`);
    expect(obstacle([pod({})], events)).toBeUndefined();
  });
});

test('a node whose kubelet has ended is named', () => {
  const node = (status: string): Node => ({
    metadata: { name: 'it' },
    status: {
      allocatable: {},
      capacity: {},
      conditions: [{ type: 'Ready', status, message: 'Kubelet stopped posting node status.' }],
      nodeInfo: {} as Node['status']['nodeInfo'],
    },
  });
  expect(lostNodes([node('True'), node('Unknown')])).toEqual([
    'The node it is not ready: Kubelet stopped posting node status.',
  ]);
});

test.each([
  [
    '{"kind":"Status","message":"nodes is forbidden: User \\"me\\" cannot list"}',
    'nodes is forbidden: User "me" cannot list',
  ],
  ['dial tcp: connection refused', 'dial tcp: connection refused'],
])('a refusal of the API server is shown as it is meant for people: %s', (text, details) => {
  expect(new ApiError('/api/v1/nodes', 403, text).details).toBe(details);
});
