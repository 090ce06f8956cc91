// Servers on this machine: the function as a process, TensorFlow Serving as a Docker container, and a bare one.

import { join } from 'node:path';
import { execa } from 'execa';
import getPort from 'get-port';
import type { Environment, Target } from '../../results/files.ts';
import { ROOT, VERSION } from './environment.ts';
import type { Options } from './options.ts';
import { CompareError } from './place.ts';
import { openShell, type Shell } from './shell.ts';
import { STATIC_SERVER_CODE } from './static-server.ts';

export interface Server {
  url: string;
  /** Of the process on this machine that serves. */
  pid: number;
  /** What it said at its end; undefined while it runs. */
  whyEnded: () => string | undefined;
  /** Returns when it has ended; can be called more than once. */
  stop: () => Promise<void>;
}

interface Servers {
  /** Of the targets that can run here. */
  starters: Partial<Record<Target, () => Promise<Server>>>;
  images: Partial<Record<Target, Environment['images'][string]>>;
  leftOut: string[];
}

/** What of the targets can run here, beside those that run elsewhere already. */
export async function findServers(options: Options, shell: Shell, say: (sentence: string) => void): Promise<Servers> {
  const servers: Servers = { starters: {}, images: {}, leftOut: [] };
  if (!options.urls.function) {
    say('The function is bundled.');
    await shell.run('npm', ['--prefix', ROOT, 'run', '--silent', 'build']);
    servers.starters.function = () => startFunction();
  }
  if (!options.urls.tfserving) {
    const reference = process.env.TFSERVING_IMAGE ?? `f2c-tfserving:${VERSION}`;
    const image = await inspect(shell, reference);
    if (image) {
      servers.images.tfserving = image;
      servers.starters.tfserving = () => startContainer(shell, reference);
    } else {
      servers.leftOut.push(
        `TensorFlow Serving: Docker is not there, or has no image ${reference}, and no --tfserving-url was given. ` +
          `\`docker build --file tfserving/Dockerfile --tag ${reference} .\` makes the image.`,
      );
    }
  }
  return servers;
}

/** A server that does nothing but answer. */
export async function startStaticServer(shell: Shell): Promise<Server> {
  const port = await getPort();
  const server = startProcess(process.execPath, [STATIC_SERVER_CODE], port);
  await shell.until('the bare server listens', 20, async () => {
    const response = await fetch(server.url, { signal: shell.signal }).catch(() => undefined);
    return response?.ok === true || undefined;
  });
  return server;
}

async function startFunction(): Promise<Server> {
  return startProcess(process.execPath, [join(ROOT, 'function/dist/main.cjs')], await getPort());
}

function startProcess(program: string, args: string[], port: number): Server {
  // In a group of its own: Ctrl-C in the terminal reaches this process only, which ends the others in order.
  const child = execa(program, args, {
    env: { PORT: String(port), DRAIN_DELAY_SECONDS: '0' },
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
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    whyEnded: () => why,
    async stop() {
      process.off('exit', kill);
      child.kill();
      await ended;
    },
  };
}

async function startContainer(shell: Shell, image: string): Promise<Server> {
  const rights = ['--read-only', '--cap-drop', 'ALL'];
  const id = (await shell.run('docker', ['run', '--detach', ...rights, '--publish', '127.0.0.1::8501', image])).trim();
  const of = (format: string) => shell.run('docker', ['inspect', '--format', format, id]);
  // A run that is interrupted runs nothing any more, but has to end this.
  const { run } = openShell(new AbortController().signal);
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    await run('docker', ['rm', '--force', id]);
  };
  try {
    const address = (await shell.run('docker', ['port', id, '8501'])).split('\n')[0] ?? '';
    return {
      url: `http://${address.trim()}`,
      pid: Number(await of('{{.State.Pid}}')),
      whyEnded: () => undefined,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function inspect(shell: Shell, reference: string): Promise<Environment['images'][string] | undefined> {
  try {
    const [image] = JSON.parse(await shell.run('docker', ['image', 'inspect', reference])) as {
      Id: string;
      Size: number;
    }[];
    return image && { reference, id: image.Id, sizeBytes: image.Size };
  } catch (error) {
    if (error instanceof CompareError) return undefined;
    throw error;
  }
}
