// Talks to the API of a cluster, as far as a comparison needs it. `kubectl proxy` signs in.

import { request as send } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { describeEnding, type Ending } from '../exit-reason.ts';
import { CompareError } from '../../compare/place.ts';
import type { Shell } from '../shell.ts';
import type { Connection } from './connection.ts';

export interface Kubernetes {
  /** Whether the API server was there before. If not, its address may be wrong, and waiting would not help. */
  readonly hasAnswered: boolean;
  /**
   * Asks the API server until it answers, which it may not do for a while, as when its machine is upgraded.
   * @throws CompareError if it does not come back
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

/** What a request has beside its path; by default it is a GET that ends with the run. */
export interface Request {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  signal?: AbortSignal;
}

export class ApiError extends CompareError {
  readonly status: number;

  constructor(path: string, status: number, text: string) {
    super(`The cluster answers ${status} to ${path}.`, text);
    this.status = status;
  }
}

/** Whether the caller lacks a right. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

export interface Pod {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    labels?: Record<string, string>;
    creationTimestamp: string;
    deletionTimestamp?: string;
  };
  spec: {
    nodeName?: string;
    containers: {
      name: string;
      image: string;
      resources: Resources;
      ports?: { name?: string; containerPort: number }[];
    }[];
  };
  status: {
    phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    reason?: string;
    message?: string;
    podIP?: string;
    conditions?: { type: string; status: string; lastTransitionTime: string; reason?: string; message?: string }[];
    containerStatuses?: {
      name: string;
      imageID: string;
      restartCount: number;
      state: { waiting?: { reason: string; message?: string }; terminated?: Ending };
      /** The state before the last restart. */
      lastState?: { terminated?: Ending };
    }[];
  };
}

/** Returns the container of a name, or its state, or its usage. A service mesh may put others before and beside it. */
export function byName<T extends { name: string }>(containers: readonly T[] | undefined, name: string): T | undefined {
  return containers?.find((each) => each.name === name);
}

export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

export interface Node {
  metadata: { name: string; labels?: Record<string, string> };
  spec?: { providerID?: string; unschedulable?: boolean; taints?: { effect: string }[] };
  status: {
    allocatable: Record<string, string>;
    capacity: Record<string, string>;
    images?: { names?: string[] | null; sizeBytes?: number }[];
    conditions?: { type: string; status: string; message?: string }[];
    nodeInfo: Record<
      'kernelVersion' | 'osImage' | 'containerRuntimeVersion' | 'kubeletVersion' | 'architecture',
      string
    >;
  };
}

/** Whether a node takes pods of the charts, which tolerate no taints by default. */
export function takesPods({ spec }: Node): boolean {
  return !spec?.unschedulable && !spec?.taints?.some(({ effect }) => effect !== 'PreferNoSchedule');
}

export interface Deployment {
  metadata: { generation: number };
  spec: { replicas: number };
  status: { observedGeneration?: number; replicas?: number; updatedReplicas?: number; readyReplicas?: number };
}

/** What happened to an object. */
export interface Event {
  reason: string;
  message?: string;
  involvedObject: { name: string };
}

export interface List<T> {
  items: T[];
}

/** What the API server, or `kubectl proxy` for it, answers while it is not there, or starts. */
const AWAY = [429, 500, 502, 503, 504];
/** What it may answer as well until it has read who may do what. */
const STARTING = [401, 403];
/** What kubectl and Helm print while it is not there. */
const NOT_REACHED = /cluster unreachable|connection refused|was refused|TLS handshake timeout|unexpected EOF/i;

/** Makes a shell whose kubectl and Helm wait, too, for an API server that was there before. */
export function patientShell(shell: Shell, api: Pick<Kubernetes, 'hasAnswered' | 'untilThere'>): Shell {
  return {
    ...shell,
    run: (program, args, options) =>
      api.untilThere(shell, async () => {
        try {
          return await shell.run(program, args, options);
        } catch (error) {
          // Where the API server can't reach a kubelet, it is there itself, and says so.
          const isAway =
            error instanceof CompareError &&
            NOT_REACHED.test(error.details) &&
            !error.details.includes('Error from server');
          if (!isAway || !api.hasAnswered) throw error;
          return undefined;
        }
      }),
  };
}

/** The path of the API of metrics, which another server adds to the cluster's. */
export const METRICS_API = '/apis/metrics.k8s.io/v1beta1';

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
      throw new CompareError('kubectl proxy, which signs in to the cluster, has ended.', String(error));
    }
  };
  let isAway = false;
  const untilThere: Kubernetes['untilThere'] = (its, ask) =>
    its.until(
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
        throw new CompareError('The API server of the cluster no longer tells about pods.', String(error));
      }
    },
    close: proxy.kill,
  };
}

/** Where a server listens: on a Unix socket, or on a port of this machine. */
type Address = { socketPath: string } | { host: string; port: string };
interface Proxy {
  address: Address;
  kill: () => void;
}

/**
 * Starts `kubectl proxy` on a Unix socket in a folder that only the caller may open: whoever reaches the proxy has the
 * caller's rights. Windows has no such sockets for Node, and some file systems have none at all.
 */
async function openProxy(connection: Connection, signal: AbortSignal, say: (sentence: string) => void): Promise<Proxy> {
  const socketPath = join(connection.folder, 'api.sock');
  if (process.platform !== 'win32') {
    try {
      return await startProxy(connection, signal, `--unix-socket=${socketPath}`, () => ({ socketPath }));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CompareError)) throw error;
    }
  }
  const proxy = await startProxy(connection, signal, '--port=0', (line) => {
    const { hostname: host, port } = new URL(line.replace(/^Starting to serve on /, 'http://'));
    return { host, port };
  });
  say(
    'kubectl proxy has no Unix socket here: until this ends, every user of this machine has your rights in the cluster.',
  );
  return proxy;
}

/** @param addressOf reads the address from the first line that it prints */
async function startProxy(
  { options, env }: Connection,
  signal: AbortSignal,
  listens: string,
  addressOf: (line: string) => Address,
): Promise<Proxy> {
  const args = ['proxy', ...options, listens];
  const proxy = execa('kubectl', args, { detached: true, reject: false, cancelSignal: signal, env });
  const kill = () => void proxy.kill();
  process.once('exit', kill);
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(proxy.stdout).once('line', resolve);
    void proxy.then(({ code, stderr }) => {
      const why = code === 'ENOENT' ? 'kubectl is not installed, or not on the path.' : 'kubectl proxy does not start.';
      reject(new CompareError(why, stderr));
    });
  });
  return { address: addressOf(line), kill };
}

/** Node's fetch knows no Unix sockets. */
function ask(address: Address, path: string, { body, ...options }: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = send({ ...address, path, ...options }, (answer) => {
      const { statusCode: status = 500, headers } = answer;
      const content = [204, 304].includes(status) ? null : (Readable.toWeb(answer) as ReadableStream);
      resolve(new Response(content, { status, headers: headers as Record<string, string> }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** How long a pod may take to run: another one may have to end before, or a node autoscaler adds a node. */
export const PATIENCE_SECONDS = 300;

/** Returns a sentence that says why a pod won't run, or undefined if all of them may. */
export function trouble(pods: readonly Pod[]): string | undefined {
  for (const { metadata, status } of pods) {
    const stuck = status.containerStatuses?.find(({ state }) => isFinal(state.waiting));
    if (stuck?.state.waiting) {
      const { reason, message = '' } = stuck.state.waiting;
      const before = stuck.lastState?.terminated;
      const ending = before ? `Its container ${stuck.name} ${describeEnding(before)}` : '';
      return [`The pod ${metadata.name} does not start: ${reason}.`, message, ending].filter(Boolean).join(' ');
    }
  }
  return undefined;
}

/**
 * Returns what keeps pods from running for now, as a sentence; undefined if nothing does.
 * @param events of the objects that make the pods
 */
export function obstacle(pods: readonly Pod[], events: readonly Event[] = []): string | undefined {
  for (const { metadata, status } of pods) {
    const unscheduled = status.conditions?.find(({ reason }) => reason === 'Unschedulable');
    if (unscheduled) return `No node takes the pod ${metadata.name}: ${unscheduled.message ?? 'unschedulable'}`;
  }
  const refused = pods.length === 0 ? events.find(({ reason }) => reason === 'FailedCreate') : undefined;
  return refused && `A pod can't be made: ${refused.message ?? 'no reason is known.'}`;
}

/** Returns a sentence for each node that does not tell how it is, as its kubelet has ended or can't be reached. */
export function lostNodes(nodes: readonly Node[]): string[] {
  return nodes.flatMap(({ metadata, status }) => {
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    if (!ready || ready.status === 'True') return [];
    return [`The node ${metadata.name} is not ready: ${ready.message ?? 'no reason is known.'}`];
  });
}

/** Whether a container waits for a reason that time alone does not remove. */
function isFinal(waiting?: { reason: string }): boolean {
  const reasons = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'];
  return [...reasons, 'CreateContainerConfigError', 'CrashLoopBackOff'].includes(waiting?.reason ?? '');
}
