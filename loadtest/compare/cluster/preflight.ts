// Checks that a cluster has what a comparison needs, before anything is installed there.

import { isDeepStrictEqual } from 'node:util';
import { max, sum } from 'simple-statistics';
import { quantity } from '../../../results/quantity.ts';
import { ApiError, isForbidden, METRICS_API, type List, type Node, type Pod, type Resources } from './kubernetes.ts';
import { RELEASES, type ClusterSession } from './session.ts';
import type { Chart } from '../options.ts';
import { CompareError } from '../place.ts';
import { render } from './releases.ts';
import { chartOf, DEFINITIONS, onePerChart } from '../targets/index.ts';

/**
 * Checks that there are a metrics API, and enough CPUs.
 * @returns how many CPUs of the cluster pods can use; undefined if the caller may not know
 * @throws CompareError that says what is missing, and what to do
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
    throw new CompareError(
      isMissing
        ? 'The cluster has no metrics API, so that nothing would scale: install metrics-server, ' +
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
    await checkRoom(session, cpus);
    return cpus;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return undefined;
  }
}

/** Checks that the caller may see what replicas use. @throws CompareError that names the right which is missing */
export async function checkMetrics({ api, name }: ClusterSession): Promise<void> {
  try {
    await api.get(`${METRICS_API}/namespaces/${name}/pods`);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new CompareError(
      `You may not list pods.metrics.k8s.io in the namespace ${name}, which shows what the replicas use: ask for that ` +
        'right.',
      error.details,
    );
  }
}

/**
 * Checks that the autoscalers of all targets are set alike.
 * @returns how few and how many replicas each may have; undefined if no target is installed
 * @throws CompareError if they differ
 */
export async function checkAutoscalers(session: ClusterSession): Promise<{ min: number; max: number } | undefined> {
  const specs = await Promise.all(
    onePerChart(session.installed).map(async (target) => {
      const objects = await render(session, chartOf(target), '--set', 'autoscaling.enabled=true');
      const autoscaler = (objects as (Autoscaler | null)[]).find((each) => each?.kind === 'HorizontalPodAutoscaler');
      return [DEFINITIONS[target].name, { ...autoscaler?.spec, scaleTargetRef: undefined }] as const;
    }),
  );
  refuseUnequal('autoscaling', specs);
  const { minReplicas: min, maxReplicas: max } = specs[0]?.[1] ?? {};
  return min === undefined || max === undefined ? undefined : { min, max };
}

interface Autoscaler {
  kind: string;
  spec: { scaleTargetRef?: object; minReplicas?: number; maxReplicas?: number };
}

/**
 * Refuses a comparison of targets that run with unlike values.
 * @param value the value of both charts that they come from
 * @param each the name of each target, and what it runs with; undefined if it does not run yet
 * @throws CompareError that names two which differ
 */
export function refuseUnequal(
  value: string,
  each: readonly (readonly [name: string, its: object | undefined])[],
): void {
  const [one, ...others] = each.filter(([, its]) => its !== undefined);
  const other = others.find(([, its]) => !isDeepStrictEqual(its, one?.[1]));
  if (!one || !other) return;
  const [mine, theirs] = [one, other].map(([name, its]) => `${name} runs with ${JSON.stringify(its)}`);
  throw new CompareError(
    `The comparison would not be fair: ${mine}, and ${theirs}. Set the same \`${value}\` for both charts.`,
  );
}

/** Checks that all replicas of the targets, and the load generator, fit next to what already runs, by CPU requests. */
async function checkRoom(session: ClusterSession, cpus: number): Promise<void> {
  const { api, say, installed, name } = session;
  const { items: pods } = await api.get<List<Pod>>(
    `/api/v1/pods?fieldSelector=${encodeURIComponent('status.phase!=Succeeded,status.phase!=Failed')}`,
  );
  const others = pods.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] === RELEASES.loadtest);
  const busy = [...new Set(others.map(({ metadata }) => metadata.namespace))].filter((each) => each !== name);
  if (busy.length > 0) {
    say(`A load test runs in the namespace ${busy.join(' and ')}: each disturbs what the other measures.`, 'warning');
  }
  const requested = pods.flatMap(({ spec }) => spec.containers.map(({ resources }) => cpuRequest(resources)));
  const free = cpus - sum(requested);

  const needs = await Promise.all(
    [...onePerChart(installed).map(chartOf), 'loadtest' as const].map((chart) => needsOf(session, chart)),
  );
  const least = sum(needs.map(({ cpu }) => cpu));
  const most = least + max(needs.map(({ cpu, replicas }) => (replicas - 1) * cpu));
  const text = `${free.toFixed(2)} CPUs of the cluster are not requested by others`;
  if (free < least) {
    const remedy = 'unless a node autoscaler adds one, add a node, or lower `resources.requests`';
    say(`${text}, and ${least.toFixed(2)} are needed: ${remedy}.`, 'warning');
  } else if (free < most) {
    say(`${text}, and ${most.toFixed(2)} are needed for all replicas: some may not start.`, 'warning');
  }
}

/** Returns how many CPUs each pod of a chart requests, and the highest number of its pods. */
async function needsOf(session: ClusterSession, chart: Chart): Promise<{ cpu: number; replicas: number }> {
  const objects = (await render(session, chart)) as (Manifest | null)[];
  const replicas = objects.find((each) => each?.kind === 'HorizontalPodAutoscaler')?.spec?.maxReplicas ?? 1;
  const workloads = objects.filter((each) => each?.kind === 'Deployment' || each?.kind === 'Job');
  const cpus = workloads.flatMap((workload) => {
    const { containers = [] } = workload?.spec?.template?.spec ?? {};
    return containers.map(({ resources = {} }) => (workload?.spec?.parallelism ?? 1) * cpuRequest(resources));
  });
  return { cpu: sum(cpus), replicas };
}

interface Manifest {
  kind: string;
  spec?: {
    maxReplicas?: number;
    parallelism?: number;
    template?: { spec: { containers?: { resources?: Resources }[] } };
  };
}

function cpuRequest({ requests, limits }: Resources): number {
  return quantity(requests?.cpu ?? limits?.cpu ?? '0');
}
