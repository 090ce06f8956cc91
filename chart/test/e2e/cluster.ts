// kubectl and helm, as the tests use them: on the current context, in a namespace of their own.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { vi } from 'vitest';

const run = promisify(execFile);

export const NAMESPACE = `f2c-e2e-${Date.now().toString(36)}`;

/** @throws with what the command said */
export async function kubectl(...args: string[]): Promise<string> {
  return (await run('kubectl', ['--namespace', NAMESPACE, ...args], { maxBuffer: 2 ** 26 })).stdout.trim();
}

/** @throws with what the command said */
export async function helm(...args: string[]): Promise<string> {
  return (await run('helm', ['--namespace', NAMESPACE, ...args], { maxBuffer: 2 ** 26 })).stdout.trim();
}

/** A jsonpath of a resource, such as `{.spec.replicas}`. */
export function get(resource: string, path: string, ...args: string[]): Promise<string> {
  return kubectl('get', resource, ...args, '--output', `jsonpath=${path}`);
}

/** The address of a node, where its node ports answer. */
export async function nodeAddress(): Promise<string> {
  return get('nodes', '{.items[0].status.addresses[?(@.type=="InternalIP")].address}');
}

/** Events, pods and logs, for a test that failed. */
export async function diagnosis(): Promise<string> {
  const parts = [
    kubectl('get', 'all,hpa,endpointslices', '--output', 'wide'),
    kubectl('get', 'events', '--sort-by', '.lastTimestamp'),
    kubectl('describe', 'pods,hpa'),
    kubectl('logs', '--selector', 'app.kubernetes.io/name', '--all-containers', '--prefix', '--tail', '50'),
  ];
  return (await Promise.allSettled(parts))
    .map((part) => (part.status === 'fulfilled' ? part.value : String(part.reason)))
    .join('\n\n');
}

/** Repeats a check every second until it holds; after `seconds` it fails as the check last did. */
export function eventually(seconds: number, check: () => Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: seconds * 1000, interval: 1000 });
}
