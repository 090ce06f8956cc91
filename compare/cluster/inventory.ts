// Finds out what runs in the cluster, on which nodes, for environment.json and for the sizes of images.

import { Failure } from '../../lib/failure.ts';
import { isForbidden } from '../../lib/kubernetes/api.ts';
import { byName, type List, type Node } from '../../lib/kubernetes/objects.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import type { Environment, Image, Server } from '../../results/files.ts';
import { serverOf } from '../servers/comparison.ts';
import { installedChart } from './helm.ts';
import { kubectl, LOAD_GENERATOR, podsBy, selectorOf, type ClusterSession } from './session.ts';
import type { Workload } from './objects.ts';

/** What was seen of pods while they ran, which stays known when they are gone. */
export interface Seen {
  /** By server and pod: its node. */
  pods: Record<string, Record<string, string>>;
  /** By pod of the load generator: its node. */
  generators: Record<string, string>;
  /** By node. */
  cpuModels: Map<string, string>;
}

/** What is known of pods before they run: which they are, the container that counts, and what Helm has installed. */
type Pods = Pick<Workload, 'selector' | 'container' | 'release'>;
const GENERATORS: Pods = {
  selector: selectorOf(LOAD_GENERATOR.name),
  container: LOAD_GENERATOR.name,
  release: LOAD_GENERATOR,
};

/** Notes where the pods of the load generator run. */
export async function seeGenerators(session: ClusterSession, seen: Seen): Promise<void> {
  for (const { metadata, spec } of await podsBy(session, GENERATORS.selector)) {
    if (spec.nodeName) seen.generators[metadata.name] = spec.nodeName;
  }
}

/** Notes where the pods of a server run, and which CPUs these nodes have, as far as that can be read in the pods. */
export async function see(session: ClusterSession, seen: Seen, server: Server): Promise<void> {
  const { selector, container } = session.workload(server);
  for (const { metadata, spec } of await podsBy(session, selector)) {
    if (!spec.nodeName) continue;
    seen.pods[server] = { ...seen.pods[server], [metadata.name]: spec.nodeName };
    if (seen.cpuModels.has(spec.nodeName)) continue;
    const model = await cpuModel(session, metadata.name, container);
    if (model !== undefined) seen.cpuModels.set(spec.nodeName, model);
  }
}

/** @param resources by server and replicas, as environment.json has them */
export async function environmentOf(
  session: ClusterSession,
  { cpuModels, generators }: Seen,
  resources: Readonly<Partial<Record<Server, Environment['servers'][string]['resources']>>>,
): Promise<Pick<Environment, 'kubernetes' | 'servers' | 'loadGenerator' | 'clock'>> {
  const { api, servers } = session;
  const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
  const items = await nodesOf(session);
  const workloads: Environment['servers'] = {};
  for (const server of servers) {
    const { name, settings } = serverOf(session.settings.comparison, server);
    const its = await whatRuns(session, session.workload(server));
    workloads[server] = { name, ...its, resources: resources[server] ?? {}, settings };
  }
  return {
    kubernetes: { version: gitVersion, nodes: items.map((node) => describeNode(node, cpuModels)) },
    servers: workloads,
    loadGenerator: { ...(await whatRuns(session, GENERATORS)), pods: generators },
    clock: await clock(session),
  };
}

async function whatRuns(session: ClusterSession, pods: Pods): Promise<Environment['loadGenerator']> {
  return {
    image: (await imageOf(session, pods)) ?? null,
    chart: (pods.release && (await installedChart(session, pods.release))) ?? null,
  };
}

/** Returns the size that a node reports for a server's image, in bytes; null if it is not known. */
export async function imageBytes(session: ClusterSession, server: Server): Promise<number | null> {
  return (await imageOf(session, session.workload(server)))?.sizeBytes ?? null;
}

/** What prints the description of the CPU in a container; which of them an image has is not known. */
const READERS = [
  ['cat', '/proc/cpuinfo'],
  ['/nodejs/bin/node', '--print', 'fs.readFileSync("/proc/cpuinfo", "utf8")'],
];

/** Reads the model of a node's CPU in a pod, because Kubernetes does not know it; undefined where that can't be. */
async function cpuModel(session: ClusterSession, pod: string, container: string): Promise<string | undefined> {
  for (const reader of READERS) {
    try {
      const text = await kubectl(session, 'exec', pod, '--container', container, '--', ...reader);
      return /^model name\s*: (.+)$/m.exec(text)?.[1];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }
  return undefined;
}

function describeNode({ metadata, status }: Node, cpuModels: ReadonlyMap<string, string>) {
  const { nodeInfo, capacity } = status;
  const instanceType = metadata.labels?.['node.kubernetes.io/instance-type'];
  return {
    name: metadata.name,
    cpuModel: cpuModels.get(metadata.name) ?? null,
    ...(instanceType !== undefined && { instanceType }),
    cpus: quantity(capacity.cpu ?? '0'),
    memoryBytes: quantity(capacity.memory ?? '0'),
    kernel: nodeInfo.kernelVersion,
    os: nodeInfo.osImage,
    containerRuntime: nodeInfo.containerRuntimeVersion,
    architecture: nodeInfo.architecture,
  };
}

async function imageOf(session: ClusterSession, { selector, container }: Pods): Promise<Image | undefined> {
  const [pod] = await podsBy(session, selector);
  const reference = byName(pod?.spec.containers, container)?.image;
  const id = byName(pod?.status.containerStatuses, container)?.imageID;
  if (!pod?.spec.nodeName || !reference || !id) return undefined;
  const node = (await nodesOf(session)).find(({ metadata }) => metadata.name === pod.spec.nodeName);
  // Nodes list the full names of images, and only the largest fifty images.
  const isIt = (name: string) => name === id || name === reference || name.endsWith(`/${reference}`);
  // If another image has taken its name, an image has null for names.
  const sizeBytes = node?.status.images?.find(({ names }) => names?.some(isIt))?.sizeBytes ?? null;
  return { reference, id, sizeBytes };
}

/** @returns all nodes of the cluster; none if the caller may not list them */
async function nodesOf({ api }: ClusterSession): Promise<Node[]> {
  try {
    return (await api.get<List<Node>>('/api/v1/nodes')).items;
  } catch (error) {
    if (isForbidden(error)) return [];
    throw error;
  }
}

/** Compares the clocks, by the Date header of the API server, which has whole seconds. */
async function clock({ api }: ClusterSession): Promise<Environment['clock']> {
  const before = Date.now();
  const date = (await api.request('/version', {})).headers.get('date');
  const middle = (before + Date.now()) / 2;
  const offset = date ? (Date.parse(date) + 500 - middle) / 1000 : null;
  return { offsetSeconds: offset, of: 'the API server, to a second' };
}
