// Runs images as a cluster runs them. Needs Docker.

import { execFileSync } from 'node:child_process';

export interface Container {
  id: string;
  port: number;
}

const HARDENED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

/** Runs docker, and returns what it printed. */
export const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** Starts a container; a port of this machine leads to its own. The options are Docker's, the arguments the image's. */
export function startContainer(image: string, port: number, options: string[], args: string[] = []): Container {
  const id = docker('run', '--detach', ...HARDENED, '--publish', `127.0.0.1::${port}`, ...options, image, ...args);
  return { id, port: Number(docker('port', id, String(port)).split(':').at(-1)) };
}

/** Removes a container, running or not. */
export const remove = ({ id }: Container) => docker('rm', '--force', id);

/** What an image says of itself. */
export function configOf(image: string) {
  const [{ Config: config }] = JSON.parse(docker('image', 'inspect', image)) as [
    { Config: { User: string; Labels: Record<string, string>; Entrypoint: string[] } },
  ];
  return config;
}
