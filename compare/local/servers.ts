// Starts servers on this machine: each as a Docker container with limits, or as a process; and a bare server.

import { dirname } from 'node:path';
import { constants } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import getPort from 'get-port';
import pidusage from 'pidusage';
import { sum } from 'simple-statistics';
import { describeEnding, type Ending } from '../../lib/exit-reason.ts';
import { Failure } from '../../lib/failure.ts';
import { openShell, type Shell } from '../../lib/shell.ts';
import type { Image, Interface, Server } from '../../results/files.ts';
import { BARE_SERVER_CODE, replaysOf, type Recordings } from '../servers/bare-server.ts';
import {
  interfaceOf,
  interfacesOf,
  isExternal,
  withoutUrl,
  type Comparison,
  type ServerDefinition,
} from '../servers/comparison.ts';
import { portVariables } from '../servers/ports.ts';
import type { TextOrSecret } from '../servers/schema.ts';
import { engineHost, usageOf, type Usage } from './engine.ts';

/** A server that runs on this machine. */
export interface RunningServer {
  /** Returns its address for an interface. */
  url: (target: Interface) => string;
  /** The process or the container that serves, as files call it. */
  name: string;
  /** Reads what it uses, as its own machine counts it; undefined where that can't be known. */
  usage: () => Promise<Usage | undefined>;
  /** How it ended, as the rest of a sentence, with the end of its log; undefined while it runs. */
  ending: () => string | undefined;
  /** Aborted when it has ended. */
  ended: AbortSignal;
  /** The last line of its log. */
  lastLine: () => Promise<string>;
  /** Returns when it has ended; can be called more than once. */
  stop: () => Promise<void>;
}

/** What a container may use. */
export interface Limits {
  cores: number;
  memoryBytes: number;
}

interface Servers {
  /** Functions that start what can run here. They take limits, which Docker enforces. */
  starters: Map<Server, (limits: Limits) => Promise<RunningServer>>;
  images: Map<Server, Image>;
  leftOut: string[];
}

/** Finds out which servers can run here, apart from those that already run elsewhere. */
export async function findServers(
  comparison: Comparison,
  shell: Shell,
  say: (sentence: string) => void,
): Promise<Servers> {
  const servers: Servers = { starters: new Map(), images: new Map(), leftOut: [] };
  const architectures = new Map<string, string>();
  const isSetUp = new Set<string>();
  for (const [server, definition] of comparison.servers) {
    if (isExternal(comparison, server)) continue;
    const { name, image, command, setup } = definition;
    const inspected = image === undefined ? undefined : await inspect(shell, image);
    if (image !== undefined && inspected) {
      const { architecture, ...described } = inspected;
      architectures.set(image, architecture);
      servers.images.set(server, described);
      servers.starters.set(server, (limits) => startContainer(comparison, shell, server, definition, image, limits));
      continue;
    }
    const orUrls = interfacesOf(comparison, server)
      .map((target) => `--${target}-url`)
      .join(' or ');
    const lacking = image === undefined ? '' : ` Docker is not there, or has no image ${image}.`;
    if (command) {
      const steps = setup?.join(' ') ?? '';
      if (setup && !isSetUp.has(steps)) {
        say(`${name} is set up: ${steps}`);
        await shell.run(setup[0] ?? '', setup.slice(1), { cwd: comparison.folder });
        isSetUp.add(steps);
      }
      servers.starters.set(server, () => startCommand(comparison, server, definition, command));
      servers.leftOut.push(`A limit of CPU and memory of ${name}: nothing limits a process of this machine.${lacking}`);
    } else
      servers.leftOut.push(
        `${name}: it has no command for this machine.${lacking} Give ${orUrls}, if it runs elsewhere.`,
      );
  }
  if (new Set(architectures.values()).size > 1) {
    const reasons = [...architectures].map(([reference, architecture]) => `${reference} is for ${architecture}`);
    throw new Failure(
      `The comparison would not be fair: ${reasons.join(', ')}, and Docker emulates one of them. Build all images for one ` +
        'architecture, by DOCKER_DEFAULT_PLATFORM, or give the URL of one that runs elsewhere.',
    );
  }
  servers.leftOut.push(...withoutUrl(comparison));
  return servers;
}

/** Starts the bare server, which does nothing but replay, and waits until it listens. */
export async function startBareServer(
  shell: Shell,
  recordings: Recordings,
): Promise<Pick<RunningServer, 'url' | 'stop'>> {
  const ports = new Map<Interface, number>();
  for (const target of recordings.keys()) ports.set(target, await getPort());
  const replays = replaysOf(recordings, (target) => ports.get(target) ?? 0);
  const server = startProcess([process.execPath, BARE_SERVER_CODE], {
    cwd: dirname(BARE_SERVER_CODE),
    env: { REPLAYS: JSON.stringify(replays) },
    ports,
  });
  const [first = ''] = recordings.keys();
  await shell.until('the bare server listens', 20, async () => {
    // Any answer will do, even one that fetch can't read, as that of gRPC.
    const refused = await fetch(server.url(first), { signal: shell.signal }).then(
      () => false,
      (error: unknown) => (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED',
    );
    shell.signal.throwIfAborted();
    return !refused || undefined;
  });
  return server;
}

async function startCommand(
  comparison: Comparison,
  server: Server,
  { env }: ServerDefinition,
  command: readonly string[],
): Promise<RunningServer> {
  const ports = new Map<Interface, number>();
  const interfaces = interfacesOf(comparison, server);
  for (const target of interfaces) ports.set(target, await getPort());
  const keyed = interfaces.map((target) => ({
    key: interfaceOf(comparison, target).key,
    port: ports.get(target) ?? 0,
  }));
  const variables = expanded({ ...portVariables(keyed), ...resolved(env) });
  const words = command.map((word) => expand(word, variables));
  return startProcess(words, { cwd: comparison.folder, env: variables, ports });
}

function resolved(env: Readonly<Record<string, TextOrSecret>>): Record<string, string> {
  const valueOf = (value: TextOrSecret) => (typeof value === 'string' ? value : (process.env[value.fromEnv] ?? ''));
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, valueOf(value)]));
}

/** `$(NAME)` stands for a variable that came before, as in Kubernetes. */
function expanded(variables: Readonly<Record<string, string>>): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) all[name] = expand(value, all);
  return all;
}

function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => variables[name] ?? whole);
}

/** How many lines of a log tell why a server has ended. */
const LINES = 20;

function startProcess(
  [program = '', ...args]: readonly string[],
  { cwd, env, ports }: { cwd: string; env: Readonly<Record<string, string>>; ports: ReadonlyMap<Interface, number> },
): RunningServer {
  // The child gets a process group of its own: Ctrl-C then reaches only this process, which ends the others in order.
  const child = execa(program, args, { cwd, env, detached: true, reject: false, all: true, buffer: false });
  const log = keepLog(child.all);
  const kill = () => child.kill();
  process.once('exit', kill);
  const over = new AbortController();
  let ending: string | undefined;
  let isStopped = false;
  const ended = child.then(({ exitCode, signal, shortMessage, code }) => {
    const exit = signal ? 128 + constants.signals[signal] : exitCode;
    const how =
      exit === undefined
        ? `does not start: ${code ?? shortMessage ?? ''}`
        : describeEnding({ exitCode: exit, message: log().join('\n') });
    ending = how;
    if (!isStopped) over.abort();
  });
  return {
    url: (target) => `http://127.0.0.1:${ports.get(target) ?? 0}`,
    name: `process-${child.pid ?? 0}`,
    usage: () => usageOfGroup(child.pid ?? 0),
    ending: () => ending,
    ended: over.signal,
    lastLine: () => Promise.resolve(log().at(-1) ?? ''),
    async stop() {
      isStopped = true;
      process.off('exit', kill);
      // Its own children, such as workers, are in its group.
      endGroup(child.pid, 'SIGTERM');
      const patience = setTimeout(() => {
        endGroup(child.pid, 'SIGKILL');
      }, 5000);
      await ended;
      clearTimeout(patience);
      endGroup(child.pid, 'SIGKILL');
      // What it keeps of processes would keep this one alive.
      pidusage.clear();
    },
  };
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Reads what a process says, and returns a function that returns its last lines. */
function keepLog(output: NodeJS.ReadableStream): () => string[] {
  let text = '';
  output.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-8192);
  });
  return () => stripVTControlCharacters(text).trimEnd().split('\n').slice(-LINES);
}

/** What all processes of a group use, such as a server and its workers. If one reading fails, only that one is missing. */
async function usageOfGroup(leader: number): Promise<Usage | undefined> {
  try {
    const all = Object.values(await pidusage(await membersOf(leader)));
    return {
      timestamp_s: Date.now() / 1000,
      cpu_seconds: sum(all.map(({ ctime }) => ctime)) / 1000,
      memory_bytes: sum(all.map(({ memory }) => memory)),
    };
  } catch {
    return undefined;
  }
}

async function membersOf(leader: number): Promise<number[]> {
  const { stdout } = await execa('ps', ['-A', '-o', 'pid=,pgid='], { reject: false });
  const pids = stdout.split('\n').flatMap((line) => {
    const [pid, group] = line.trim().split(/\s+/).map(Number);
    return group === leader && pid !== undefined ? pid : [];
  });
  return pids.length > 0 ? pids : [leader];
}

async function startContainer(
  comparison: Comparison,
  shell: Shell,
  server: Server,
  { args, env, files, writable, user }: ServerDefinition,
  image: string,
  { cores, memoryBytes }: Limits,
): Promise<RunningServer> {
  const interfaces = interfacesOf(comparison, server);
  const portOf = (target: Interface) => Number(interfaceOf(comparison, target).port);
  const host = await engineHost(shell);
  // The loopback interface of another machine can't be reached from here.
  const published = interfaces.flatMap((target) => ['--publish', `${host ? '' : '127.0.0.1::'}${portOf(target)}`]);
  const keyed = interfaces.map((target) => ({ key: interfaceOf(comparison, target).key, port: portOf(target) }));
  const variables = expanded({ ...portVariables(keyed), ...resolved(env) });
  const options = [
    // Programs expect a place for temporary files.
    ...[
      '--read-only',
      '--cap-drop',
      'ALL',
      ...['/tmp', ...writable].flatMap((path) => ['--tmpfs', `${path}:mode=1777`]),
    ],
    ...['--cpus', String(cores), '--memory', String(memoryBytes)],
    ...(user === undefined ? [] : ['--user', String(user)]),
    ...Object.entries(files).flatMap(([there, here]) => ['--volume', `${here}:${there}:ro`]),
    // Docker takes the values from the environment, so that no list of processes shows them.
    ...Object.keys(variables).flatMap((name) => ['--env', name]),
  ];
  const words = args.map((word) => expand(word, variables));
  // The image that was found runs, and not one for another platform, which Docker would look for in a registry.
  const dockerEnv = { ...variables, DOCKER_DEFAULT_PLATFORM: undefined };
  const run = ['run', '--detach', ...options, ...published, image, ...words];
  const id = (await shell.run('docker', run, { env: dockerEnv })).trim();
  // The run's own shell starts nothing after an interruption, but this container must still be removed.
  const { run: afterwards } = openShell(new AbortController().signal);
  const over = new AbortController();
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    await afterwards('docker', ['rm', '--force', id]);
  };
  let ending: string | undefined;
  const logs = async (lines: number) =>
    (await execa('docker', ['logs', '--tail', String(lines), id], { reject: false, all: true })).all;
  void execa('docker', ['wait', id], { reject: false, detached: true }).then(async () => {
    if (isStopped) return;
    ending = describeEnding({ ...(await endingOf(id)), message: await logs(LINES) });
    over.abort();
  });
  try {
    const addresses = new Map<Interface, string>();
    for (const target of interfaces) {
      const [address = ''] = (await shell.run('docker', ['port', id, String(portOf(target))])).split('\n');
      addresses.set(target, `http://${host ? address.trim().replace(/^.*(?=:\d+$)/, host) : address.trim()}`);
    }
    return {
      url: (target) => addresses.get(target) ?? '',
      name: `container-${id.slice(0, 12)}`,
      usage: usageOf(id),
      ending: () => ending,
      ended: over.signal,
      lastLine: async () => stripVTControlCharacters(await logs(1)).trim(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function endingOf(id: string): Promise<Ending> {
  const { stdout } = await execa('docker', ['inspect', '--format', '{{json .State}}', id], { reject: false });
  const { ExitCode: exitCode, OOMKilled: isOutOfMemory } = JSON.parse(stdout || '{}') as {
    ExitCode?: number;
    OOMKilled?: boolean;
  };
  return { exitCode: exitCode ?? 1, ...(isOutOfMemory && { reason: 'OOMKilled' }) };
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
