// A cluster as kubectl sees it: its nodes, who runs them, and its metrics API. All calls take the shell of a connection.

import { Failure } from '../lib/failure.ts';
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
export async function readNodes(shell: Shell): Promise<Node[]> {
  const { items } = await ask<List<Node>>(shell, '/api/v1/nodes');
  const nodes = items.filter(takesPods);
  if (nodes.length === 0) throw new Failure('No node takes pods.', await shell.run('kubectl', ['get', 'nodes']));
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
export function waitForMetrics(shell: Shell, installation?: string): Promise<void> {
  return until(shell, 'The metrics API tells the CPU usage of nodes', installation ? 60 : 180, async () => {
    try {
      const { items } = await ask<List<unknown>>(shell, '/apis/metrics.k8s.io/v1beta1/nodes');
      return items.length > 0 || 'It knows no node.';
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { details } = error;
      const isAbsent = details.includes('(NotFound)');
      if (isAbsent && installation) {
        throw new Failure(`The cluster has no metrics API, so that nothing would scale: ${installation}`, details);
      }
      // An API answers like this while its server is not ready.
      if (isAbsent || details.includes('(ServiceUnavailable)')) return details;
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

async function ask<T>(shell: Shell, path: string): Promise<T> {
  return JSON.parse(await shell.run('kubectl', ['get', '--raw', path, '--request-timeout', '15s'])) as T;
}
