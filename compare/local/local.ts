// Makes this machine the place of a comparison: each server runs as a container, or as a process.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Failure } from '../../lib/failure.ts';
import { quantity } from '../../lib/kubernetes/quantity.ts';
import { CHARTS, ROOT } from '../../lib/project.ts';
import type { Shell } from '../../lib/shell.ts';
import type { Environment, Interface, Row, Server } from '../../results/files.ts';
import type { Load, Place, Watch } from '../place.ts';
import type { Files } from '../run/files.ts';
import type { Recorded } from '../servers/bare-server.ts';
import { theRightOne, type Check } from '../servers/check.ts';
import { interfaceOf, serverOf } from '../servers/comparison.ts';
import { isAnswered, questionOf } from '../servers/question.ts';
import { recordFor } from '../servers/record.ts';
import type { Settings } from '../settings.ts';
import { engineHost } from './engine.ts';
import { openGenerator, type Asked } from './generator.ts';
import type { RunningServer } from './running-server.ts';
import { findServers, startBareServer } from './servers.ts';

/** How long a target that runs elsewhere may take to answer; it should answer at once. */
const ELSEWHERE_SECONDS = 10;
/** The interval between requests to a server that is starting. */
const POLL_MS = 2;
/** How often what a server says is shown while it starts. */
const LOOK_MS = 15_000;

/** @throws Failure if nothing can be compared here */
export async function openLocal(
  settings: Settings,
  shell: Shell,
  say: (sentence: string, kind?: 'warning') => void,
): Promise<Place> {
  const { comparison } = settings;
  const generator = await openGenerator(shell, say);
  const { starters, images, leftOut } = await findServers(comparison, shell, say);
  const interfaces = [...comparison.interfaces]
    .filter(([, { url, server }]) => url !== undefined || starters.has(server))
    .map(([target]) => target);
  if (!interfaces.includes(comparison.baseline)) {
    throw new Failure(`What all others are compared with can't run here. ${leftOut.join(' ')}`);
  }
  const running = new Map<Server, RunningServer>();
  const recordings = new Map<Interface, Recorded>();
  const resources = { requests: {}, limits: limitsOf(settings) };
  const limits = {
    cores: quantity(resources.limits.cpu ?? '1'),
    memoryBytes: quantity(resources.limits.memory ?? '0'),
  };
  const isWarm = new Set<Interface>();

  // Other machines have other CPUs than the one that environment.json describes.
  const host = images.size > 0 ? await engineHost(shell) : undefined;
  if (host) leftOut.push(`What the machine of the containers is: Docker's engine runs on ${host}, and not here.`);

  try {
    for (const target of interfaces) {
      const { server, name } = interfaceOf(comparison, target);
      await start(server);
      if (!settings.check) recordings.set(target, theRightOne(await check(target, { all: false }), name));
    }
    for (const [server, { usage }] of running) {
      const { name } = serverOf(comparison, server);
      if (images.has(server) && !(await usage()))
        leftOut.push(`CPU and memory of ${name}: Docker's engine does not tell what it uses.`);
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
        await revive(target);
        if (isWarm.has(target)) return;
        isWarm.add(target);
        await warmUp();
        await revive(target);
      },
      check: (target) => check(target, { all: true }),
      load: loadOf,
      watch: (server) => startWatch(replicaOf(server), shell),
      startsCold: (server) => questionOf(comparison, server, recordings) !== undefined,
      coldStart,
      imageBytes: (server) => Promise.resolve(images.get(server)?.sizeBytes ?? null),
      memoryBytes: async (server) => (await replicaOf(server).usage())?.memory_bytes ?? null,
      environment: () =>
        Promise.resolve({
          kubernetes: null,
          servers: Object.fromEntries(
            servers.map((server) => {
              const { name, settings } = serverOf(comparison, server);
              const image = images.get(server) ?? null;
              // Only a container has limits.
              const its: Environment['servers'][string]['resources'] = image ? { one: resources } : {};
              return [server, { name, image, chart: null, resources: its, settings }];
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

  /** Starts a server, unless it runs already, or runs elsewhere. */
  async function start(server: Server): Promise<void> {
    if (running.has(server)) return;
    const replica = await starters.get(server)?.(limits);
    if (replica) running.set(server, replica);
  }

  async function stop(server: Server): Promise<void> {
    await running.get(server)?.stop();
    running.delete(server);
    for (const target of interfaces) if (interfaceOf(comparison, target).server === server) isWarm.delete(target);
  }

  /** Starts a server anew if it has ended, as another load may have been too much for it. */
  async function revive(target: Interface): Promise<void> {
    const { server } = interfaceOf(comparison, target);
    if (running.get(server)?.ending() === undefined) return;
    await stop(server);
    await start(server);
    await check(target, { all: false });
  }

  /**
   * Asks a target once, as soon as its server answers rightly, or has had the time to. Meanwhile it shows what the server
   * says.
   * @throws Failure if the server has ended
   */
  async function check(target: Interface, { all }: { all: boolean }): Promise<Check[]> {
    const { server } = interfaceOf(comparison, target);
    const { name, startSeconds } = serverOf(comparison, server);
    const replica = running.get(server);
    const lastLine = async () => (await replica?.lastLine())?.slice(0, 200);
    const looking = setInterval(() => {
      void lastLine().then((line) => {
        if (line) say(`Waiting for ${name}; its log says: ${line}`);
      });
    }, LOOK_MS);
    try {
      const wait = replica ? startSeconds : ELSEWHERE_SECONDS;
      const checks = await generator.check(askedOf(target), { all, wait, ...(replica && { signal: replica.ended }) });
      const line = checks.every(({ wrong }) => wrong !== null) && (await lastLine());
      if (line) say(`${name} has answered nothing rightly within ${wait} s; its log says last: ${line}`, 'warning');
      return checks;
    } catch (error) {
      checkRuns(server);
      throw error;
    } finally {
      clearInterval(looking);
      checkRuns(server);
    }
  }

  async function coldStart(server: Server): Promise<Omit<Row<'coldstarts'>, 'start'>> {
    const question = questionOf(comparison, server, recordings);
    if (!question) throw new Error(`${server} can't be asked from here`);
    const { name, startSeconds } = serverOf(comparison, server);
    await stop(server);
    const begin = performance.now();
    const created = Date.now() / 1000;
    await start(server);
    const url = urlOf(server);
    const ask = async () => {
      checkRuns(server);
      return (await isAnswered(question, shell.signal, (path, options) => fetch(url + path, options))) || undefined;
    };
    await shell.until(`${name} answers rightly at ${url}`, startSeconds, ask, POLL_MS);
    return { pod_created_s: created, first_answer_ms: performance.now() - begin, first_service_answer_ms: null };
  }

  async function loadOf(load: Load): Promise<Files> {
    const { target } = load;
    if (!load.toBareServer) {
      const files = await generator.load(load, askedOf(target));
      const { server, name } = interfaceOf(comparison, target);
      const ending = running.get(server)?.ending();
      if (ending !== undefined) say(`${name} ${ending}`, 'warning');
      return files;
    }
    const server = await startBareServer(shell, recordings);
    return generator.load(load, { ...askedOf(target), url: server.url(target) }).finally(server.stop);
  }

  function askedOf(target: Interface): Asked {
    return { target, url: urlOf(target), record: recordFor(comparison, target, recordings) };
  }

  function urlOf(target: Interface): string {
    const { url, server } = interfaceOf(comparison, target);
    return url ?? running.get(server)?.url(target) ?? '';
  }

  function replicaOf(server: Server): RunningServer {
    const replica = running.get(server);
    if (!replica) throw new Error(`${server} does not run here`);
    return replica;
  }

  /** @throws Failure with what a server said when it ended, if it has */
  function checkRuns(server: Server): void {
    const ending = running.get(server)?.ending();
    if (ending !== undefined) throw new Failure(`${serverOf(comparison, server).name} ${ending}`);
  }

  async function close(): Promise<void> {
    await Promise.all(running.values().map((server) => server.stop()));
  }
}

/** The limits of each server, by default those of the function's chart: what runs here is what one installs. */
function limitsOf({ comparison }: Settings): Record<string, string> {
  if (comparison.resources) return comparison.resources.limits;
  const values = parse(readFileSync(join(ROOT, CHARTS.function, 'values.yaml'), 'utf8')) as {
    resources: { limits: Record<string, string> };
  };
  return values.resources.limits;
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
      const ending = server.ending();
      return { timeline, pods, throttling: [], endings: ending === undefined ? [] : [`Its ${server.name} ${ending}`] };
    },
  };
}
