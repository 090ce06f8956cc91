// Starts servers on this machine: each target as a Docker container with a CPU limit, the function as a process if it
// has no image, and a bare server.

import { join } from 'node:path';
import { execa } from 'execa';
import getPort from 'get-port';
import pidusage from 'pidusage';
import { Failure } from '../../lib/failure.ts';
import { ROOT, VERSION } from '../../lib/project.ts';
import { openShell, type Shell } from '../../lib/shell.ts';
import { TARGETS, type Environment, type Target } from '../../results/files.ts';
import { BARE_SERVER_CODE, chartOf, DEFINITIONS, onePerChart, runsElsewhere, withoutUrl } from '../servers/index.ts';
import type { TargetChart } from '../servers/target.ts';
import type { Settings } from '../settings.ts';
import { engineHost, usageOf, type Usage } from './engine.ts';

export interface Server {
  /** Returns its address for a target. */
  url: (target: Target) => string;
  /** The process or the container that serves, as files call it. */
  name: string;
  /** Reads what it uses, as its own machine counts it; undefined where that can't be known. */
  usage: () => Promise<Usage | undefined>;
  /** Changes the server's CPU limit, in cores; undefined if nothing can limit its CPU. */
  limit?: (cores: number) => Promise<void>;
  /** Returns what the server said when it ended; undefined while it runs. */
  whyEnded: () => string | undefined;
  /** Returns when it has ended; can be called more than once. */
  stop: () => Promise<void>;
}

interface Servers {
  /** Functions that start what can run here. They take a CPU limit in cores, which Docker enforces. */
  starters: Partial<Record<TargetChart, (cores: number) => Promise<Server>>>;
  images: Partial<Record<TargetChart, Environment['images'][string]>>;
  leftOut: string[];
}

/** Finds out which servers can run here, apart from those that already run elsewhere. */
export async function findServers(options: Settings, shell: Shell, say: (sentence: string) => void): Promise<Servers> {
  const servers: Servers = { starters: {}, images: {}, leftOut: [] };
  const architectures = new Map<string, string>();
  for (const first of onePerChart(TARGETS.filter((target) => !runsElsewhere(target, options.urls)))) {
    const chart = chartOf(first);
    const its = TARGETS.filter((target) => chartOf(target) === chart);
    const names = its.map((target) => DEFINITIONS[target].name).join(' and ');
    const orUrls = its.map((target) => `--${target}-url`).join(' or ');
    const { variable, repository, folder } = DEFINITIONS[first].image;
    const reference = process.env[variable] ?? `${repository}:${VERSION}`;
    const found = await inspect(shell, reference);
    if (found) {
      const { architecture, ...image } = found;
      architectures.set(reference, architecture);
      servers.images[chart] = image;
      servers.starters[chart] = (cores) => startContainer(shell, reference, its, cores);
      continue;
    }
    const remedy =
      `Docker is not there, or has no image ${reference}; ` +
      `\`docker build --file ${folder}/Dockerfile --tag ${reference} .\` makes it`;
    if (chart === 'function') {
      say('The function is bundled.');
      await shell.run('npm', ['--prefix', ROOT, 'run', '--silent', 'build']);
      servers.starters.function = () => startFunction();
      servers.leftOut.push(
        'capacity, batch: nothing limits the CPU of the function as a process of this machine, so it answers more than ' +
          `the load generator can send. ${remedy}.`,
      );
    } else servers.leftOut.push(`${names}: ${remedy}, or give ${orUrls}.`);
  }
  if (new Set(architectures.values()).size > 1) {
    const each = [...architectures].map(([reference, architecture]) => `${reference} is for ${architecture}`);
    throw new Failure(
      `The comparison would not be fair: ${each.join(', ')}, and Docker emulates one of them. Build all images for one ` +
        'architecture, by DOCKER_DEFAULT_PLATFORM, or give the URL of one that runs elsewhere.',
    );
  }
  servers.leftOut.push(...withoutUrl(options.urls));
  return servers;
}

/** Starts the bare server, which does nothing but answer, and waits until it does. */
export async function startBareServer(shell: Shell): Promise<Server> {
  const ports = { http: await getPort(), grpc: await getPort() };
  const server = startProcess(process.execPath, [BARE_SERVER_CODE], ports);
  await shell.until('the bare server listens', 20, async () => {
    const response = await fetch(server.url('function'), { signal: shell.signal }).catch(() => undefined);
    return response?.ok === true || undefined;
  });
  return server;
}

async function startFunction(): Promise<Server> {
  return startProcess(process.execPath, [join(ROOT, 'function/dist/main.cjs')], { http: await getPort() });
}

function startProcess(program: string, args: string[], ports: { http: number; grpc?: number }): Server {
  // The child gets a process group of its own: Ctrl-C then reaches only this process, which ends the others in order.
  const child = execa(program, args, {
    env: {
      PORT: String(ports.http),
      ...(ports.grpc && { GRPC_PORT: String(ports.grpc) }),
      DRAIN_DELAY_SECONDS: '0',
    },
    detached: true,
    reject: false,
    all: true,
    buffer: true,
  });
  const kill = () => child.kill();
  process.once('exit', kill);
  let why: string | undefined;
  const ended = child.then(({ all }) => {
    why = all;
  });
  return {
    url: (target) => `http://127.0.0.1:${ports[DEFINITIONS[target].portName]}`,
    name: `process-${child.pid ?? 0}`,
    usage: () => usageOfProcess(child.pid ?? 0),
    whyEnded: () => why,
    async stop() {
      process.off('exit', kill);
      child.kill();
      await ended;
      // What it keeps of processes would keep this one alive.
      pidusage.clear();
    },
  };
}

/** If one reading fails, only that one is missing. */
async function usageOfProcess(pid: number): Promise<Usage | undefined> {
  try {
    const { ctime, memory, timestamp } = await pidusage(pid);
    return { timestamp_s: timestamp / 1000, cpu_seconds: ctime / 1000, memory_bytes: memory };
  } catch {
    return undefined;
  }
}

/** @param targets what it answers, each of them on a port of its own */
async function startContainer(shell: Shell, image: string, targets: readonly Target[], cores: number): Promise<Server> {
  const host = await engineHost(shell);
  // The loopback interface of another machine can't be reached from here.
  const published = targets.flatMap((target) => [
    '--publish',
    `${host ? '' : '127.0.0.1::'}${DEFINITIONS[target].port}`,
  ]);
  // TensorFlow's libraries expect a place for temporary files.
  const rights = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--cpus', String(cores)];
  // The image that was found runs, and not one for another platform, which Docker would look for in a registry.
  const env = { DOCKER_DEFAULT_PLATFORM: undefined };
  const id = (await shell.run('docker', ['run', '--detach', ...rights, ...published, image], { env })).trim();
  // The run's own shell starts nothing after an interruption, but this container must still be removed.
  const { run } = openShell(new AbortController().signal);
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    await run('docker', ['rm', '--force', id]);
  };
  let why: string | undefined;
  void execa('docker', ['wait', id], { reject: false, detached: true }).then(async () => {
    if (isStopped) return;
    why = (await execa('docker', ['logs', '--tail', '20', id], { reject: false, all: true })).all;
  });
  try {
    const addresses: Partial<Record<Target, string>> = {};
    for (const target of targets) {
      const [address = ''] = (await shell.run('docker', ['port', id, String(DEFINITIONS[target].port)])).split('\n');
      addresses[target] = `http://${host ? address.trim().replace(/^.*(?=:\d+$)/, host) : address.trim()}`;
    }
    return {
      url: (target) => addresses[target] ?? '',
      name: `container-${id.slice(0, 12)}`,
      usage: usageOf(id),
      limit: async (cores) => {
        await shell.run('docker', ['update', '--cpus', String(cores), id]);
      },
      whyEnded: () => why,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function inspect(
  shell: Shell,
  reference: string,
): Promise<(Environment['images'][string] & { architecture: string }) | undefined> {
  try {
    const [image] = JSON.parse(await shell.run('docker', ['image', 'inspect', reference])) as {
      Id: string;
      Size: number;
      Architecture: string;
    }[];
    return image && { reference, id: image.Id, sizeBytes: image.Size, architecture: image.Architecture };
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
