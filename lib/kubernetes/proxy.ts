// Starts `kubectl proxy`, which signs in to the API server of a cluster.

import { request as send } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { Failure } from '../failure.ts';
import type { Connection } from './connection.ts';

/** What a request has beside its path; by default it is a GET that ends with the run. */
export interface Request {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  signal?: AbortSignal;
}

/** Where a server listens: on a Unix socket, or on a port of this machine. */
type Address = { socketPath: string } | { host: string; port: string };
interface Proxy {
  address: Address;
  kill: () => void;
}

/**
 * Starts `kubectl proxy` on a Unix socket in a folder that only the caller may open: whoever reaches the proxy has the
 * caller's rights. Windows has no such sockets for Node, and some file systems have none at all.
 */
export async function openProxy(
  connection: Connection,
  signal: AbortSignal,
  say: (sentence: string) => void,
): Promise<Proxy> {
  const socketPath = join(connection.folder, 'api.sock');
  if (process.platform !== 'win32') {
    try {
      return await startProxy(connection, signal, `--unix-socket=${socketPath}`, () => ({ socketPath }));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure)) throw error;
    }
  }
  const proxy = await startProxy(connection, signal, '--port=0', (line) => {
    const { hostname: host, port } = new URL(line.replace(/^Starting to serve on /, 'http://'));
    return { host, port };
  });
  say(
    'kubectl proxy has no Unix socket here: until this ends, every user of this machine has your rights in the cluster.',
  );
  return proxy;
}

/** @param addressOf reads the address from the first line that it prints */
async function startProxy(
  { options, env }: Connection,
  signal: AbortSignal,
  listens: string,
  addressOf: (line: string) => Address,
): Promise<Proxy> {
  const args = ['proxy', ...options, listens];
  const proxy = execa('kubectl', args, { detached: true, reject: false, cancelSignal: signal, env });
  const kill = () => void proxy.kill();
  process.once('exit', kill);
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(proxy.stdout).once('line', resolve);
    void proxy.then(({ code, stderr }) => {
      const why = code === 'ENOENT' ? 'kubectl is not installed, or not on the path.' : 'kubectl proxy does not start.';
      reject(new Failure(why, stderr));
    });
  });
  return { address: addressOf(line), kill };
}

/** Node's fetch knows no Unix sockets. */
export function ask(address: Address, path: string, { body, ...options }: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = send({ ...address, path, ...options }, (answer) => {
      const { statusCode: status = 500, headers } = answer;
      const content = [204, 304].includes(status) ? null : (Readable.toWeb(answer) as ReadableStream);
      resolve(new Response(content, { status, headers: headers as Record<string, string> }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
