// Starts servers on this machine: each as a Docker container with a CPU limit, the function as a process if it
// has no image, and a bare server.

import { join } from 'node:path';
import { execa } from 'execa';
import getPort from 'get-port';
import pidusage from 'pidusage';
import { Failure } from '../../lib/failure.ts';
import { RELEASES, ROOT, VERSION } from '../../lib/project.ts';
import { openShell, type Shell } from '../../lib/shell.ts';
import { SERVER_NAMES, type Image, type Interface, type Server } from '../../results/files.ts';
import { BARE_SERVER_CODE, INTERFACES, interfacesOf, isExternal, SERVERS, withoutUrl } from '../servers/index.ts';
import type { Settings } from '../settings.ts';
import { engineHost, usageOf, type Usage } from './engine.ts';

/** A server that runs on this machine. */
export interface RunningServer {
  /** Returns its address for an interface. */
  url: (target: Interface) => string;
  /** The process or the container that serves, as files call it. */
  name: string;
  /** Reads what it uses, as its own machine counts it; undefined where that can't be known. */
  usage: () => Promise<Usage | undefined>;
  /** Returns what the server said when it ended; undefined while it runs. */
  whyEnded: () => string | undefined;
  /** Returns when it has ended; can be called more than once. */
  stop: () => Promise<void>;
}

interface Servers {
  /** Functions that start what can run here. They take a CPU limit in cores, which Docker enforces. */
  starters: Partial<Record<Server, (cores: number) => Promise<RunningServer>>>;
  images: Partial<Record<Server, Image>>;
  leftOut: string[];
}

/** Finds out which servers can run here, apart from those that already run elsewhere. */
export async function findServers(settings: Settings, shell: Shell, say: (sentence: string) => void): Promise<Servers> {
  const servers: Servers = { starters: {}, images: {}, leftOut: [] };
  const architectures = new Map<string, string>();
  for (const server of SERVER_NAMES.filter((each) => !isExternal(each, settings.urls))) {
    const { name, image: source } = SERVERS[server];
    const interfaces = interfacesOf(server);
    const orUrls = interfaces.map((target) => `--${target}-url`).join(' or ');
    const reference = process.env[source.variable] ?? `${RELEASES[server]}:${VERSION}`;
    const inspected = await inspect(shell, reference);
    if (inspected) {
      const { architecture, ...image } = inspected;
      architectures.set(reference, architecture);
      servers.images[server] = image;
      servers.starters[server] = (cores) => startContainer(shell, reference, interfaces, cores);
      continue;
    }
    const remedy =
      `Docker is not there, or has no image ${reference}; ` +
      `\`docker build --file ${source.folder}/Dockerfile --tag ${reference} .\` makes it`;
    if (server === 'function') {
      say('The function is bundled.');
      await shell.run('npm', ['--prefix', ROOT, 'run', '--silent', 'build']);
      servers.starters.function = () => startFunction();
      servers.leftOut.push(`A CPU limit of the function: nothing limits a process of this machine. ${remedy}.`);
    } else servers.leftOut.push(`${name}: ${remedy}, or give ${orUrls}.`);
  }
  if (new Set(architectures.values()).size > 1) {
    const reasons = [...architectures].map(([reference, architecture]) => `${reference} is for ${architecture}`);
    throw new Failure(
      `The comparison would not be fair: ${reasons.join(', ')}, and Docker emulates one of them. Build all images for one ` +
        'architecture, by DOCKER_DEFAULT_PLATFORM, or give the URL of one that runs elsewhere.',
    );
  }
  servers.leftOut.push(...withoutUrl(settings.urls));
  return servers;
}

/** Starts the bare server, which does nothing but answer, and waits until it does. */
export async function startBareServer(shell: Shell): Promise<RunningServer> {
  const ports = { http: await getPort(), grpc: await getPort() };
  const server = startProcess(process.execPath, [BARE_SERVER_CODE], ports);
  await shell.until('the bare server listens', 20, async () => {
    const response = await fetch(server.url('function'), { signal: shell.signal }).catch(() => undefined);
    return response?.ok === true || undefined;
  });
  return server;
}

async function startFunction(): Promise<RunningServer> {
  return startProcess(process.execPath, [join(ROOT, 'function/dist/main.cjs')], { http: await getPort() });
}

function startProcess(program: string, args: string[], ports: { http: number; grpc?: number }): RunningServer {
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
    url: (target) => `http://127.0.0.1:${ports[INTERFACES[target].protocol]}`,
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

/** @param interfaces those at which it answers, each on a port of its own */
async function startContainer(
  shell: Shell,
  image: string,
  interfaces: readonly Interface[],
  cores: number,
): Promise<RunningServer> {
  const host = await engineHost(shell);
  // The loopback interface of another machine can't be reached from here.
  const published = interfaces.flatMap((target) => [
    '--publish',
    `${host ? '' : '127.0.0.1::'}${INTERFACES[target].port}`,
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
    const addresses: Partial<Record<Interface, string>> = {};
    for (const target of interfaces) {
      const [address = ''] = (await shell.run('docker', ['port', id, String(INTERFACES[target].port)])).split('\n');
      addresses[target] = `http://${host ? address.trim().replace(/^.*(?=:\d+$)/, host) : address.trim()}`;
    }
    return {
      url: (target) => addresses[target] ?? '',
      name: `container-${id.slice(0, 12)}`,
      usage: usageOf(id),
      whyEnded: () => why,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function inspect(shell: Shell, reference: string): Promise<(Image & { architecture: string }) | undefined> {
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
