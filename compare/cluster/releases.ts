// Runs Helm: it installs the charts, and scales the servers by upgrading them.

import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { byName, type Deployment, type Resources } from '../../lib/kubernetes/objects.ts';
import { PATIENCE_SECONDS } from '../../lib/kubernetes/pods.ts';
import { CHARTS, RELEASES, ROOT, type Chart } from '../../lib/project.ts';
import type { Shell } from '../../lib/shell.ts';
import type { Server } from '../../results/files.ts';
import { SERVERS } from '../servers/index.ts';
import { usageSince } from './samples.ts';
import { kubectl, podsBy, selectorOf, waitForPods, type ClusterSession } from './session.ts';

type Values = Record<string, string | number | boolean | object>;

/** Installs a chart, or upgrades it. */
export async function installChart(
  session: ClusterSession,
  chart: Chart,
  values: Values,
  release = RELEASES[chart],
): Promise<void> {
  const args = [release, join(ROOT, CHARTS[chart]), '--namespace', session.name, ...given(session, chart)];
  // These values come after the user's, so that the experiment gets what it needs.
  const ours = Object.entries(values).flatMap(([key, value]) =>
    typeof value === 'object' ? ['--set-json', `${key}=${JSON.stringify(value)}`] : ['--set', `${key}=${value}`],
  );
  await session.shell.run('helm', ['upgrade', '--install', ...session.upgradeOptions, ...args, ...ours]);
}

/** From version 4 on, Helm has to be told that it may take the replicas back from an autoscaler. */
export async function optionsOfHelm(shell: Shell): Promise<string[]> {
  const [, major] = /^v(\d+)\./.exec(await shell.run('helm', ['version', '--short'])) ?? [];
  return Number(major) >= 4 ? ['--force-conflicts'] : [];
}

/** Renders the objects of a chart. */
export async function render(session: ClusterSession, chart: Chart, ...more: string[]): Promise<unknown[]> {
  const args = [
    RELEASES[chart],
    join(ROOT, CHARTS[chart]),
    '--namespace',
    session.name,
    ...given(session, chart),
    ...more,
  ];
  return parseAllDocuments(await session.shell.run('helm', ['template', ...args])).map(
    (each) => each.toJS() as unknown,
  );
}

/** Returns the version and all values of an installed chart, or undefined if the chart is not installed. */
export async function installedChart(
  { name, shell }: ClusterSession,
  chart: Chart,
): Promise<{ version: string; values: Record<string, unknown> } | undefined> {
  const inNamespace = ['--namespace', name, '--output', 'json'];
  const filter = ['--filter', `^${RELEASES[chart]}$`];
  const [release] = JSON.parse(await shell.run('helm', ['list', ...filter, ...inNamespace])) as { chart: string }[];
  if (!release) return undefined;
  const values = await shell.run('helm', ['get', 'values', RELEASES[chart], '--all', ...inNamespace]);
  const version = release.chart.replace(/^.*-(?=\d+\.\d+\.\d+)/, '');
  return { version, values: JSON.parse(values) as Record<string, unknown> };
}

/** Returns Helm's options for the values that the user gave. */
function given({ settings }: ClusterSession, chart: Chart): string[] {
  const files = settings.values[chart].flatMap((file) => ['--values', file]);
  return [...files, ...settings.set[chart].flatMap((value) => ['--set', value])];
}

/** Gets a server to one ready replica; no autoscaler acts on it yet. */
export async function scaleToOne(session: ClusterSession, server: Server): Promise<void> {
  // Helm removes an autoscaler after it has set the number of replicas, which the autoscaler may change in between.
  await kubectl(session, 'delete', 'horizontalpodautoscaler', RELEASES[server], '--ignore-not-found');
  await installChart(session, server, { 'autoscaling.enabled': false, replicaCount: 1 });
  await waitForReplicas(session, server, 1);
}

/**
 * Turns a server's autoscaler on, and waits for its first reading.
 * @param since Unix time in ms: what the target used before then must not count
 */
export async function startAutoscaler(session: ClusterSession, server: Server, since: number): Promise<void> {
  await usageSince(session, server, since);
  await installChart(session, server, { 'autoscaling.enabled': true });
  const { shell, api, name } = session;
  const path = `/apis/autoscaling/v2/namespaces/${name}/horizontalpodautoscalers/${RELEASES[server]}`;
  await shell.until(`The autoscaler of ${SERVERS[server].name} has a reading of its CPU`, 180, async () => {
    const { status } = await api.get<{ status?: { currentMetrics?: { resource?: unknown }[] } }>(path);
    return status?.currentMetrics?.some(({ resource }) => resource) ? true : undefined;
  });
}

/**
 * Waits until a server has exactly this number of pods, all of them ready and of its last release.
 * @throws Failure if one of them can't start
 */
export function waitForReplicas(session: ClusterSession, server: Server, count: number): Promise<void> {
  return waitForDeployment(session, RELEASES[server], {
    what: `${SERVERS[server].name} has ${count} ready replicas`,
    selector: selectorOf(RELEASES[server]),
    count,
  });
}

/** The same for any Deployment. */
export async function waitForDeployment(
  session: ClusterSession,
  deployment: string,
  { what, selector, count }: { what: string; selector: string; count: number },
): Promise<void> {
  // A little longer than pods may take to run, so that what keeps them from it is told.
  const seconds = PATIENCE_SECONDS + 30;
  await waitForPods(session, { what, selector, maker: deployment, seconds }, async (pods) => {
    const isReady = pods.every(({ status }) =>
      status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
    return (pods.length === count && isReady && (await isRolledOut(session, deployment))) || undefined;
  });
}

/** Whether every pod is of the last release. Right after an upgrade, the old pods are still ready. */
async function isRolledOut({ api, name }: ClusterSession, deployment: string): Promise<boolean> {
  const { metadata, status } = await api.get<Deployment>(`/apis/apps/v1/namespaces/${name}/deployments/${deployment}`);
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status;
  return observedGeneration >= metadata.generation && updatedReplicas === replicas;
}

/** Returns a server's resource requests and limits, as its pod has them. */
export async function resourcesOf(session: ClusterSession, server: Server): Promise<Required<Resources>> {
  const release = RELEASES[server];
  const [pod] = await podsBy(session, selectorOf(release));
  const { requests = {}, limits = {} } = byName(pod?.spec.containers, release)?.resources ?? {};
  const sorted = (values: Record<string, string>) => Object.fromEntries(Object.entries(values).sort());
  return { requests: sorted(requests), limits: sorted(limits) };
}
