// What pods request, what nodes have left, and whether it fits.

import { sum } from 'simple-statistics';
import { RELEASES, type Chart } from '../project.ts';
import { takesPods, type Node, type Pod, type Resources } from './objects.ts';
import { quantity } from './quantity.ts';

/** What a pod requests, in CPUs and bytes, and which nodes it may run on. */
export interface Need {
  what: string;
  cpu: number;
  memory: number;
  selector: Readonly<Record<string, string>>;
  toleratesTaints: boolean;
}

/** An object of a rendered chart, as far as it says what runs. */
export interface Manifest {
  kind: string;
  spec?: {
    maxReplicas?: number;
    parallelism?: number;
    template?: { spec: PodSpec };
  };
}
interface PodSpec {
  containers?: { name: string; resources?: Resources }[];
  nodeSelector?: Record<string, string>;
  tolerations?: object[];
}
/** Returns what each pod of a chart requests. */
export function needsOf(chart: Chart, objects: readonly (Manifest | null)[]): Need[] {
  return workloadsOf(objects).map((workload) => needOf(RELEASES[chart], workload));
}

export function workloadsOf(objects: readonly (Manifest | null)[] = []): Manifest[] {
  return objects
    .filter((object) => object !== null)
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job'].includes(kind));
}

export function needOf(what: string, workload?: Manifest): Need {
  const { containers = [], nodeSelector = {}, tolerations = [] } = workload?.spec?.template?.spec ?? {};
  const requested = (resource: 'cpu' | 'memory') =>
    sum(containers.map(({ resources }) => request(resources, resource)));
  return {
    what,
    cpu: requested('cpu'),
    memory: requested('memory'),
    selector: nodeSelector,
    toleratesTaints: tolerations.length > 0,
  };
}

/** What is free on a node, in CPUs and bytes. */
export interface Room {
  node: Node;
  cpu: number;
  memory: number;
}

export function roomOn(node: Node, pods: readonly Pod[]): Room {
  const containers = pods
    .filter(({ spec }) => spec.nodeName === node.metadata.name)
    .flatMap(({ spec }) => spec.containers);
  const free = (resource: 'cpu' | 'memory') =>
    (resource in node.status.allocatable ? quantity(node.status.allocatable[resource] ?? '') : Infinity) -
    sum(containers.map(({ resources }) => request(resources, resource)));
  return { node, cpu: free('cpu'), memory: free('memory') };
}

function request({ requests, limits }: Resources = {}, resource: 'cpu' | 'memory'): number {
  return quantity(requests?.[resource] ?? limits?.[resource] ?? '0');
}

/** Whether pods fit: each, the largest first, goes to the node with the most room, as the scheduler prefers it. */
export function fit(pods: readonly Need[], nodes: readonly Room[]): boolean {
  const rooms = nodes.map((room) => ({ ...room }));
  return pods
    .toSorted((a, b) => b.cpu - a.cpu)
    .every((pod) => {
      const room = rooms
        .filter(({ node, cpu, memory }) => mayRunOn(pod, node) && cpu >= pod.cpu && memory >= pod.memory)
        .toSorted((a, b) => b.cpu - a.cpu)
        .at(0);
      if (!room) return false;
      room.cpu -= pod.cpu;
      room.memory -= pod.memory;
      return true;
    });
}

function mayRunOn(pod: Need, node: Node): boolean {
  return isSelected(pod, node) && (pod.toleratesTaints || takesPods(node));
}

export function isSelected({ selector }: Pick<Need, 'selector'>, { metadata: { labels = {} } }: Node): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
