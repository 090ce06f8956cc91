// What a cluster must have: nodes that take pods, and a metrics API.

import { Failure } from '../lib/failure.ts';
import { ApiError, METRICS_API, NO_METRICS, type Kubernetes } from '../lib/kubernetes/api.ts';
import { takesPods, type List, type Node } from '../lib/kubernetes/objects.ts';
import type { Shell } from '../lib/shell.ts';

/** A program that runs clusters on this machine, and loads images into their nodes. */
export interface Provider {
  program: 'kind' | 'minikube';
  /** The program's own name for the cluster. */
  cluster: string;
}

/**
 * The nodes that take pods of the charts, which tolerate no taints.
 * @throws Failure if there is none
 */
export async function readNodes(api: Kubernetes): Promise<Node[]> {
  const { items } = await api.get<List<Node>>('/api/v1/nodes');
  const nodes = items.filter(takesPods);
  if (nodes.length === 0) {
    const taints = items.map(({ metadata, spec }) => `${metadata.name}: ${JSON.stringify(spec ?? {})}`);
    throw new Failure('No node takes pods.', taints.join('\n'));
  }
  return nodes;
}

/** @returns undefined where neither kind nor minikube runs the nodes */
export function providerOf([node]: Node[]): Provider | undefined {
  // Such as kind://docker/f2c/f2c-control-plane.
  const [, kind] = /^kind:\/\/[^/]+\/([^/]+)\//.exec(node?.spec?.providerID ?? '') ?? [];
  if (kind) return { program: 'kind', cluster: kind };
  const minikube = node?.metadata.labels?.['minikube.k8s.io/name'];
  return minikube ? { program: 'minikube', cluster: minikube } : undefined;
}

/**
 * Waits until the metrics API tells the CPU usage of nodes, without which nothing scales.
 * @param installation what to do where the cluster has no such API; left out while it is being installed
 * @throws Failure
 */
export function waitForMetrics(api: Kubernetes, shell: Shell, installation?: string): Promise<void> {
  return until(shell, 'The metrics API tells the CPU usage of nodes', installation ? 60 : 180, async () => {
    try {
      const { items } = await api.get<List<unknown>>(`${METRICS_API}/nodes`);
      return items.length > 0 || 'It knows no node.';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isAbsent = error.status === 404;
      if (isAbsent && installation) throw new Failure(`${NO_METRICS}: ${installation}`, error.details);
      // An API answers 503 while its server is not ready.
      if (isAbsent || error.status === 503) return error.details;
      throw error;
    }
  });
}

/**
 * Waits until something is true.
 * @param ask whether it is true, or else why it is not
 * @throws Failure after so many seconds, with the last reason
 */
export async function until(
  shell: Shell,
  what: string,
  seconds: number,
  ask: () => Promise<true | string>,
): Promise<void> {
  let why = '';
  try {
    await shell.until(
      what,
      seconds,
      async () => {
        const answer = await ask();
        if (answer === true) return true;
        why = answer;
        return undefined;
      },
      1000,
    );
  } catch (error) {
    if (!(error instanceof Failure) || error.details) throw error;
    throw new Failure(error.message, why);
  }
}
