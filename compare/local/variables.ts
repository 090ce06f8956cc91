// The environment of a server on this machine, with the rules of Kubernetes.

import { interfaceOf, interfacesOf, serverOf, type Comparison } from '../servers/comparison.ts';
import { portVariables } from '../servers/ports.ts';
import type { Interface, Server } from '../../results/files.ts';

/** Returns the variables of a server: its ports, and what the servers file says, with secrets of this environment. */
export function variablesOf(
  comparison: Comparison,
  server: Server,
  portOf: (target: Interface) => number,
): Record<string, string> {
  const ports = interfacesOf(comparison, server).map((target) => ({
    key: interfaceOf(comparison, target).key,
    port: portOf(target),
  }));
  const all: Record<string, string> = portVariables(ports);
  for (const [name, value] of Object.entries(serverOf(comparison, server).env))
    all[name] = typeof value === 'string' ? expand(value, all) : (process.env[value.fromEnv] ?? '');
  return all;
}

/** Puts variables in the places of `$(NAME)`, and `$` in those of `$$`. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\((\w+)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (variables[name] ?? whole),
  );
}
