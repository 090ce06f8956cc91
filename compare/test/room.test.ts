// What is said before anything is installed of experiments whose pods find no room, with made-up nodes and charts.

import { describe, expect, test } from 'vitest';
import type { Node, Pod } from '../../lib/kubernetes/objects.ts';
import { lackOfRoom, type Manifests } from '../cluster/room.ts';
import { readOptions } from '../options.ts';

const requests = (cpu: string) => ({ requests: { cpu, memory: '512Mi' } });
const template = (name: string, cpu: string, more = {}) => ({
  template: { spec: { containers: [{ name, resources: requests(cpu) }], ...more } },
});
const FUNCTION = [{ kind: 'Deployment', spec: template('f2c-function', '100m') }];
const TFSERVING = [
  { kind: 'Deployment', spec: template('f2c-tfserving', '100m', { nodeSelector: { 'kubernetes.io/arch': 'amd64' } }) },
];
const MANIFESTS: Manifests = {
  servers: [
    { name: 'the function', objects: FUNCTION, most: 5 },
    { name: 'TensorFlow Serving', objects: TFSERVING, most: 5 },
  ],
  generators: [{ kind: 'Job', spec: template('f2c-loadtest', '500m') }],
  bareServer: FUNCTION,
};

function node(name: string, cpu: string, spec: Node['spec'] = {}, memory = '16Gi', arch = 'amd64'): Node {
  const labels = { 'kubernetes.io/arch': arch };
  const status = { allocatable: { cpu, memory }, capacity: {}, nodeInfo: {} as Node['status']['nodeInfo'] };
  return { metadata: { name, labels }, spec, status };
}

/** A pod of others, which reserves CPU on a node. */
function pod(cpu: string, nodeName: string): Pod {
  return {
    metadata: { name: 'other', namespace: 'other', uid: '1', creationTimestamp: '' },
    spec: { nodeName, containers: [{ name: 'other', image: '', resources: requests(cpu) }] },
    status: { phase: 'Running' },
  };
}

function lack(nodes: Node[], pods: Pod[], ...args: string[]): string[] {
  return lackOfRoom(readOptions(args), MANIFESTS, nodes, pods);
}

describe('the room for each experiment', () => {
  test('is told with the figures where it lacks', () => {
    const args = ['--experiment', 'coldstart', '--experiment', 'scale-from-zero'];
    expect(lack([node('one', '2')], [pod('1350m', 'one')], ...args)).toEqual([
      'coldstart: pods that request 0.70 CPUs and 1.50 GiB at the same time (the function 0.10, TensorFlow Serving 0.10 ' +
        'on nodes with kubernetes.io/arch=amd64, the load generator 0.50) do not fit on the nodes, where 0.65 CPUs and 15.50 GiB are free. Some of them will not start ' +
        'unless a node autoscaler adds a node: lower `resources.requests` of the charts by --set, or ' +
        'add a node, or name other experiments by --experiment.',
    ]);
    expect(lack([node('one', '2')], [pod('1700m', 'one')], ...args)).toContainEqual(
      expect.stringMatching(/^scale-from-zero: .* 0\.40 CPUs .*the function on Knative 0\.10, the bare server 0\.10\)/),
    );
  });

  test('is enough on a node of two cores by default, but for the last replicas', () => {
    expect(lack([node('one', '2')], [pod('650m', 'one')])).toEqual([]);
    expect(lack([node('one', '2')], [pod('1', 'one')])).toEqual([
      expect.stringMatching(
        /^autoscale with 5 replicas: .*5 × the function 0\.10.*the bare server 0\.10.*Some of them will not start unless/,
      ),
      expect.stringMatching(/^autoscale with 5 replicas: .*5 × TensorFlow Serving 0\.10/),
    ]);
  });

  test('counts the workers of the load generator', () => {
    const workers: Manifests = {
      ...MANIFESTS,
      servers: MANIFESTS.servers.slice(0, 1),
      generators: [
        ...MANIFESTS.generators,
        { kind: 'Job', spec: { parallelism: 2, ...template('f2c-loadtest', '1') } },
      ],
    };
    const settings = readOptions(['--experiment', 'batch', '--workers', '2']);
    expect(lackOfRoom(settings, workers, [node('one', '2')], [])).toContainEqual(
      expect.stringMatching(/^batch: .*2\.60 CPUs .*the load generator 0\.50, 2 × the load generator 1\.00\)/),
    );
  });

  test.each<[string, Node[]]>([
    ['on one node', [node('one', '400m'), node('two', '400m'), node('three', '400m')]],
    ['on nodes that take pods', [node('one', '600m'), node('full', '8', { taints: [{ effect: 'NoSchedule' }] })]],
    ['in memory', [node('one', '8', {}, '1Gi')]],
    ['on nodes of the chart’s architecture', [node('arm', '8', {}, '16Gi', 'arm64')]],
  ])('is looked for %s', (_, nodes) => {
    const args = ['--experiment', 'coldstart'];
    expect(lack(nodes, [], ...args)).toEqual([expect.stringMatching(/^coldstart: .* do not fit/)]);
    expect(lack([...nodes, node('large', '4')], [], ...args)).toEqual([]);
  });
});
