// Runs a client that keeps sending requests on one connection, and remembers what went wrong.

import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

export interface Client {
  /** The app id in each answer, in order. */
  readonly answers: readonly string[];
  /** All wrong answers and errors. */
  readonly failures: readonly unknown[];
  readonly stop: () => Promise<void>;
}

interface Options {
  host?: string;
  port: number;
  headers?: OutgoingHttpHeaders;
}

/** Sends a request every few milliseconds, on a connection that stays open for as long as the server keeps it. */
export function startClient({ host = '127.0.0.1', port, headers = {} }: Options): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers: string[] = [];
  const failures: unknown[] = [];
  const stopping = new AbortController();
  const done = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const outgoing = get({ host, port, path: '/?fahrenheit=212', headers, agent, timeout: 10_000 });
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
        const { celsius, appId } = JSON.parse(await text(incoming)) as { celsius: number; appId: string };
        if (celsius !== 100) failures.push(celsius);
        answers.push(appId);
      } catch (error) {
        failures.push(error);
      }
      await delay(5);
    }
    agent.destroy();
  })();
  return {
    answers,
    failures,
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

/** Runs several such clients as one, which has the answers and failures of all of them. */
export function startClients(count: number, options: Options): Client {
  const clients = Array.from({ length: count }, () => startClient(options));
  return {
    get answers() {
      return clients.flatMap(({ answers }) => answers);
    },
    get failures() {
      return clients.flatMap(({ failures }) => failures);
    },
    async stop() {
      await Promise.all(clients.map((client) => client.stop()));
    },
  };
}
