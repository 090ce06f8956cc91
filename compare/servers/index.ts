// Lists the servers and their interfaces. A new one is a file of its own, a line here, and its keys in results/files.ts.

import { join } from 'node:path';
import { INTERFACE_NAMES, SERVER_NAMES, type Interface, type Server } from '../../results/files.ts';
import type { Settings } from '../settings.ts';
import { functionInterfaces, functionServer } from './function.ts';
import type { HttpQuestion, InterfaceDefinition, ServerDefinition } from './server.ts';
import { tfservingInterfaces, tfservingServer } from './tfserving.ts';

export const SERVERS: Readonly<Record<Server, ServerDefinition>> = {
  function: functionServer,
  tfserving: tfservingServer,
};
export const INTERFACES: Readonly<Record<Interface, InterfaceDefinition>> = {
  ...functionInterfaces,
  ...tfservingInterfaces,
};

/** The program of the bare server, which answers the questions of all interfaces with constants. */
export const BARE_SERVER_CODE = join(import.meta.dirname, '../programs/bare-server.cjs');
/** The ports of the bare server. */
export const BARE_SERVER_PORTS: Readonly<Record<InterfaceDefinition['protocol'], number>> = { http: 8080, grpc: 8500 };

export function interfacesOf(server: Server): Interface[] {
  return INTERFACE_NAMES.filter((target) => INTERFACES[target].server === server);
}

/** Whether a server runs elsewhere: it does if the URL of one of its interfaces is given. */
export function isExternal(server: Server, urls: Settings['urls']): boolean {
  return interfacesOf(server).some((target) => urls[target] !== undefined);
}

/** Returns a sentence for each interface of an external server whose own URL is not given. */
export function withoutUrl(urls: Settings['urls']): string[] {
  return SERVER_NAMES.filter((server) => isExternal(server, urls))
    .flatMap(interfacesOf)
    .filter((target) => !urls[target])
    .map((target) => `${INTERFACES[target].name}: its server runs elsewhere; give --${target}-url.`);
}

/**
 * Whether a question by HTTP gets the right answer now. A refused connection, a 503 or a wrong number all mean no.
 * @param ask sends it
 * @throws the reason of the signal if it is aborted
 */
export async function answers(
  { path, options, isAnswer }: HttpQuestion,
  signal: AbortSignal,
  ask: (path: string, options: HttpQuestion['options'] & { signal: AbortSignal }) => Promise<Response>,
): Promise<boolean> {
  try {
    const response = await ask(path, { ...options, signal });
    return response.ok && isAnswer(await response.json());
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
