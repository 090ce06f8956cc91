// Finds out what runs in the cluster, on which nodes, for environment.json and for the sizes of images.

import { Failure } from '../../lib/failure.ts';
import { isForbidden } from '../../lib/kubernetes/api.ts';
import { byName, type List, type Node } from '../../lib/kubernetes/objects.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import { RELEASES, type Chart } from '../../lib/project.ts';
import type { Environment, Image, Server } from '../../results/files.ts';
import { SERVERS } from '../servers/index.ts';
import { installedChart } from './releases.ts';
import { kubectl, podsBy, selectorOf, type ClusterSession } from './session.ts';

/** What was seen of pods while they ran, which stays known when they are gone. */
export interface Seen {
  /** By chart and pod: its node. */
  pods: Record<string, Record<string, string>>;
  /** By node. */
  cpuModels: Map<string, string>;
}

/** Notes where the pods of a chart run, and which CPUs these nodes have, as far as that can be read in a server's pods. */
export async function see(session: ClusterSession, seen: Seen, chart: Chart): Promise<void> {
  for (const { metadata, spec } of await podsBy(session, selectorOf(RELEASES[chart]))) {
    if (!spec.nodeName) continue;
    seen.pods[chart] = { ...seen.pods[chart], [metadata.name]: spec.nodeName };
    if (chart === 'loadtest' || seen.cpuModels.has(spec.nodeName)) continue;
    const model = await cpuModel(session, chart, metadata.name);
    if (model !== undefined) seen.cpuModels.set(spec.nodeName, model);
  }
}

/** @param resources by server and replicas, as environment.json has them */
export async function environmentOf(
  session: ClusterSession,
  { cpuModels }: Seen,
  resources: Readonly<Partial<Record<Server, Environment['servers'][string]['resources']>>>,
): Promise<Pick<Environment, 'kubernetes' | 'servers' | 'loadGenerator' | 'clock'>> {
  const { api, servers } = session;
  const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
  const items = await nodesOf(session);
  const workloads: Environment['servers'] = {};
  for (const server of servers) {
    const { name } = SERVERS[server];
    workloads[server] = { name, ...(await workloadOf(session, server)), resources: resources[server] ?? {} };
  }
  return {
    kubernetes: { version: gitVersion, nodes: items.map((node) => describeNode(node, cpuModels)) },
    servers: workloads,
    loadGenerator: await workloadOf(session, 'loadtest'),
    clock: await clock(session),
  };
}

async function workloadOf(session: ClusterSession, chart: Chart): Promise<Environment['loadGenerator']> {
  return {
    image: (await imageOf(session, chart)) ?? null,
    chart: (await installedChart(session, chart)) ?? null,
  };
}

/** Returns the size that a node reports for a server's image, in bytes; null if it is not known. */
export async function imageBytes(session: ClusterSession, server: Server): Promise<number | null> {
  return (await imageOf(session, server))?.sizeBytes ?? null;
}

/** Reads the model of a node's CPU in a pod, because Kubernetes does not know it; undefined where the caller may not. */
async function cpuModel(session: ClusterSession, server: Server, pod: string): Promise<string | undefined> {
  const container = [pod, '--container', RELEASES[server]];
  try {
    const text = await kubectl(session, 'exec', ...container, '--', ...SERVERS[server].readCpu);
    return /^model name\s*: (.+)$/m.exec(text)?.[1];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return undefined;
  }
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

async function imageOf(session: ClusterSession, chart: Chart): Promise<Image | undefined> {
  const [pod] = await podsBy(session, selectorOf(RELEASES[chart]));
  const reference = byName(pod?.spec.containers, RELEASES[chart])?.image;
  const id = byName(pod?.status.containerStatuses, RELEASES[chart])?.imageID;
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
