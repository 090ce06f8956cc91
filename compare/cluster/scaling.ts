// Installs the servers, and gets them to the replicas that an experiment wants.

import { byName, type Resources } from '../../lib/kubernetes/objects.ts';
import { PATIENCE_SECONDS } from '../../lib/kubernetes/pods.ts';
import type { Server } from '../../results/files.ts';
import { serverOf } from '../servers/comparison.ts';
import { installRelease } from './helm.ts';
import { usageSince } from './samples.ts';
import type { Workload } from './objects.ts';
import { apply, kubectl, podsBy, readWorkload, waitForPods, type ClusterSession } from './session.ts';

/** Installs a server with one replica, and without an autoscaler. */
export async function installServer(session: ClusterSession, server: Server): Promise<void> {
  const { release, objects } = session.workload(server);
  if (release) await installRelease(session, release);
  else await apply(session, objects);
  await scaleToOne(session, server);
}

/** Gets a server to one ready replica; no autoscaler acts on it yet. */
export async function scaleToOne(session: ClusterSession, server: Server): Promise<void> {
  await removeAutoscaler(session, server);
  await scaleTo(session, server, 1);
  await waitForReplicas(session, server, 1);
}

/** Deletes the pods of a server, in whose place others are made. */
export function replacePods(session: ClusterSession, server: Server): Promise<string> {
  return kubectl(session, 'delete', 'pods', '--selector', session.workload(server).selector);
}

export function scaleTo(session: ClusterSession, server: Server, replicas: number): Promise<string> {
  const { kind, name } = session.workload(server);
  return kubectl(session, 'scale', `${kind}/${name}`, `--replicas=${replicas}`);
}

function removeAutoscaler(session: ClusterSession, server: Server): Promise<string> {
  const { autoscaler } = session.workload(server);
  return kubectl(session, 'delete', 'horizontalpodautoscaler', autoscaler.metadata.name, '--ignore-not-found');
}

/**
 * Turns a server's autoscaler on, and waits for its first reading.
 * @param since Unix time in ms: what the target used before then must not count
 */
export async function startAutoscaler(session: ClusterSession, server: Server, since: number): Promise<void> {
  await usageSince(session, server, since);
  const { autoscaler } = session.workload(server);
  await apply(session, [autoscaler]);
  const { shell, api, name } = session;
  const path = `/apis/autoscaling/v2/namespaces/${name}/horizontalpodautoscalers/${autoscaler.metadata.name}`;
  await shell.until(`The autoscaler of ${nameOf(session, server)} has a reading of its CPU`, 180, async () => {
    const { status } = await api.get<{ status?: { currentMetrics?: { resource?: unknown }[] } }>(path);
    return status?.currentMetrics?.some(({ resource }) => resource) ? true : undefined;
  });
}

/**
 * Waits until a server has exactly this number of pods, all of them ready and of its last release.
 * @throws Failure if one of them can't start
 */
export function waitForReplicas(session: ClusterSession, server: Server, count: number): Promise<void> {
  return waitForWorkload(session, session.workload(server), {
    what: `${nameOf(session, server)} has ${count} ready replicas`,
    count,
    seconds: serverOf(session.settings.comparison, server).startSeconds,
  });
}

/** The same for any workload. @param seconds that a pod may take to be ready once it runs */
export async function waitForWorkload(
  session: ClusterSession,
  workload: Pick<Workload, 'kind' | 'name' | 'selector'>,
  { what, count, seconds }: { what: string; count: number; seconds: number },
): Promise<void> {
  const { name, selector } = workload;
  // A little longer than pods may take to run, so that what keeps them from it is told.
  const within = PATIENCE_SECONDS + 30 + seconds;
  await waitForPods(session, { what, selector, maker: name, seconds: within }, async (pods) => {
    const isReady = pods.every(({ status }) =>
      status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
    return (pods.length === count && isReady && (await isRolledOut(session, workload))) || undefined;
  });
}

/** Whether every pod is of the last release. Right after an upgrade, the old pods are still ready. */
async function isRolledOut(session: ClusterSession, workload: Pick<Workload, 'kind' | 'name'>): Promise<boolean> {
  const { metadata, status } = await readWorkload(session, workload);
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status;
  return observedGeneration >= metadata.generation && updatedReplicas === replicas;
}

/** Returns a server's resource requests and limits, as its pod has them. */
export async function resourcesOf(session: ClusterSession, server: Server): Promise<Required<Resources>> {
  const { selector, container } = session.workload(server);
  const [pod] = await podsBy(session, selector);
  const { requests = {}, limits = {} } = byName(pod?.spec.containers, container)?.resources ?? {};
  const sorted = (values: Record<string, string>) => Object.fromEntries(Object.entries(values).sort());
  return { requests: sorted(requests), limits: sorted(limits) };
}

function nameOf({ settings }: ClusterSession, server: Server): string {
  return serverOf(settings.comparison, server).name;
}
