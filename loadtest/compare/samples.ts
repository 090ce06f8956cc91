// Samples of a target while it is loaded: replicas, CPU, memory.

import { sum } from 'simple-statistics';
import type { Row, Target } from '../../results/files.ts';
import { quantity } from '../../results/quantity.ts';
import { ApiError, type List } from './kubernetes.ts';
import { podsBy, RELEASES, selectorOf, type Namespace } from './namespace.ts';
import type { Watch } from './place.ts';
import { NAMES } from './targets.ts';

/** The kubelet reads its counters every 10 s or so; asking more often brings no news. */
const KUBELET_SECONDS = 5;

interface Deployment {
  spec: { replicas: number };
  status: { readyReplicas?: number };
}
interface PodMetrics {
  /** End of the time that the usage is the mean of. */
  timestamp: string;
  containers: { usage: { cpu: string; memory: string } }[];
}
/** The kubelet's summary of what containers use. */
interface Summary {
  pods: {
    podRef: { name: string; namespace: string };
    containers?: { cpu?: { time: string; usageCoreNanoSeconds?: number }; memory?: { workingSetBytes?: number } }[];
  }[];
}

/** Takes samples each second, until it is stopped. A sample that fails is missing, and no more. */
export function startWatch(namespace: Namespace, target: Target, readsKubelet: boolean): Watch {
  const { shell } = namespace;
  const timeline: Row<'timeline'>[] = [];
  const pods = new Map<string, Row<'pods'>>();
  const stopping = new AbortController();

  const sampling = (async () => {
    for (let second = 0; !stopping.signal.aborted; second++) {
      const next = performance.now() + 1000;
      const [row] = await Promise.allSettled([timelineRow(namespace, target)]);
      if (row.status === 'fulfilled') timeline.push(row.value);
      if (readsKubelet && second % KUBELET_SECONDS === 0) await readPods();
      await shell.sleep(Math.max(0, next - performance.now()));
    }
    if (readsKubelet) await readPods();
  })();
  // It ends with the run; who stops it hears of it.
  sampling.catch(() => undefined);

  async function readPods(): Promise<void> {
    const [rows] = await Promise.allSettled([podRows(namespace, target)]);
    if (rows.status === 'fulfilled') for (const row of rows.value) pods.set(`${row.pod} ${row.timestamp_s}`, row);
  }

  return {
    async stop() {
      stopping.abort();
      await sampling;
      return { timeline, pods: [...pods.values()].sort((a, b) => a.timestamp_s - b.timestamp_s) };
    },
  };
}

async function timelineRow(namespace: Namespace, target: Target): Promise<Row<'timeline'>> {
  const timestamp = Date.now() / 1000;
  const deployment = `/apis/apps/v1/namespaces/${namespace.name}/deployments/${RELEASES[target]}`;
  const [{ spec, status }, metrics] = await Promise.all([
    namespace.api.get<Deployment>(deployment),
    podMetrics(namespace, target),
  ]);
  return {
    timestamp_s: timestamp,
    desired_replicas: spec.replicas,
    ready_replicas: status.readyReplicas ?? 0,
    cpu_cores: metrics.length > 0 ? total(metrics, 'cpu') : null,
    memory_bytes: metrics.length > 0 ? total(metrics, 'memory') : null,
  };
}

function total(metrics: PodMetrics[], key: 'cpu' | 'memory'): number {
  return sum(metrics.flatMap(({ containers }) => containers.map(({ usage }) => quantity(usage[key]))));
}

/** What the metrics API knows of a target's pods. */
async function podMetrics({ api, name }: Namespace, target: Target): Promise<PodMetrics[]> {
  const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${name}/pods`;
  return (await api.get<List<PodMetrics>>(`${path}?labelSelector=${encodeURIComponent(selectorOf(target))}`)).items;
}

/** The metrics API's news are as old as this, at most: two periods of metrics-server, and one of the kubelet. */
const METRICS_SECONDS = 90;

/** Bytes of memory that a target uses now: by the first news from after the call. */
export function memoryBytes(namespace: Namespace, target: Target): Promise<number> {
  const start = Date.now();
  return namespace.shell.until(`The metrics API has news of ${NAMES[target]}`, METRICS_SECONDS, async () => {
    const metrics = await podMetrics(namespace, target);
    if (metrics.length === 0 || metrics.some(({ timestamp }) => Date.parse(timestamp) < start)) return undefined;
    return total(metrics, 'memory');
  });
}

/** The kubelets' counters of a target's pods. */
async function podRows(namespace: Namespace, target: Target): Promise<Row<'pods'>[]> {
  const pods = await podsBy(namespace, selectorOf(target));
  const names = pods.map(({ metadata }) => metadata.name);
  const nodes = new Set(pods.flatMap(({ spec }) => spec.nodeName ?? []));
  const summaries = await Promise.all([...nodes].map((node) => summary(namespace, node)));
  return summaries
    .flatMap(({ pods }) => pods)
    .filter(({ podRef }) => podRef.namespace === namespace.name && names.includes(podRef.name))
    .flatMap(({ podRef, containers = [] }) =>
      containers.flatMap(({ cpu, memory }) =>
        cpu?.usageCoreNanoSeconds === undefined
          ? []
          : {
              timestamp_s: Date.parse(cpu.time) / 1000,
              pod: podRef.name,
              cpu_seconds: cpu.usageCoreNanoSeconds / 1e9,
              memory_bytes: memory?.workingSetBytes ?? null,
            },
      ),
    );
}

function summary({ api }: Namespace, node: string): Promise<Summary> {
  return api.get(`/api/v1/nodes/${node}/proxy/stats/summary?only_cpu_and_memory=true`);
}

/** Whether the caller may read the kubelets' counters, which takes the right to `get` `nodes/proxy`. */
export async function mayReadKubelet(namespace: Namespace, node: string): Promise<boolean> {
  try {
    await summary(namespace, node);
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}
