// Starts the function in each way that it runs, and sends requests to it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
} from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { onTestFinished, vi } from 'vitest';
import { frameworkPipeline } from '../src/framework.ts';
import { fahrenheitToCelsius } from '../src/function.ts';
import { createFunctionServer } from '../src/server.ts';
import { settings, type Settings } from '../src/settings.ts';

export interface Service {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

export type Runtime = Settings['FUNCTION_RUNTIME'];
export const RUNTIMES: readonly Runtime[] = ['functions-framework', 'node'];

/** Runs the sources in this process. */
export async function startHere(runtime: Runtime, changed: Partial<Settings> = {}): Promise<Service> {
  const pipeline: RequestListener = runtime === 'node' ? fahrenheitToCelsius : frameworkPipeline();
  const { server } = createFunctionServer(pipeline, { ...settings, ...changed });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export interface LogRecord {
  msg: string;
  port?: number;
  appId?: string;
}

/** The function in a process of its own, which has logged that it is ready. */
export interface ServiceProcess extends Service {
  readonly process: ChildProcess;
  readonly log: readonly LogRecord[];
  readonly exitCode: Promise<number | null>;
}

export const BUNDLE = 'function/dist/main.cjs';
export const SOURCE = 'function/src/main.ts';

export function startProcess(file: string, env: Record<string, string> = {}): Promise<ServiceProcess> {
  return startCommand('node', [file], env);
}

/** @param detached whether the command gets a process group of its own */
export async function startCommand(
  command: string,
  args: string[],
  env: Record<string, string>,
  { detached = false } = {},
): Promise<ServiceProcess> {
  const child = spawn(command, args, {
    detached,
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exitCode = once(child, 'exit').then(([code]) => code as number | null);
  const log: LogRecord[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const record = JSON.parse(line) as LogRecord;
      log.push(record);
      if (record.msg === 'ready') resolve(record.port!);
    });
    void exitCode.then((code) => reject(new Error(`ended with exit code ${String(code)} before it was ready`)));
  });
  return {
    port,
    process: child,
    log,
    exitCode,
    stop: async () => {
      child.kill('SIGKILL');
      await exitCode;
    },
  };
}

/** Runs the bundle until the test ends. */
export async function startForTest(env: Record<string, string> = {}): Promise<ServiceProcess> {
  const service = await startProcess(BUNDLE, env);
  onTestFinished(service.stop);
  return service;
}

export interface Question {
  method?: string;
  path?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Sends one request on a connection of its own. */
export async function ask(
  { host = '127.0.0.1', port }: { host?: string; port: number },
  question: Question = {},
): Promise<Answer> {
  const { method = 'GET', path = '/', body } = question;
  const headers = { ...question.headers };
  // Node sends the body of a GET without a length, unless this header is set.
  if (body !== undefined && !headers['transfer-encoding']) headers['content-length'] = Buffer.byteLength(body);
  const outgoing = request({ host, port, method, path, headers, agent: false });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: incoming.statusCode!, headers: incoming.headers, text: await text(incoming) };
}

/** Sends bytes unchanged, and returns everything that the server sends until it closes the connection. */
export async function askRaw({ port }: { port: number }, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

/** Repeats a check until it holds. */
export function eventually<Result>(check: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(check, { timeout: 15_000, interval: 20 });
}
