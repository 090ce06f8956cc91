// Times one cold start in the cluster: a target's only replica goes away, and a new one starts.

import type { Row, Target } from '../../../results/files.ts';
import { trouble, type Pod } from './kubernetes.ts';
import { diagnosis, kubectl, podsBy, RELEASES, selectorOf, type Namespace } from './namespace.ts';
import { CompareError } from '../place.ts';
import { waitForReplicas } from './releases.ts';
import { answers, NAMES } from '../targets.ts';

/** The interval between requests to a starting pod. A few milliseconds are small compared with a start. */
const POLL_MS = 10;
const START_SECONDS = 180;

/**
 * Scales a target to no replica, and then to one. This process measures the time, which begins when the API server
 * reports the new pod. The requests go through the API server, which adds a few milliseconds.
 */
export async function coldStart(namespace: Namespace, target: Target): Promise<Omit<Row<'coldstarts'>, 'start'>> {
  const { shell, core, api } = namespace;
  const selector = selectorOf(target);
  await scaleTo(0);
  await waitForReplicas(namespace, target, 0);

  const watching = new AbortController();
  const signal = AbortSignal.any([shell.signal, watching.signal]);
  try {
    const created = firstPod();
    await scaleTo(1);
    const { pod, at, timestamp } = await created;
    const port = portOf(pod);
    const since = async (path: string) => {
      await untilItAnswers(`${core}/${path}/proxy`);
      return performance.now() - at;
    };
    const [first_answer_ms, first_service_answer_ms] = await Promise.all([
      since(`pods/${pod.metadata.name}:${port}`),
      since(`services/${RELEASES[target]}:${await servicePort()}`),
    ]);
    return { pod_created_s: timestamp, first_answer_ms, first_service_answer_ms };
  } finally {
    watching.abort();
  }

  function scaleTo(replicas: number): Promise<string> {
    return kubectl(namespace, 'scale', `deployment/${RELEASES[target]}`, `--replicas=${replicas}`);
  }

  async function firstPod(): Promise<{ pod: Pod; at: number; timestamp: number }> {
    const path = `${core}/pods?labelSelector=${encodeURIComponent(selector)}`;
    for await (const { type, object } of api.watchPods(path, signal)) {
      if (type === 'ADDED') return { pod: object, at: performance.now(), timestamp: Date.now() / 1000 };
    }
    throw new CompareError(`The cluster made no pod of ${NAMES[target]}.`);
  }

  async function servicePort(): Promise<number> {
    const { spec } = await api.get<{ spec: { ports: { port: number }[] } }>(`${core}/services/${RELEASES[target]}`);
    return spec.ports[0]?.port ?? 80;
  }

  async function untilItAnswers(base: string): Promise<void> {
    const ask = async () => {
      const isRight = await answers(target, signal, (path, request) => api.request(base + path, request));
      return isRight || undefined;
    };
    try {
      await shell.until(`${NAMES[target]} answers after its start`, START_SECONDS, ask, POLL_MS);
    } catch (error) {
      if (!(error instanceof CompareError)) throw error;
      const why = trouble(await podsBy(namespace, selector)) ?? error.message;
      throw new CompareError(why, await diagnosis(namespace, selector));
    }
  }
}

/** Returns the port for HTTP, which the charts list first. */
function portOf(pod: Pod): number {
  return pod.spec.containers[0]?.ports?.[0]?.containerPort ?? 80;
}
