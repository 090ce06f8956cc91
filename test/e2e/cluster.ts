// Runs kubectl and helm for the tests, on the current context and in a namespace of their own.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, onTestFailed, test, vi } from 'vitest';

const run = promisify(execFile);

export const NAMESPACE = `f2c-e2e-${Date.now().toString(36)}`;

/** Creates a namespace for the tests of a file, which admits only restricted pods, and removes it afterwards. */
export function useNamespace(): void {
  beforeAll(async () => {
    await kubectl('create', 'namespace', NAMESPACE);
    await kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
  });
  afterAll(async () => {
    await kubectl('delete', 'namespace', NAMESPACE, '--wait=false');
  });
}

/** Defines a test, as `test` of vitest does. If it fails, it prints the state of the cluster. */
export function check(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    onTestFailed(async () => console.log(await diagnosis()));
    await body();
  });
}

/** @throws with the output of the command */
export async function kubectl(...args: string[]): Promise<string> {
  return (await run('kubectl', ['--namespace', NAMESPACE, ...args], { maxBuffer: 2 ** 26 })).stdout.trim();
}

/** @throws with the output of the command */
export async function helm(...args: string[]): Promise<string> {
  return (await run('helm', ['--namespace', NAMESPACE, ...args], { maxBuffer: 2 ** 26 })).stdout.trim();
}

/** Reads a jsonpath of a resource, such as `{.spec.replicas}`. */
export function get(resource: string, path: string, ...args: string[]): Promise<string> {
  return kubectl('get', resource, ...args, '--output', `jsonpath=${path}`);
}

/** The names of a release's pods, but for that of its last `helm test`. */
export async function podsOf(release: string): Promise<string[]> {
  const selector = `app.kubernetes.io/instance=${release},app.kubernetes.io/name notin (f2c-function-test,f2c-tfserving-test)`;
  const names = await get('pods', '{.items[*].metadata.name}', '--selector', selector);
  return names.split(' ').filter(Boolean);
}

/** Returns the address of a node, where node ports answer. */
export async function nodeAddress(): Promise<string> {
  return get('nodes', '{.items[0].status.addresses[?(@.type=="InternalIP")].address}');
}

/** Describes the state of the namespace: objects, events, pods and logs. */
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

/** Repeats a check every second until it holds. After `seconds`, it fails with the last error of the check. */
export function eventually(seconds: number, check: () => Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: seconds * 1000, interval: 1000 });
}
