// Times one cold start in the cluster: a server's only replica goes away, and a new one starts.

import { Failure } from '../../lib/failure.ts';
import type { Pod } from '../../lib/kubernetes/objects.ts';
import { trouble } from '../../lib/kubernetes/pods.ts';
import type { Request } from '../../lib/kubernetes/proxy.ts';
import type { Row, Server } from '../../results/files.ts';
import { isAnswered, type Question } from '../servers/question.ts';
import { interfaceOf, serverOf } from '../servers/comparison.ts';
import { scaleTo, waitForReplicas } from './scaling.ts';
import { diagnosis, podsBy, portsOf, type ClusterSession } from './session.ts';

/** The interval between requests to a starting pod. A few milliseconds are small compared with a start. */
const POLL_MS = 10;
/** A pod may take so much longer to run than its server to start. */
const POD_SECONDS = 120;

/**
 * Scales a server to no replica, and then to one. This process measures the time, which begins when the API server
 * reports the new pod. The requests go through the API server, which adds a few milliseconds.
 */
export async function coldStart(
  session: ClusterSession,
  server: Server,
  question: Question,
): Promise<Omit<Row<'coldstarts'>, 'start'>> {
  const { shell, core, api, settings } = session;
  // What is measured of a server itself goes by its first interface, which has its key.
  const { name } = interfaceOf(settings.comparison, server);
  const { startSeconds } = serverOf(settings.comparison, server);
  const { service, selector } = session.workload(server);
  const ports = portsOf(session, server);
  await scaleTo(session, server, 0);
  await waitForReplicas(session, server, 0);

  const watching = new AbortController();
  const signal = AbortSignal.any([shell.signal, watching.signal]);
  try {
    const created = firstPod();
    await scaleTo(session, server, 1);
    const { pod, at, timestamp } = await created;
    const since = async (path: string) => {
      const ask = (rest: string, request: Request) => api.request(`${core}/${path}/proxy${rest}`, request);
      await untilItAnswers(() => isAnswered(question, signal, ask));
      return performance.now() - at;
    };
    const [first_answer_ms, first_service_answer_ms] = await Promise.all([
      since(`pods/${pod.metadata.name}:${ports.container}`),
      since(`services/${service}:${ports.service}`),
    ]);
    return { pod_created_s: timestamp, first_answer_ms, first_service_answer_ms };
  } finally {
    watching.abort();
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
      await shell.until(`${name} answers after its start`, startSeconds + POD_SECONDS, ask, POLL_MS);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const why = trouble(await podsBy(session, selector)) ?? error.message;
      throw new Failure(why, await diagnosis(session, selector));
    }
  }
}
