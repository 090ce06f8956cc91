// Checks that a cluster has what a comparison needs, before anything is installed there.

import { isDeepStrictEqual } from 'node:util';
import { sum } from 'simple-statistics';
import { Failure } from '../../lib/failure.ts';
import { ApiError, isForbidden, METRICS_API, NO_METRICS } from '../../lib/kubernetes/api.ts';
import type { List, Node, Pod, Resources } from '../../lib/kubernetes/objects.ts';
import type { Manifest } from '../../lib/kubernetes/room.ts';
import type { Server } from '../../results/files.ts';
import type { Place } from '../place.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import { serverOf, type Comparison } from '../servers/comparison.ts';
import { render } from './helm.ts';
import { lackOfRoom } from './room.ts';
import { runsKnative } from './scale-from-zero.ts';
import { LOAD_GENERATOR, type ClusterSession } from './session.ts';
import { FUNCTION } from './workload.ts';

/**
 * Checks that there are a metrics API, and enough CPUs.
 * @returns how many CPUs of the cluster pods can use; undefined if the caller may not know
 * @throws Failure that says what is missing, and what to do
 */
export async function checkCluster(session: ClusterSession): Promise<number | undefined> {
  const { connection, api, say, name } = session;
  const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
  say(`The cluster is ${connection.name}, Kubernetes ${gitVersion}; all happens in the namespace ${name}.`);
  try {
    // Everybody may ask whether an API is there, but not everybody what nodes use.
    await api.get(METRICS_API);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const isMissing = error.status === 404;
    throw new Failure(
      isMissing
        ? `${NO_METRICS}: install metrics-server, ` +
            `https://github.com/kubernetes-sigs/metrics-server, and wait until \`${connection.command('kubectl', 'top', 'pods')}\` works.`
        : `The metrics API of the cluster answers ${error.status}, so that nothing would scale: \`${connection.command(
            'kubectl',
            'describe',
            'apiservice',
            'v1beta1.metrics.k8s.io',
          )}\` tells why.`,
      error.details,
    );
  }
  try {
    const { items: nodes } = await api.get<List<Node>>('/api/v1/nodes');
    const cpus = sum(nodes.map(({ status }) => quantity(status.allocatable.cpu ?? '0')));
    await checkRoom(session, nodes);
    return cpus;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return undefined;
  }
}

/** Checks that the caller may see what replicas use. @throws Failure that names the right which is missing */
export async function checkMetrics({ api, name }: ClusterSession): Promise<void> {
  try {
    await api.get(`${METRICS_API}/namespaces/${name}/pods`);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new Failure(
      `You may not list pods.metrics.k8s.io in the namespace ${name}, which shows what the replicas use: ask for that ` +
        'right.',
      error.details,
    );
  }
}

/**
 * Checks that the autoscalers of all servers are set alike.
 * @returns how few and how many replicas each may have; undefined if no server is installed
 * @throws Failure if they differ
 */
export function checkAutoscalers(session: ClusterSession): Place['replicas'] {
  const specs = session.servers.map((server) => {
    const { spec } = session.workload(server).autoscaler;
    return [serverOf(session.settings.comparison, server).name, { ...spec, scaleTargetRef: undefined }] as const;
  });
  refuseUnequal('autoscaling', specs);
  const [first] = specs;
  return first && { min: first[1].minReplicas ?? 1, max: first[1].maxReplicas };
}

/**
 * Refuses a comparison of servers that run with unlike values.
 * @param value what they come from
 * @param each the name of each server, and what it runs with; undefined if it does not run yet
 * @throws Failure that names two which differ
 */
export function refuseUnequal(
  value: string,
  each: readonly (readonly [name: string, its: object | undefined])[],
): void {
  const [one, ...others] = each.filter(([, its]) => its !== undefined);
  const other = others.find(([, its]) => !isDeepStrictEqual(its, one?.[1]));
  if (!one || !other) return;
  const [mine, theirs] = [one, other].map(([name, its]) => `${name} runs with ${JSON.stringify(its)}`);
  throw new Failure(`The comparison would not be fair: ${mine}, and ${theirs}. Set the same \`${value}\` for all.`);
}

/** @throws Failure if a server runs with other resources than the servers file gives to all */
export function refuseOthers(
  { servers, resources }: Pick<Comparison, 'servers' | 'resources'>,
  server: Server,
  its: Required<Resources> | undefined,
): void {
  if (!resources || !its) return;
  // Kubernetes writes 0.5 as 500m.
  const amounts = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, quantity(value).toPrecision(9)]));
  const [wanted, found] = [resources, its].map(({ requests, limits }) => [amounts(requests), amounts(limits)]);
  if (isDeepStrictEqual(wanted, found)) return;
  throw new Failure(
    `The comparison would not be fair: ${servers.get(server)?.name ?? server} runs with ${JSON.stringify(its)}, and ` +
      `\`resources\` of the servers file are ${JSON.stringify(resources)}. Set the same for its chart.`,
  );
}

/** Says which experiments have no room next to what already runs, and what else loads the cluster. */
async function checkRoom(session: ClusterSession, nodes: readonly Node[]): Promise<void> {
  const { api, say, servers, name, settings } = session;
  const { items: pods } = await api.get<List<Pod>>(
    `/api/v1/pods?fieldSelector=${encodeURIComponent('status.phase!=Succeeded,status.phase!=Failed')}`,
  );
  const others = pods.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] === LOAD_GENERATOR.name);
  const busy = [...new Set(others.map(({ metadata }) => metadata.namespace))].filter((each) => each !== name);
  if (busy.length > 0) {
    say(`A load test runs in the namespace ${busy.join(' and ')}: each disturbs what the other measures.`, 'warning');
  }
  const workers = `workers.count=${settings.workers}`;
  const manifests = {
    servers: servers.map((server) => {
      const { name } = serverOf(settings.comparison, server);
      const { objects, autoscaler } = session.workload(server);
      return { name, objects, most: autoscaler.spec.maxReplicas };
    }),
    generators: (await render(session, LOAD_GENERATOR, '--set', workers)) as Manifest[],
    bareServer: (await render(session, FUNCTION)) as Manifest[],
  };
  const hasKnative = settings.experiments.includes('scale-from-zero') && (await runsKnative(session));
  const experiments = settings.experiments.filter((each) => each !== 'scale-from-zero' || hasKnative);
  for (const sentence of lackOfRoom({ ...settings, experiments }, manifests, nodes, pods)) {
    say(sentence, 'warning');
  }
}
