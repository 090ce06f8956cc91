// Makes this machine the place of a comparison: each target runs as a container, or the function as a process.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Failure } from '../../lib/failure.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import { CHARTS, ROOT } from '../../lib/project.ts';
import type { Shell } from '../../lib/shell.ts';
import { INTERFACE_NAMES, type Environment, type Interface, type Row, type Server } from '../../results/files.ts';
import type { Load, Place, Watch } from '../place.ts';
import type { Files } from '../run/files.ts';
import { answers, INTERFACES, SERVERS } from '../servers/index.ts';
import type { Settings } from '../settings.ts';
import { engineHost } from './engine.ts';
import { openGenerator } from './generator.ts';
import { findServers, startBareServer, type RunningServer } from './servers.ts';

const START_SECONDS = 60;
/** How long a target that runs elsewhere may take to answer; it should answer at once. */
const ELSEWHERE_SECONDS = 10;
/** The interval between requests to a server that is starting. */
const POLL_MS = 2;

/** @throws Failure if nothing can be compared here */
export async function openLocal(settings: Settings, shell: Shell, say: (sentence: string) => void): Promise<Place> {
  const generator = await openGenerator(shell, say);
  const { starters, images, leftOut } = await findServers(settings, shell, say);
  const interfaces = INTERFACE_NAMES.filter((target) => settings.urls[target] ?? starters[INTERFACES[target].server]);
  const running = new Map<Server, RunningServer>();
  const limit = cpuLimit();
  const isWarm = new Set<Interface>();

  // Other machines have other CPUs than the one that environment.json describes.
  const host = Object.keys(images).length > 0 ? await engineHost(shell) : undefined;
  if (host) leftOut.push(`What the machine of the containers is: Docker's engine runs on ${host}, and not here.`);

  try {
    for (const target of interfaces) await ready(target);
    for (const [server, { usage }] of running) {
      if (!(await usage()))
        leftOut.push(`CPU and memory of ${SERVERS[server].name}: Docker's engine does not tell what it uses.`);
    }
    const servers = [...running.keys()];
    return {
      interfaces,
      servers,
      pods: {},
      leftOut: ['autoscale and scale-from-zero: on one machine without a cluster, nothing scales.', ...leftOut],
      scales: false,
      cpus: availableParallelism(),
      async prepare(target, _scaling, warmUp) {
        checkRuns(INTERFACES[target].server);
        if (isWarm.has(target)) return;
        isWarm.add(target);
        await warmUp();
      },
      load: loadOf,
      watch: (server) => startWatch(replicaOf(server), shell),
      coldStart,
      imageBytes: (server) => Promise.resolve(images[server]?.sizeBytes ?? null),
      memoryBytes: async (server) => (await replicaOf(server).usage())?.memory_bytes ?? null,
      environment: () =>
        Promise.resolve({
          kubernetes: null,
          servers: Object.fromEntries(
            servers.map((server) => {
              const image = images[server] ?? null;
              // Only a container has a limit.
              const resources: Environment['servers'][string]['resources'] = image
                ? { one: { requests: {}, limits: { cpu: limit } } }
                : {};
              return [server, { name: SERVERS[server].name, image, chart: null, resources }];
            }),
          ),
          loadGenerator: { image: null, chart: null },
          clock: { offsetSeconds: 0, of: 'this machine, where all of it ran' },
        }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }

  /** Starts the server of an interface, unless it runs already, and waits for the first right answer. */
  async function ready(target: Interface): Promise<void> {
    const { server } = INTERFACES[target];
    const replica = running.get(server) ?? (await starters[server]?.(quantity(limit)));
    if (replica) running.set(server, replica);
    const url = urlOf(target);
    await shell.until(
      `${INTERFACES[target].name} answers 212 °F rightly at ${url}`,
      replica ? START_SECONDS : ELSEWHERE_SECONDS,
      async () => {
        checkRuns(server);
        return (await isAnswered(target, url)) || undefined;
      },
      POLL_MS,
    );
  }

  function isAnswered(target: Interface, url: string): Promise<boolean> {
    const { question } = INTERFACES[target];
    if (!question) return generator.answers(target, url);
    return answers(question, shell.signal, (path, options) => fetch(url + path, options));
  }

  async function coldStart(server: Server): Promise<Omit<Row<'coldstarts'>, 'start'>> {
    await running.get(server)?.stop();
    running.delete(server);
    const start = performance.now();
    const created = Date.now() / 1000;
    await ready(server);
    return { pod_created_s: created, first_answer_ms: performance.now() - start, first_service_answer_ms: null };
  }

  async function loadOf(load: Load): Promise<Files> {
    if (!load.toBareServer) {
      const files = await generator.load(load, urlOf(load.target));
      checkRuns(INTERFACES[load.target].server);
      return files;
    }
    const server = await startBareServer(shell);
    return generator.load(load, server.url(load.target)).finally(server.stop);
  }

  function urlOf(target: Interface): string {
    return settings.urls[target] ?? running.get(INTERFACES[target].server)?.url(target) ?? '';
  }

  function replicaOf(server: Server): RunningServer {
    const replica = running.get(server);
    if (!replica) throw new Error(`${server} does not run here`);
    return replica;
  }

  /** @throws Failure with what a server said when it ended, if it has */
  function checkRuns(server: Server): void {
    const why = running.get(server)?.whyEnded();
    if (why !== undefined) throw new Failure(`${SERVERS[server].name} has ended.`, why);
  }

  async function close(): Promise<void> {
    await Promise.all(running.values().map((server) => server.stop()));
  }
}

/** The CPU limit that the charts give each server, as Kubernetes writes it: what runs here is what one installs. */
function cpuLimit(): string {
  const values = parse(readFileSync(join(ROOT, CHARTS.function, 'values.yaml'), 'utf8')) as {
    resources: { limits: { cpu: string } };
  };
  return values.resources.limits.cpu;
}

/** Samples CPU and memory of a server every second. If one sample fails, only that sample is missing. */
function startWatch(server: RunningServer, shell: Shell): Watch {
  const timeline: Row<'timeline'>[] = [];
  const pods: Row<'pods'>[] = [];
  const stopping = new AbortController();
  const sampling = (async () => {
    while (!stopping.signal.aborted) {
      await Promise.all([sample(), shell.sleep(1000)]);
    }
  })();
  // An interrupted run ends the sampling with an error. Whoever calls stop() gets that error.
  sampling.catch(() => undefined);

  async function sample(): Promise<void> {
    const usage = await server.usage();
    if (!usage) return;
    const { timestamp_s, cpu_seconds, memory_bytes } = usage;
    const before = pods.at(-1);
    const cpu_cores = before ? (cpu_seconds - before.cpu_seconds) / (timestamp_s - before.timestamp_s) : null;
    timeline.push({ timestamp_s, desired_replicas: 1, ready_replicas: 1, cpu_cores, memory_bytes });
    pods.push({ timestamp_s, pod: server.name, cpu_seconds, memory_bytes });
  }

  return {
    async stop() {
      stopping.abort();
      await sampling;
      return { timeline, pods, throttling: [] };
    },
  };
}
