// The programs that `npm run cluster` uses, and where they come from.

import { Failure } from '../lib/failure.ts';
import type { Shell } from '../lib/shell.ts';
import { list } from './images.ts';

/** For each program, arguments with which it runs only if it works, and the page that tells how to install it. */
const PROGRAMS = {
  // Asked about the server, the client fails where it reaches no engine, or is another program that bears its name.
  docker: [['version', '--format', '{{.Server.Arch}}'], 'https://docs.docker.com/get-started/get-docker/'],
  kind: [['version'], 'https://kind.sigs.k8s.io/docs/user/quick-start/#installation'],
  minikube: [['version'], 'https://minikube.sigs.k8s.io/docs/start/'],
  kubectl: [['version', '--client'], 'https://kubernetes.io/docs/tasks/tools/'],
  // `npm run compare` installs the charts with it.
  helm: [['version'], 'https://helm.sh/docs/intro/install/'],
} as const;
export type Program = keyof typeof PROGRAMS;

/** For each program that does not work here, what is wrong and what to do. */
export type Missing = Map<Program, string>;

export async function findMissing(shell: Shell, programs: readonly Program[]): Promise<Missing> {
  const missing: Missing = new Map();
  for (const program of programs) {
    const [args, page] = PROGRAMS[program];
    try {
      await shell.run(program, args);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const isOther = error.details.includes("can't evaluate field");
      const other = isOther && `Another program has the name ${program} here, such as podman, which is not supported.`;
      missing.set(program, [error.message, error.details, `See ${page}`, other].filter(Boolean).join('\n'));
    }
  }
  return missing;
}

/** @throws Failure that lists everything that is missing, if anything is */
export function throwIfMissing(missing: Missing): void {
  if (missing.size === 0) return;
  throw new Failure(
    `Nothing was started, because this is missing or does not work: ${list(missing.keys())}.`,
    [...missing.values()].join('\n\n'),
  );
}
