// Defines the namespace of a comparison, which the other files about the cluster share.

import type { Kubernetes, List, Pod } from './kubernetes.ts';
import type { Chart, Options } from '../options.ts';
import { TARGETS, type Target } from '../../../results/files.ts';
import { CompareError } from '../place.ts';
import type { Shell } from '../shell.ts';
import { DEFINITIONS } from '../targets/index.ts';

/** The release of each chart. A release with the chart's own name gives the chart's objects that name. */
export const RELEASES: Record<Chart, string> = {
  function: 'f2c-function',
  tfserving: 'f2c-tfserving',
  loadtest: 'f2c-loadtest',
};

export interface Namespace {
  name: string;
  /** The path of the core API in this namespace. */
  core: string;
  api: Kubernetes;
  shell: Shell;
  options: Options;
  /** Further options of every `helm upgrade`. */
  upgradeOptions: readonly string[];
  /** The targets that are installed here; other targets run elsewhere. */
  installed: readonly Target[];
  say: (sentence: string, kind?: 'ok' | 'warning') => void;
}

export function openNamespace(
  given: Pick<Namespace, 'api' | 'shell' | 'options' | 'upgradeOptions' | 'say'>,
): Namespace {
  const name = `f2c-compare-${Date.now().toString(36)}`;
  const installed = TARGETS.filter((target) => !given.options.urls[target]);
  return { ...given, name, core: `/api/v1/namespaces/${name}`, installed };
}

export function kubectl({ name, shell }: Namespace, ...args: string[]): Promise<string> {
  return shell.run('kubectl', ['--namespace', name, ...args]);
}

/** @param selector a label selector, as in `kubectl --selector` */
export async function podsBy({ api, core }: Namespace, selector: string): Promise<Pod[]> {
  return (await api.get<List<Pod>>(`${core}/pods?labelSelector=${encodeURIComponent(selector)}`)).items;
}

interface Service {
  spec: { ports: { name?: string; port: number }[] };
}

/** @returns the port of a target's Service, by its name */
export async function servicePort({ api, core }: Namespace, target: Target): Promise<number> {
  const { portName } = DEFINITIONS[target];
  const { spec } = await api.get<Service>(`${core}/services/${releaseOf(target)}`);
  const port = spec.ports.find(({ name }) => name === portName)?.port;
  if (port !== undefined) return port;
  throw new CompareError(`The Service ${releaseOf(target)} has no port named ${portName}.`);
}

export function releaseOf(target: Target): string {
  return RELEASES[DEFINITIONS[target].chart];
}

/** @returns a label selector of all pods of a release */
export function selectorOf(release: string): string {
  return `app.kubernetes.io/instance=${release}`;
}

/** Describes pods that are in trouble: their state, their events, and the ends of their logs. */
export async function diagnosis(namespace: Namespace, selector: string): Promise<string> {
  const select = ['--selector', selector];
  const parts = await Promise.allSettled([
    kubectl(namespace, 'get', 'pods', ...select, '--output', 'wide'),
    kubectl(namespace, 'get', 'events', '--sort-by', '.lastTimestamp'),
    kubectl(namespace, 'logs', ...select, '--all-containers', '--prefix', '--tail', '20'),
  ]);
  return parts.flatMap((part) => (part.status === 'fulfilled' && part.value ? [part.value.trim()] : [])).join('\n\n');
}
