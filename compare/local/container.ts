// Runs a server as a Docker container with limits.

import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { describeEnding, type Ending } from '../../lib/exit-reason.ts';
import { Failure } from '../../lib/failure.ts';
import { openShell, type Shell } from '../../lib/shell.ts';
import type { Image, Interface, Server } from '../../results/files.ts';
import { interfaceOf, interfacesOf, serverOf, type Comparison } from '../servers/comparison.ts';
import { engineHost, usageOf } from './engine.ts';
import { LINES, type RunningServer } from './running-server.ts';
import { expand, variablesOf } from './variables.ts';

/** What a container may use. */
export interface Limits {
  cores: number;
  memoryBytes: number;
}

/** Starts the image of a server, whose ports Docker publishes. */
export async function startContainer(
  comparison: Comparison,
  shell: Shell,
  server: Server,
  image: string,
  { cores, memoryBytes }: Limits,
): Promise<RunningServer> {
  const { args, files, writable, user } = serverOf(comparison, server);
  const interfaces = interfacesOf(comparison, server);
  const portOf = (target: Interface) => Number(interfaceOf(comparison, target).port);
  const host = await engineHost(shell);
  // The loopback interface of another machine can't be reached from here.
  const published = interfaces.flatMap((target) => ['--publish', `${host ? '' : '127.0.0.1::'}${portOf(target)}`]);
  const variables = variablesOf(comparison, server, portOf);
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

/** Describes an image; undefined if Docker is not there, or has no such image. */
export async function inspect(
  shell: Shell,
  reference: string,
): Promise<(Image & { architecture: string }) | undefined> {
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
