// What runs in the cluster, and on what: for environment.json, and for the sizes of images.

import type { Environment, Target } from '../../results/files.ts';
import { quantity } from '../../results/quantity.ts';
import type { List, Node } from './kubernetes.ts';
import { kubectl, podsBy, RELEASES, selectorOf, type Namespace } from './namespace.ts';
import { CHARTS, type Chart } from './options.ts';
import { CompareError } from './place.ts';
import { installedChart } from './releases.ts';

type Image = Environment['images'][string];

export async function environmentOf(
  namespace: Namespace,
): Promise<Pick<Environment, 'kubernetes' | 'images' | 'charts' | 'clock'>> {
  const { api } = namespace;
  const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
  const { items } = await api.get<List<Node>>('/api/v1/nodes');
  const seen = await Promise.all(namespace.installed.map((target) => cpuModel(namespace, target)));
  // On a node of both, one that could not look must not hide what the other one saw.
  const cpuModels = new Map(seen.filter(([, model]) => model !== null));
  return {
    kubernetes: { version: gitVersion, nodes: items.map((node) => describeNode(node, cpuModels)) },
    images: await byChart((chart) => imageOf(namespace, chart)),
    charts: await byChart((chart) => installedChart(namespace, chart)),
    clock: await clock(namespace),
  };
}

/** Of what is unpacked on a node. */
export async function imageBytes(namespace: Namespace, target: Target): Promise<number | null> {
  return (await imageOf(namespace, target))?.sizeBytes ?? null;
}

async function byChart<T>(ask: (chart: Chart) => Promise<T | undefined>): Promise<Record<string, T>> {
  const found: Record<string, T> = {};
  for (const chart of Object.keys(CHARTS) as Chart[]) {
    const answer = await ask(chart);
    if (answer !== undefined) found[RELEASES[chart]] = answer;
  }
  return found;
}

/** What reads a file in a pod, out of what its image has. */
const READ: Record<Target, string[]> = {
  function: ['/nodejs/bin/node', '--print', 'fs.readFileSync("/proc/cpuinfo", "utf8")'],
  tfserving: ['cat', '/proc/cpuinfo'],
};

/**
 * Kubernetes does not know the model of a node's CPU; a pod there sees it.
 * @returns the node of a target's pod, and its model; null where the caller may not run anything in pods
 */
async function cpuModel(namespace: Namespace, target: Target): Promise<[node: string, model: string | null]> {
  const [pod] = await podsBy(namespace, selectorOf(target));
  const node = pod?.spec.nodeName ?? '';
  try {
    const text = await kubectl(namespace, 'exec', pod?.metadata.name ?? '', '--', ...READ[target]);
    return [node, /^model name\s*: (.+)$/m.exec(text)?.[1] ?? null];
  } catch (error) {
    if (!(error instanceof CompareError)) throw error;
    return [node, null];
  }
}

function describeNode({ metadata, status }: Node, cpuModels: ReadonlyMap<string, string | null>) {
  const { nodeInfo, capacity } = status;
  return {
    name: metadata.name,
    cpuModel: cpuModels.get(metadata.name) ?? null,
    cpus: quantity(capacity.cpu ?? '0'),
    memoryBytes: quantity(capacity.memory ?? '0'),
    kernel: nodeInfo.kernelVersion,
    os: nodeInfo.osImage,
    containerRuntime: nodeInfo.containerRuntimeVersion,
    architecture: nodeInfo.architecture,
  };
}

async function imageOf(namespace: Namespace, chart: Chart): Promise<Image | undefined> {
  const [pod] = await podsBy(namespace, selectorOf(chart));
  const reference = pod?.spec.containers[0]?.image;
  const id = pod?.status.containerStatuses?.[0]?.imageID;
  if (!pod?.spec.nodeName || !reference || !id) return undefined;
  const { status } = await namespace.api.get<Node>(`/api/v1/nodes/${pod.spec.nodeName}`);
  // Nodes write the names of images in full, and list the largest fifty only.
  const isIt = (name: string) => name === id || name === reference || name.endsWith(`/${reference}`);
  // An image whose name another one has taken has no names: null.
  const sizeBytes = status.images?.find(({ names }) => names?.some(isIt))?.sizeBytes ?? null;
  return { reference, id, sizeBytes };
}

/** By the Date of an answer of the API server, which is in whole seconds. */
async function clock({ api }: Namespace): Promise<Environment['clock']> {
  const before = Date.now();
  const date = (await api.request('/version', {})).headers.get('date');
  const middle = (before + Date.now()) / 2;
  const offset = date ? (Date.parse(date) + 500 - middle) / 1000 : null;
  return { offsetSeconds: offset, of: 'the API server, to a second' };
}
