// Samples replicas, CPU and memory of a server under load.

import { sum } from 'simple-statistics';
import { describeEnding, type Ending } from '../../lib/exit-reason.ts';
import { ApiError, METRICS_API } from '../../lib/kubernetes/api.ts';
import { byName, type List } from '../../lib/kubernetes/objects.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import type { Row, Server } from '../../results/files.ts';
import type { Samples, Watch } from '../place.ts';
import { serverOf } from '../servers/comparison.ts';
import { podsBy, readWorkload, type ClusterSession } from './session.ts';

/** The interval between reads. The kubelet updates its counters only about every 10 s. */
const KUBELET_SECONDS = 5;

interface PodMetrics {
  /** The end of the interval whose mean usage this is. */
  timestamp: string;
  containers: { name: string; usage: { cpu: string; memory: string } }[];
}
/** The kubelet's summary of what containers use. */
interface Summary {
  pods: {
    podRef: { name: string; namespace: string };
    containers?: {
      name: string;
      cpu?: { time: string; usageCoreNanoSeconds?: number };
      memory?: { workingSetBytes?: number };
    }[];
  }[];
}

/** Takes samples each second until it is stopped. If one sample fails, only that sample is missing. */
export function startWatch(session: ClusterSession, server: Server, readsKubelet: boolean): Watch {
  const { shell } = session;
  const timeline: Row<'timeline'>[] = [];
  const pods = new Map<string, Row<'pods'>>();
  const throttling = new Map<string, Row<'throttling'>>();
  const stopping = new AbortController();
  const before = endingsOf(session, server);
  // Whoever calls stop() gets an error of it.
  before.catch(() => undefined);

  const sampling = (async () => {
    for (let second = 0; !stopping.signal.aborted; second++) {
      const next = performance.now() + 1000;
      const [row] = await Promise.allSettled([timelineRow(session, server)]);
      if (row.status === 'fulfilled') timeline.push(row.value);
      if (readsKubelet && second % KUBELET_SECONDS === 0) await readKubelets();
      await shell.sleep(Math.max(0, next - performance.now()));
    }
    if (readsKubelet) await readKubelets();
  })();
  // An interrupted run ends the sampling with an error. Whoever calls stop() gets that error.
  sampling.catch(() => undefined);

  /** Reads all counters. Their time is part of the key, because a kubelet repeats a reading until it has a new one. */
  async function readKubelets(): Promise<void> {
    const [used, throttled] = await Promise.allSettled([podRows(session, server), throttlingRows(session, server)]);
    if (used.status === 'fulfilled') for (const row of used.value) pods.set(`${row.pod} ${row.timestamp_s}`, row);
    if (throttled.status === 'fulfilled') {
      for (const row of throttled.value) throttling.set(`${row.pod} ${row.timestamp_s}`, row);
    }
  }

  return {
    async stop(): Promise<Samples> {
      stopping.abort();
      await sampling;
      const endings = newEndings(await before, await endingsOf(session, server));
      return { timeline, pods: inOrder(pods), throttling: inOrder(throttling), endings };
    },
  };

  function inOrder<T extends { timestamp_s: number }>(rows: ReadonlyMap<string, T>): T[] {
    return [...rows.values()].sort((a, b) => a.timestamp_s - b.timestamp_s);
  }
}

/** Of each pod of a server: how often its container has ended, and how it did last. */
export async function endingsOf(session: ClusterSession, server: Server): Promise<Map<string, Endings>> {
  const { selector, container } = session.workload(server);
  const pods = await podsBy(session, selector);
  return new Map(
    pods.map(({ metadata, status }) => {
      const { restartCount = 0, state, lastState } = byName(status.containerStatuses, container) ?? {};
      const ending = state?.terminated ?? lastState?.terminated;
      return [metadata.name, { count: restartCount + (state?.terminated ? 1 : 0), ending }] as const;
    }),
  );
}
interface Endings {
  count: number;
  ending: Ending | undefined;
}

/** Returns a sentence for each pod whose container has ended in between. */
export function newEndings(before: ReadonlyMap<string, Endings>, after: ReadonlyMap<string, Endings>): string[] {
  return [...after].flatMap(([pod, { count, ending }]) => {
    if (!ending || count <= (before.get(pod)?.count ?? 0)) return [];
    return [`Its container in the pod ${pod} ${describeEnding(ending)}`];
  });
}

async function timelineRow(session: ClusterSession, server: Server): Promise<Row<'timeline'>> {
  const timestamp = Date.now() / 1000;
  const [{ spec, status }, metrics] = await Promise.all([
    readWorkload(session, session.workload(server)),
    podMetrics(session, server),
  ]);
  return {
    timestamp_s: timestamp,
    desired_replicas: spec.replicas,
    ready_replicas: status.readyReplicas ?? 0,
    cpu_cores: metrics.length > 0 ? total(session, metrics, server, 'cpu') : null,
    memory_bytes: metrics.length > 0 ? total(session, metrics, server, 'memory') : null,
  };
}

/** Adds up what a server's own containers use, without those that a service mesh puts into the same pods. */
function total(session: ClusterSession, metrics: PodMetrics[], server: Server, key: 'cpu' | 'memory'): number {
  const { container } = session.workload(server);
  const ownContainers = metrics.flatMap(({ containers }) => byName(containers, container) ?? []);
  return sum(ownContainers.map(({ usage }) => quantity(usage[key])));
}

/** Reads what the metrics API knows about a server's pods. */
async function podMetrics(session: ClusterSession, server: Server): Promise<PodMetrics[]> {
  const select = encodeURIComponent(session.workload(server).selector);
  const path = `${METRICS_API}/namespaces/${session.name}/pods?labelSelector=${select}`;
  return (await session.api.get<List<PodMetrics>>(path)).items;
}

/** The highest age of a sample in the metrics API: two periods of metrics-server, and one of the kubelet. */
const METRICS_SECONDS = 90;

/** Returns the memory that a server uses, in bytes, from the first sample taken after the call. */
export async function memoryBytes(session: ClusterSession, server: Server): Promise<number> {
  return total(session, await newsSince(session, server, Date.now()), server, 'memory');
}

/**
 * Waits until the metrics API has a reading of a server's CPU that includes nothing from before a time. That is the
 * second reading since then, because each reading is the mean since the one before.
 * @param since Unix time in ms
 */
export async function usageSince(session: ClusterSession, server: Server, since: number): Promise<void> {
  const first = await newsSince(session, server, since);
  const latest = Math.max(...first.map(({ timestamp }) => Date.parse(timestamp)));
  await newsSince(session, server, latest + 1);
}

function newsSince(session: ClusterSession, server: Server, since: number): Promise<PodMetrics[]> {
  return session.shell.until(
    `The metrics API has news of ${serverOf(session.settings.comparison, server).name}`,
    METRICS_SECONDS,
    async () => {
      const metrics = await podMetrics(session, server);
      const isOld = ({ timestamp }: PodMetrics) => Date.parse(timestamp) < since;
      return metrics.length === 0 || metrics.some(isOld) ? undefined : metrics;
    },
  );
}

/** Returns the names of a server's pods, and the nodes that they run on. */
async function whereabouts(session: ClusterSession, server: Server): Promise<{ names: string[]; nodes: string[] }> {
  const pods = await podsBy(session, session.workload(server).selector);
  return {
    names: pods.map(({ metadata }) => metadata.name),
    nodes: [...new Set(pods.flatMap(({ spec }) => spec.nodeName ?? []))],
  };
}

/** Reads the kubelets' counters of a server's pods. */
async function podRows(session: ClusterSession, server: Server): Promise<Row<'pods'>[]> {
  const { names, nodes } = await whereabouts(session, server);
  const summaries = await Promise.all(nodes.map((node) => summary(session, node)));
  return summaries
    .flatMap(({ pods }) => pods)
    .filter(({ podRef }) => podRef.namespace === session.name && names.includes(podRef.name))
    .flatMap(({ podRef, containers }) => {
      const { cpu, memory } = byName(containers, session.workload(server).container) ?? {};
      if (cpu?.usageCoreNanoSeconds === undefined) return [];
      return {
        timestamp_s: Date.parse(cpu.time) / 1000,
        pod: podRef.name,
        cpu_seconds: cpu.usageCoreNanoSeconds / 1e9,
        memory_bytes: memory?.workingSetBytes ?? null,
      };
    });
}

/** Reads how often the kernel throttled a server's pods. Kubelets take this from each cgroup's `cpu.stat`. */
async function throttlingRows(session: ClusterSession, server: Server): Promise<Row<'throttling'>[]> {
  const { names, nodes } = await whereabouts(session, server);
  const texts = await Promise.all(
    nodes.map((node) => session.api.text(`/api/v1/nodes/${node}/proxy/metrics/cadvisor`)),
  );
  return texts.flatMap((text) => throttlingOf(text, session.name)).filter(({ pod }) => names.includes(pod));
}

/** Matches a line of Prometheus' text format that counts a cgroup's CPU periods, with labels, value and time in ms. */
const PERIODS = /^container_cpu_cfs_(throttled_)?periods_total\{(.*)\} (\S+) (\d+)$/gm;

/**
 * Reads the counters of the pods' own cgroups, whose limit is that of all their containers together. The kernel counts
 * a throttled period at the pod, at the container or at both, and the pod's counter misses fewer.
 * @param text what `/metrics/cadvisor` of a kubelet answers, in Prometheus' text format
 * @returns a row for each pod of the namespace that has a CPU limit
 */
export function throttlingOf(text: string, namespace: string): Row<'throttling'>[] {
  const rows = new Map<string, Row<'throttling'>>();
  for (const [, throttled, labels = '', value, timestamp] of text.matchAll(PERIODS)) {
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (label('namespace') !== namespace || label('container') !== '') continue;
    const pod = label('pod');
    const row = rows.get(pod) ?? { timestamp_s: Number(timestamp) / 1000, pod, periods: 0, throttled_periods: 0 };
    row[throttled ? 'throttled_periods' : 'periods'] += Number(value);
    rows.set(pod, row);
  }
  return [...rows.values()];
}

function summary({ api }: ClusterSession, node: string): Promise<Summary> {
  return api.get(`/api/v1/nodes/${node}/proxy/stats/summary?only_cpu_and_memory=true`);
}

/** Whether the caller may read the kubelets' counters, which needs permission to `get` `nodes/proxy`. */
export async function mayReadKubelet(session: ClusterSession, node: string): Promise<boolean> {
  try {
    await summary(session, node);
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}
