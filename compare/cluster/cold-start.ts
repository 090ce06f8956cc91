// Times one cold start in the cluster: a server's only replica goes away, and a new one starts.

import { Failure } from '../../lib/failure.ts';
import type { Pod } from '../../lib/kubernetes/objects.ts';
import { trouble } from '../../lib/kubernetes/pods.ts';
import type { Request } from '../../lib/kubernetes/proxy.ts';
import { RELEASES } from '../../lib/project.ts';
import type { Row, Server } from '../../results/files.ts';
import { INTERFACES, answers } from '../servers/index.ts';
import { waitForReplicas } from './releases.ts';
import { diagnosis, kubectl, podsBy, selectorOf, servicePort, type ClusterSession } from './session.ts';

/** The interval between requests to a starting pod. A few milliseconds are small compared with a start. */
const POLL_MS = 10;
const FIRST_ANSWER_SECONDS = 180;

/**
 * Scales a server to no replica, and then to one. This process measures the time, which begins when the API server
 * reports the new pod. The requests go through the API server, which adds a few milliseconds.
 */
export async function coldStart(session: ClusterSession, server: Server): Promise<Omit<Row<'coldstarts'>, 'start'>> {
  const { shell, core, api } = session;
  // What is measured of a server itself goes by its first interface.
  const { name, protocol, question } = INTERFACES[server];
  if (!question) throw new Error(`${name} can't be asked through the API server`);
  const release = RELEASES[server];
  const selector = selectorOf(release);
  await scaleTo(0);
  await waitForReplicas(session, server, 0);

  const watching = new AbortController();
  const signal = AbortSignal.any([shell.signal, watching.signal]);
  try {
    const created = firstPod();
    await scaleTo(1);
    const { pod, at, timestamp } = await created;
    const port = portOf(pod, protocol);
    const since = async (path: string) => {
      const ask = (rest: string, request: Request) => api.request(`${core}/${path}/proxy${rest}`, request);
      await untilItAnswers(() => answers(question, signal, ask));
      return performance.now() - at;
    };
    const [first_answer_ms, first_service_answer_ms] = await Promise.all([
      since(`pods/${pod.metadata.name}:${port}`),
      since(`services/${release}:${await servicePort(session, server)}`),
    ]);
    return { pod_created_s: timestamp, first_answer_ms, first_service_answer_ms };
  } finally {
    watching.abort();
  }

  function scaleTo(replicas: number): Promise<string> {
    return kubectl(session, 'scale', `deployment/${release}`, `--replicas=${replicas}`);
  }

  async function firstPod(): Promise<{ pod: Pod; at: number; timestamp: number }> {
    const path = `${core}/pods?labelSelector=${encodeURIComponent(selector)}`;
    for await (const { type, object } of api.watchPods(path, signal)) {
      if (type === 'ADDED') return { pod: object, at: performance.now(), timestamp: Date.now() / 1000 };
    }
    throw new Failure(`The cluster made no pod of ${name}.`);
  }

  async function untilItAnswers(isRight: () => Promise<boolean>): Promise<void> {
    const ask = async () => (await isRight()) || undefined;
    try {
      await shell.until(`${name} answers after its start`, FIRST_ANSWER_SECONDS, ask, POLL_MS);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const why = trouble(await podsBy(session, selector)) ?? error.message;
      throw new Failure(why, await diagnosis(session, selector));
    }
  }
}

/** Returns a port of a pod by its name. The pod may have containers beside the target's, such as those of a service mesh. */
function portOf({ metadata, spec }: Pod, portName: string): number {
  const ports = spec.containers.flatMap(({ ports = [] }) => ports);
  const port = ports.find(({ name }) => name === portName)?.containerPort;
  if (port !== undefined) return port;
  throw new Failure(`The pod ${metadata.name} has no port named ${portName}.`);
}
