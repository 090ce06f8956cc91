// The namespace of a comparison: what the other files about the cluster share.

import type { Kubernetes, List, Pod } from './kubernetes.ts';
import type { Chart, Options } from './options.ts';
import { TARGETS, type Target } from '../../results/files.ts';
import type { Shell } from './shell.ts';

/** The charts name their objects like themselves if the release has their name. */
export const RELEASES: Record<Chart, string> = {
  function: 'f2c-function',
  tfserving: 'f2c-tfserving',
  loadtest: 'f2c-loadtest',
};

export interface Namespace {
  name: string;
  /** Path of the namespaced core API. */
  core: string;
  api: Kubernetes;
  shell: Shell;
  options: Options;
  /** The targets that are installed, and don't run elsewhere. */
  installed: readonly Target[];
  say: (sentence: string, kind?: 'ok' | 'warning') => void;
}

export function openNamespace(api: Kubernetes, shell: Shell, options: Options, say: Namespace['say']): Namespace {
  const name = `f2c-compare-${Date.now().toString(36)}`;
  const installed = TARGETS.filter((target) => !options.urls[target]);
  return { name, core: `/api/v1/namespaces/${name}`, api, shell, options, installed, say };
}

export function kubectl({ name, shell }: Namespace, ...args: string[]): Promise<string> {
  return shell.run('kubectl', ['--namespace', name, ...args]);
}

/** @param selector as in `kubectl --selector` */
export async function podsBy({ api, core }: Namespace, selector: string): Promise<Pod[]> {
  return (await api.get<List<Pod>>(`${core}/pods?labelSelector=${encodeURIComponent(selector)}`)).items;
}

export function selectorOf(chart: Chart): string {
  return `app.kubernetes.io/instance=${RELEASES[chart]}`;
}

/** What the cluster knows of pods that are in trouble: themselves, events, and the ends of their logs. */
export async function diagnosis(namespace: Namespace, selector: string): Promise<string> {
  const select = ['--selector', selector];
  const parts = await Promise.allSettled([
    kubectl(namespace, 'get', 'pods', ...select, '--output', 'wide'),
    kubectl(namespace, 'get', 'events', '--sort-by', '.lastTimestamp'),
    kubectl(namespace, 'logs', ...select, '--all-containers', '--prefix', '--tail', '20'),
  ]);
  return parts.flatMap((part) => (part.status === 'fulfilled' && part.value ? [part.value.trim()] : [])).join('\n\n');
}
