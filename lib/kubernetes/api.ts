// Talks to the API of a cluster, as far as this project needs it. `kubectl proxy` signs in.

import { Failure } from '../failure.ts';
import type { Shell } from '../shell.ts';
import type { Connection } from './connection.ts';
import type { Pod } from './objects.ts';
import { PATIENCE_SECONDS } from './pods.ts';
import { ask, openProxy, type Request } from './proxy.ts';

export interface Kubernetes {
  /** Whether the API server was there before. If not, its address may be wrong, and waiting would not help. */
  readonly hasAnswered: boolean;
  /**
   * Asks the API server until it answers, which it may not do for a while, as when its machine is upgraded.
   * @throws Failure if it does not come back
   */
  untilThere<T>(shell: Shell, ask: () => Promise<T | undefined>): Promise<T>;
  /** @throws ApiError */
  get<T>(path: string): Promise<T>;
  /** @throws ApiError */
  text(path: string): Promise<string>;
  /** Yields the pods that exist, and then every change of a pod. It ends with the signal. */
  watchPods(path: string, signal: AbortSignal): AsyncIterable<{ type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Pod }>;
  /** Sends a request through the API server to a pod or a service: `/api/v1/namespaces/n/pods/p:8080/proxy/`. */
  request(path: string, options: Request): Promise<Response>;
  close(): void;
}

export class ApiError extends Failure {
  readonly status: number;

  constructor(path: string, status: number, text: string) {
    super(`The cluster answers ${status} to ${path}.`, messageOf(text));
    this.status = status;
  }
}

/** Kubernetes says what is wrong by an object, whose message is for people. */
function messageOf(text: string): string {
  if (!text.startsWith('{"kind":"Status"')) return text;
  return (JSON.parse(text) as { message?: string }).message ?? text;
}

/** Whether the caller lacks a right. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

/** What the API server, or `kubectl proxy` for it, answers while it is not there, or starts. */
const AWAY = [429, 500, 502, 503, 504];
/** What it may answer as well until it has read who may do what. */
const STARTING = [401, 403];
/** The path of the API of metrics, which another server adds to the cluster's. */
export const METRICS_API = '/apis/metrics.k8s.io/v1beta1';
/** The beginning of a sentence that ends with how to get it. */
export const NO_METRICS = 'The cluster has no metrics API, so that nothing would scale';

/** @param say is told once for each time that the API server does not answer */
export async function openKubernetes(
  connection: Connection,
  shell: Shell,
  say: (sentence: string) => void,
): Promise<Kubernetes> {
  const { signal } = shell;
  const proxy = await openProxy(connection, signal, say);

  /** The servers that were there before: that of the cluster, and that which adds the API of metrics to it. */
  const answered = new Set<'cluster' | 'metrics'>();
  const request = async (path: string, options: Request = {}) => {
    try {
      return await ask(proxy.address, path, { signal, ...options });
    } catch (error) {
      (options.signal ?? signal).throwIfAborted();
      throw new Failure('kubectl proxy, which signs in to the cluster, has ended.', String(error));
    }
  };
  let isAway = false;
  const untilThere: Kubernetes['untilThere'] = (patient, ask) =>
    patient.until(
      'The API server of the cluster answers',
      PATIENCE_SECONDS,
      async () => {
        const answer = await ask();
        if (answer === undefined && !isAway) say('Waiting: the API server of the cluster does not answer.');
        isAway = answer === undefined;
        return answer;
      },
      1000,
    );
  const answer = (path: string) =>
    untilThere(shell, async () => {
      const response = await request(path);
      const text = await response.text();
      const { ok, status } = response;
      const server = path.startsWith(METRICS_API) ? 'metrics' : 'cluster';
      // A kubelet answers these, or does not: then the API server says so, by an object of Kubernetes.
      const isOfKubelet = /\/log\?|\/nodes\/[^/]+\/proxy\//.test(path) && text.includes('"kind":"Status"');
      const passes = !isOfKubelet && [...AWAY, ...(isAway ? STARTING : [])].includes(status);
      if (passes && answered.has(server)) return undefined;
      if (!ok) throw new ApiError(path, status, text);
      answered.add(server);
      return text;
    });
  return {
    untilThere,
    get hasAnswered() {
      return answered.has('cluster');
    },
    get: async <T>(path: string) => JSON.parse(await answer(path)) as T,
    text: answer,
    request,
    async *watchPods(path, until) {
      const response = await request(`${path}${path.includes('?') ? '&' : '?'}watch=1`, { signal: until });
      let rest = '';
      try {
        for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) yield JSON.parse(line) as { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Pod };
        }
      } catch (error) {
        until.throwIfAborted();
        throw new Failure('The API server of the cluster no longer tells about pods.', String(error));
      }
    },
    close: proxy.kill,
  };
}
