// Finds out which servers of a comparison can run on this machine, and how; and starts the bare server.

import { dirname } from 'node:path';
import getPort from 'get-port';
import { Failure } from '../../lib/failure.ts';
import type { Shell } from '../../lib/shell.ts';
import type { Image, Interface, Server } from '../../results/files.ts';
import { BARE_SERVER_CODE, replaysOf, type Recordings } from '../servers/bare-server.ts';
import { interfacesOf, isExternal, withoutUrl, type Comparison } from '../servers/comparison.ts';
import { inspect, startContainer, type Limits } from './container.ts';
import { startCommand, startProcess } from './process.ts';
import type { RunningServer } from './running-server.ts';

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
  for (const [server, { name, image, command, setup }] of comparison.servers) {
    if (isExternal(comparison, server)) continue;
    const inspected = image === undefined ? undefined : await inspect(shell, image);
    if (image !== undefined && inspected) {
      const { architecture, ...described } = inspected;
      architectures.set(image, architecture);
      servers.images.set(server, described);
      servers.starters.set(server, (limits) => startContainer(comparison, shell, server, image, limits));
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
      servers.starters.set(server, () => startCommand(comparison, server, command));
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
