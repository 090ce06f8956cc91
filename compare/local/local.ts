// Makes this machine the place of a comparison: each target runs as a container, or the function as a process.

import { availableParallelism } from 'node:os';
import { Failure } from '../../lib/failure.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import type { Shell } from '../../lib/shell.ts';
import { TARGETS, type Environment, type Row, type Target } from '../../results/files.ts';
import { type Load, type Place, type Scaling, type Watch } from '../place.ts';
import type { Files } from '../run/files.ts';
import { answersAt, chartOf, DEFINITIONS } from '../servers/index.ts';
import type { TargetChart } from '../servers/target.ts';
import type { Settings } from '../settings.ts';
import { engineHost } from './engine.ts';
import { openGenerator } from './generator.ts';
import { findServers, startBareServer, type Server } from './servers.ts';

const START_SECONDS = 60;
/** How long a target that runs elsewhere may take to answer; it should answer at once. */
const ELSEWHERE_SECONDS = 10;
/** The interval between requests to a server that is starting. */
const POLL_MS = 2;

/** @throws Failure if nothing can be compared here */
export async function openLocal(options: Settings, shell: Shell, say: (sentence: string) => void): Promise<Place> {
  const generate = await openGenerator(shell, options.seed, say);
  const { starters, images, leftOut } = await findServers(options, shell, say);
  const targets = TARGETS.filter((target) => options.urls[target] ?? starters[chartOf(target)]);
  const running = new Map<TargetChart, Server>();
  /** The CPU limits of a replica that starts here, as Kubernetes writes them. */
  const limits: Record<Exclude<Scaling, 'auto'>, string> = { one: options.cpuLimit, core: '1' };
  const resources: Environment['resources'] = {};
  const isWarm = new Set<Target>();

  // Other machines have other CPUs than the one that environment.json describes.
  const host = Object.keys(images).length > 0 ? await engineHost(shell) : undefined;
  if (host) leftOut.push(`What the machine of the containers is: Docker's engine runs on ${host}, and not here.`);

  try {
    for (const target of targets) await ready(target);
    for (const [chart, server] of running) {
      if (!(await server.usage()))
        leftOut.push(`CPU and memory of ${chart}: Docker's engine does not tell what it uses.`);
    }
    return {
      targets,
      leftOut: ['autoscale and scale-from-zero: on one machine without a cluster, nothing scales.', ...leftOut],
      scales: false,
      limitsCpu: running.values().every(({ limit }) => limit !== undefined),
      cpus: availableParallelism(),
      controls: (target) => running.has(chartOf(target)),
      async prepare(target, scaling, warmUp) {
        const limit = limits[scaling === 'auto' ? 'one' : scaling];
        const server = running.get(chartOf(target));
        checkRuns(target, server);
        if (server?.limit) {
          await server.limit(quantity(limit));
          resources[`${chartOf(target)}/${scaling}`] = { requests: {}, limits: { cpu: limit } };
        }
        if (isWarm.has(target)) return;
        isWarm.add(target);
        await warmUp();
      },
      load: (load) => loadWith(generate, load),
      watch: (target) => startWatch(serverOf(target), shell),
      coldStart,
      imageBytes: (target) => Promise.resolve(images[chartOf(target)]?.sizeBytes ?? null),
      memoryBytes: async (target) => (await serverOf(target).usage())?.memory_bytes ?? null,
      environment: () =>
        Promise.resolve({
          kubernetes: null,
          images: Object.fromEntries(Object.entries(images).map(([chart, image]) => [`f2c-${chart}`, image])),
          resources,
          charts: {},
          clock: { offsetSeconds: 0, of: 'this machine, where all of it ran' },
        }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }

  /** Starts what answers a target, unless it runs already, and waits for the first right answer. */
  async function ready(target: Target): Promise<void> {
    const chart = chartOf(target);
    const server = running.get(chart) ?? (await starters[chart]?.(quantity(limits.one)));
    if (server) running.set(chart, server);
    const url = urlOf(target);
    await shell.until(
      `${DEFINITIONS[target].name} answers 212 °F rightly at ${url}`,
      server ? START_SECONDS : ELSEWHERE_SECONDS,
      async () => {
        checkRuns(target, server);
        return (await answersAt(target, url, shell.signal)) || undefined;
      },
      POLL_MS,
    );
  }

  async function coldStart(target: Target): Promise<Omit<Row<'coldstarts'>, 'start'>> {
    await running.get(chartOf(target))?.stop();
    running.delete(chartOf(target));
    const start = performance.now();
    const created = Date.now() / 1000;
    await ready(target);
    return { pod_created_s: created, first_answer_ms: performance.now() - start, first_service_answer_ms: null };
  }

  async function loadWith(generate: Awaited<ReturnType<typeof openGenerator>>, load: Load): Promise<Files> {
    if (!load.toBareServer) {
      const files = await generate(load, urlOf(load.target));
      checkRuns(load.target, running.get(chartOf(load.target)));
      return files;
    }
    const server = await startBareServer(shell);
    return generate(load, server.url(load.target)).finally(server.stop);
  }

  function urlOf(target: Target): string {
    return options.urls[target] ?? running.get(chartOf(target))?.url(target) ?? '';
  }

  function serverOf(target: Target): Server {
    const server = running.get(chartOf(target));
    if (!server) throw new Error(`${target} does not run here`);
    return server;
  }

  async function close(): Promise<void> {
    await Promise.all(running.values().map((server) => server.stop()));
  }
}

/** @throws Failure with what a server said when it ended, if it has */
function checkRuns(target: Target, server: Server | undefined): void {
  const why = server?.whyEnded();
  if (why !== undefined) throw new Failure(`${DEFINITIONS[target].name} has ended.`, why);
}

/** Samples CPU and memory of a server every second. If one sample fails, only that sample is missing. */
function startWatch(server: Server, shell: Shell): Watch {
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
