// Defines what the files about the cluster share: where a comparison happens there, and by what means.

import { stripVTControlCharacters } from 'node:util';
import { Failure } from '../../lib/failure.ts';
import { ApiError, type Kubernetes } from '../../lib/kubernetes/api.ts';
import type { Connection } from '../../lib/kubernetes/connection.ts';
import type { Deployment, Event, List, Node, Pod } from '../../lib/kubernetes/objects.ts';
import { patientShell } from '../../lib/kubernetes/patience.ts';
import { lostNodes, PATIENCE_SECONDS, obstacle, trouble } from '../../lib/kubernetes/pods.ts';
import { CHARTS, RELEASES } from '../../lib/project.ts';
import { openShell, type Shell } from '../../lib/shell.ts';
import type { Interface, Server } from '../../results/files.ts';
import { interfaceOf, isExternal, onKnative } from '../servers/comparison.ts';
import type { Settings } from '../settings.ts';
import type { KubernetesObject, Release, Workload } from './objects.ts';

/** The release of the load generator. */
export const LOAD_GENERATOR: Release = {
  key: 'loadtest',
  name: RELEASES.loadtest,
  path: CHARTS.loadtest,
  values: [],
  set: {},
};
/** The name of the bare server's Deployment, of the container in it, and of its Service. */
export const BARE_SERVER = 'f2c-bare-server';

export interface ClusterSession {
  /** The namespace. */
  name: string;
  /** The path of the core API in this namespace. */
  core: string;
  connection: Connection;
  api: Kubernetes;
  /** Its kubectl and Helm work with the connection's cluster. */
  shell: Shell;
  settings: Settings;
  /** Further options of every `helm upgrade`. */
  upgradeOptions: readonly string[];
  /** The servers that are installed here; others run elsewhere. */
  servers: readonly Server[];
  /** What runs of a server here. */
  workload: (server: Server) => Workload;
  say: (sentence: string, kind?: 'ok' | 'warning') => void;
}

export function openSession(
  given: Pick<ClusterSession, 'connection' | 'api' | 'shell' | 'settings' | 'upgradeOptions' | 'say'>,
  workloads: ReadonlyMap<Server, Workload>,
): ClusterSession {
  const name = given.settings.namespace ?? `f2c-compare-${Date.now().toString(36)}`;
  const { comparison } = given.settings;
  const servers = [...comparison.servers.keys()].filter((server) => !isExternal(comparison, server));
  const workload = (server: Server) => {
    const found = workloads.get(server);
    if (!found) throw new Error(`${server} does not run here`);
    return found;
  };
  return { ...given, name, core: `/api/v1/namespaces/${name}`, servers, workload };
}

/**
 * Makes the namespace, which admits restricted pods only, unless the user has given one.
 * @returns a function that removes what the comparison has made, or says how, if it stays
 * @throws Failure if the caller may not make it, or if the given one is in use
 */
export async function enterNamespace(session: ClusterSession): Promise<() => Promise<void>> {
  const { connection, api, name, settings } = session;
  if (settings.namespace === undefined) {
    const labels = isRestricted(settings) ? { 'pod-security.kubernetes.io/enforce': 'restricted' } : {};
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    const headers = { 'content-type': 'application/json' };
    const response = await api.request('/api/v1/namespaces', { method: 'POST', headers, body });
    if (response.status === 403) {
      throw new Failure(
        'You may not make a namespace in this cluster: name one in which you may install charts with --namespace.',
        await response.text(),
      );
    }
    if (!response.ok) throw new ApiError('/api/v1/namespaces', response.status, await response.text());
    return () =>
      leave(session, connection.command('kubectl', 'delete', 'namespace', name), ({ run }) =>
        run('kubectl', ['delete', 'namespace', name, '--ignore-not-found', '--timeout', '3m']),
      );
  }
  const charts = session.servers.flatMap((server) => session.workload(server).release ?? []);
  const releases = [...charts, LOAD_GENERATOR].map((release) => release.name);
  const items = await Promise.all(
    [`app.kubernetes.io/instance in (${releases.join(',')})`, MADE_HERE].map((selector) => podsBy(session, selector)),
  ).then((lists) => lists.flat());
  if (items.length > 0) {
    const pods = items.map(({ metadata }) => metadata.name).join(', ');
    throw new Failure(
      `The namespace ${name} has pods of other releases with the names that a comparison uses: ${pods}.`,
    );
  }
  const uninstall = [
    'uninstall',
    ...releases,
    ...charts.map((release) => onKnative(release.name)),
    '--namespace',
    name,
    '--ignore-not-found',
    '--cascade',
    'foreground',
    '--wait',
  ];
  const kinds = 'deployment,service,horizontalpodautoscaler,configmap,secret';
  const remove = ['delete', kinds, '--selector', MADE_HERE, '--namespace', name, '--ignore-not-found'];
  return () =>
    leave(
      session,
      `${connection.command('helm', ...uninstall)} && ${connection.command('kubectl', ...remove)}`,
      async ({ run }) => {
        await run('helm', uninstall);
        await run('kubectl', remove);
      },
    );
}

async function leave(
  { connection, api, name, settings, say }: ClusterSession,
  removal: string,
  remove: (shell: Shell) => Promise<unknown>,
): Promise<void> {
  if (settings.keep) {
    say(`All is left in the namespace ${name}; \`${removal}\` removes it.`);
    return;
  }
  try {
    // The run's own shell starts nothing after an interruption.
    await remove(patientShell(connection.shell(openShell(new AbortController().signal)), api));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`Not all is removed from the namespace ${name}: \`${removal}\` removes it. ${error.details}`, 'warning');
  }
}

export function kubectl({ name, shell }: ClusterSession, ...args: string[]): Promise<string> {
  return shell.run('kubectl', ['--namespace', name, ...args]);
}

/** The label of everything that is applied here, by which it is removed. */
const MADE_HERE = 'made-by=f2c-compare';

/** Makes objects, or changes them. */
export async function apply({ name, shell }: ClusterSession, objects: readonly KubernetesObject[]): Promise<void> {
  const [label = '', value = ''] = MADE_HERE.split('=');
  const items = objects.map((each) => ({
    ...each,
    metadata: { ...each.metadata, labels: { ...each.metadata.labels, [label]: value } },
  }));
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await shell.run('kubectl', ['--namespace', name, 'apply', '--filename', '-'], { input });
}

/** Whether all pods are those of this project, or made for an image that does not run as root. */
function isRestricted({ comparison }: Settings): boolean {
  return (
    comparison.file === undefined ||
    comparison.servers.values().every(({ chart, user }) => chart === undefined && user !== 0)
  );
}

/** @param selector a label selector, as in `kubectl --selector` */
export async function podsBy({ api, core }: ClusterSession, selector: string): Promise<Pod[]> {
  return (await api.get<List<Pod>>(`${core}/pods?labelSelector=${encodeURIComponent(selector)}`)).items;
}

/** @returns the ports of an interface: that of the Service, and that of the container */
export function portsOf(session: ClusterSession, target: Interface): Workload['ports'][string] {
  const { server, key } = interfaceOf(session.settings.comparison, target);
  const ports = session.workload(server).ports[key];
  if (!ports) throw new Error(`${target} has no port`);
  return ports;
}

/** @returns a label selector of all pods of a release */
export function selectorOf(release: string): string {
  return `app.kubernetes.io/instance=${release}`;
}

interface Waiting {
  /** The sentence that should become true, for the error. */
  what: string;
  selector: string;
  /** The beginning of the name of the object that makes the pods. */
  maker: string;
  seconds: number;
  /** Whether nobody wants to read what they say. */
  isQuiet?: boolean;
}

/**
 * Waits until pods run as they should. Meanwhile it says once what keeps them from it, as time or a node autoscaler may
 * remove that, and what they say themselves.
 * @param ask is called again and again until it returns something
 * @throws Failure if one of them can't start, or after the given time, with what kept it from running
 */
export async function waitForPods<T>(
  session: ClusterSession,
  { what, selector, maker, seconds, isQuiet }: Waiting,
  ask: (pods: readonly Pod[]) => Promise<T | undefined>,
): Promise<T> {
  const { shell, say } = session;
  const start = Date.now();
  let nextLook = start + LOOK_SECONDS * 1000;
  let said = '';
  let why: string | undefined;
  try {
    return await shell.until(
      what,
      seconds,
      async () => {
        const pods = await podsBy(session, selector);
        const failure = trouble(pods);
        if (failure) throw new Failure(failure);
        const now = obstacle(pods, pods.length === 0 ? await eventsOf(session, maker) : []);
        if (now && !why) say(`Waiting: ${now}`, 'warning');
        why = now;
        if (why && Date.now() - start > PATIENCE_SECONDS * 1000) throw new Failure(why);
        if (!isQuiet && Date.now() > nextLook) {
          nextLook = Date.now() + LOOK_SECONDS * 1000;
          const line = await lastLine(session, selector);
          if (line !== '' && line !== said) say(`Waiting; the log says: ${line}`);
          said = line;
        }
        return ask(pods);
      },
      1000,
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const nodes = await session.api.get<List<Node>>('/api/v1/nodes').catch(() => ({ items: [] }));
    const message = [error.message, ...lostNodes(nodes.items)].join(' ');
    throw new Failure(message, await diagnosis(session, selector));
  }
}

/** How often what pods say is shown while they don't run as they should. */
const LOOK_SECONDS = 15;

/** The last line of the pods' logs; empty where there is none yet. */
async function lastLine(session: ClusterSession, selector: string): Promise<string> {
  try {
    const log = await kubectl(session, 'logs', '--selector', selector, '--all-containers', '--tail', '1');
    return stripVTControlCharacters(log).trim().split('\n').at(-1)?.slice(0, 200) ?? '';
  } catch (error) {
    if (error instanceof Failure) return '';
    throw error;
  }
}

async function eventsOf({ api, core }: ClusterSession, maker: string): Promise<Event[]> {
  const { items } = await api.get<List<Event>>(`${core}/events`);
  return items.filter(({ involvedObject }) => involvedObject.name.startsWith(maker));
}

/** Describes pods that are in trouble: their state, their events, and the ends of their logs. */
export async function diagnosis(session: ClusterSession, selector: string): Promise<string> {
  const select = ['--selector', selector];
  const parts = await Promise.allSettled([
    kubectl(session, 'get', 'pods', ...select, '--output', 'wide'),
    kubectl(session, 'get', 'events', '--sort-by', '.lastTimestamp'),
    kubectl(session, 'logs', ...select, '--all-containers', '--prefix', '--tail', '20'),
  ]);
  const texts = parts.flatMap((part) => (part.status === 'fulfilled' && part.value ? [part.value.trim()] : []));
  return texts.map((text) => text.replaceAll(LINE_OF_ARCHIVE, '')).join('\n\n');
}

/** A line of base64 in the log of a load test. */
const LINE_OF_ARCHIVE = /^.*:[A-Za-z\d+/=]{76}\n/gm;

/** Reads how far a workload is. */
export function readWorkload(
  { api, name }: ClusterSession,
  workload: Pick<Workload, 'kind' | 'name'>,
): Promise<Deployment> {
  return api.get(`/apis/apps/v1/namespaces/${name}/${workload.kind}s/${workload.name}`);
}
