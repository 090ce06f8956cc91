// Finds out what runs in the cluster, on which nodes, for environment.json and for the sizes of images.

import type { Environment, Target } from '../../../results/files.ts';
import { quantity } from '../../../results/quantity.ts';
import { byName, isForbidden, type List, type Node } from './kubernetes.ts';
import { kubectl, podsBy, releaseOf, RELEASES, selectorOf, type ClusterSession } from './session.ts';
import { CHARTS, type Chart } from '../options.ts';
import { CompareError } from '../place.ts';
import { installedChart } from './releases.ts';
import { chartOf, DEFINITIONS, onePerChart } from '../targets/index.ts';

type Image = Environment['images'][string];

export async function environmentOf(
  session: ClusterSession,
): Promise<Pick<Environment, 'kubernetes' | 'images' | 'charts' | 'clock'>> {
  const { api } = session;
  const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
  const items = await nodesOf(session);
  const seen = await Promise.all(onePerChart(session.installed).map((target) => cpuModel(session, target)));
  // If several targets run on one node, and only one of their pods could read the model, that one counts.
  const cpuModels = new Map(seen.filter(([, model]) => model !== null));
  return {
    kubernetes: { version: gitVersion, nodes: items.map((node) => describeNode(node, cpuModels)) },
    images: await byChart((chart) => imageOf(session, chart)),
    charts: await byChart((chart) => installedChart(session, chart)),
    clock: await clock(session),
  };
}

/** Returns the size that a node reports for a target's image, in bytes; null if it is not known. */
export async function imageBytes(session: ClusterSession, target: Target): Promise<number | null> {
  return (await imageOf(session, chartOf(target)))?.sizeBytes ?? null;
}

async function byChart<T>(ask: (chart: Chart) => Promise<T | undefined>): Promise<Record<string, T>> {
  const found: Record<string, T> = {};
  for (const chart of Object.keys(CHARTS) as Chart[]) {
    const answer = await ask(chart);
    if (answer !== undefined) found[RELEASES[chart]] = answer;
  }
  return found;
}

/**
 * Reads the model of a node's CPU in a pod, because Kubernetes does not know it.
 * @returns the node of a target's pod, and the model; null if the caller has no permission to run commands in pods
 */
async function cpuModel(session: ClusterSession, target: Target): Promise<[node: string, model: string | null]> {
  const release = releaseOf(target);
  const [pod] = await podsBy(session, selectorOf(release));
  const node = pod?.spec.nodeName ?? '';
  const container = [pod?.metadata.name ?? '', '--container', release];
  try {
    const text = await kubectl(session, 'exec', ...container, '--', ...DEFINITIONS[target].readCpu);
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
