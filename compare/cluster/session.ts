// Defines what the files about the cluster share: where a comparison happens there, and by what means.

import { Failure } from '../../lib/failure.ts';
import { ApiError, type Kubernetes } from '../../lib/kubernetes/api.ts';
import type { Connection } from '../../lib/kubernetes/connection.ts';
import type { Event, List, Node, Pod } from '../../lib/kubernetes/objects.ts';
import { patientShell } from '../../lib/kubernetes/patience.ts';
import { lostNodes, PATIENCE_SECONDS, obstacle, trouble } from '../../lib/kubernetes/pods.ts';
import { RELEASES } from '../../lib/project.ts';
import { openShell, type Shell } from '../../lib/shell.ts';
import { SERVER_NAMES, type Interface, type Server } from '../../results/files.ts';
import { INTERFACES, isExternal } from '../servers/index.ts';
import type { Settings } from '../settings.ts';

/** The name of the bare server's Deployment, of the container in it, and of its Service. */
export const BARE_SERVER = 'f2c-bare-server';
/** The function's second release, which is a Knative service. */
export const FROM_ZERO = 'f2c-function-knative';

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
  say: (sentence: string, kind?: 'ok' | 'warning') => void;
}

export function openSession(
  given: Pick<ClusterSession, 'connection' | 'api' | 'shell' | 'settings' | 'upgradeOptions' | 'say'>,
): ClusterSession {
  const name = given.settings.namespace ?? `f2c-compare-${Date.now().toString(36)}`;
  const servers = SERVER_NAMES.filter((server) => !isExternal(server, given.settings.urls));
  return { ...given, name, core: `/api/v1/namespaces/${name}`, servers };
}

/**
 * Makes the namespace, which admits restricted pods only, unless the user has given one.
 * @returns a function that removes what the comparison has made, or says how, if it stays
 * @throws Failure if the caller may not make it, or if the given one is in use
 */
export async function enterNamespace(session: ClusterSession): Promise<() => Promise<void>> {
  const { connection, api, name, settings } = session;
  if (settings.namespace === undefined) {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
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
  const releases = Object.values(RELEASES);
  const select = encodeURIComponent(`app.kubernetes.io/instance in (${releases.join(',')})`);
  const { items } = await api.get<List<Pod>>(`/api/v1/namespaces/${name}/pods?labelSelector=${select}`);
  if (items.length > 0) {
    const pods = items.map(({ metadata }) => metadata.name).join(', ');
    throw new Failure(
      `The namespace ${name} has pods of other releases with the names that a comparison uses: ${pods}.`,
    );
  }
  const uninstall = [
    'uninstall',
    ...releases,
    FROM_ZERO,
    '--namespace',
    name,
    '--ignore-not-found',
    '--cascade',
    'foreground',
    '--wait',
  ];
  const remove = ['delete', 'deployment,service', BARE_SERVER, '--namespace', name, '--ignore-not-found'];
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

/** @param selector a label selector, as in `kubectl --selector` */
export async function podsBy({ api, core }: ClusterSession, selector: string): Promise<Pod[]> {
  return (await api.get<List<Pod>>(`${core}/pods?labelSelector=${encodeURIComponent(selector)}`)).items;
}

interface Service {
  spec: { ports: { name?: string; port: number }[] };
}

/** @returns the port at which a server's Service offers an interface */
export async function servicePort({ api, core }: ClusterSession, target: Interface): Promise<number> {
  const { protocol, server } = INTERFACES[target];
  const { spec } = await api.get<Service>(`${core}/services/${RELEASES[server]}`);
  const port = spec.ports.find(({ name }) => name === protocol)?.port;
  if (port !== undefined) return port;
  throw new Failure(`The Service ${RELEASES[server]} has no port named ${protocol}.`);
}

/** @returns a label selector of all pods of a release */
export function selectorOf(release: string): string {
  return `app.kubernetes.io/instance=${release}`;
}

/**
 * Waits until pods run as they should. Meanwhile it says once what keeps them from it, as time or a node autoscaler may
 * remove that.
 * @param what the sentence that should become true, for the error
 * @param maker the beginning of the name of the object that makes the pods
 * @param ask is called again and again until it returns something
 * @throws Failure if one of them can't start, or after the given time, with what kept it from running
 */
export async function waitForPods<T>(
  session: ClusterSession,
  { what, selector, maker, seconds }: { what: string; selector: string; maker: string; seconds: number },
  ask: (pods: readonly Pod[]) => Promise<T | undefined>,
): Promise<T> {
  const { shell, say } = session;
  const start = Date.now();
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
