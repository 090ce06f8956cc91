// Runs images in Docker with the restrictions that they have in a cluster.

import { execFileSync } from 'node:child_process';

export interface Container {
  id: string;
  port: number;
}

const HARDENED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

/** Runs docker, and returns what it printed. */
export const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** Starts a container, and publishes its port on this machine. Docker gets the options, the image the arguments. */
export function startContainer(image: string, port: number, options: string[], args: string[] = []): Container {
  const id = docker('run', '--detach', ...HARDENED, '--publish', `127.0.0.1::${port}`, ...options, image, ...args);
  return { id, port: Number(docker('port', id, String(port)).split(':').at(-1)) };
}

/** Removes a container, even if it runs. */
export const remove = ({ id }: Container) => docker('rm', '--force', id);

/** Returns the configuration in an image, such as its user and labels. */
export function configOf(image: string) {
  const [{ Config: config }] = JSON.parse(docker('image', 'inspect', image)) as [
    { Config: { User: string; Labels: Record<string, string>; Entrypoint: string[] } },
  ];
  return config;
}
