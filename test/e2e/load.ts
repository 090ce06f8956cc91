// Loads one address with closed-loop clients, for at most three minutes. Each connection ends after 100 requests: a
// Service balances connections, so connections that stay open would never reach new replicas.

import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

interface Question {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

const { url, method, headers, body } = JSON.parse(process.argv[2]!) as Question;
const end = Date.now() + 180_000;

function ask(agent: Agent): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers: { 'content-type': 'application/json', ...headers }, agent }, (answer) =>
      resolve(buffer(answer)),
    )
      .on('error', reject)
      .end(body);
  });
}

async function client(): Promise<void> {
  while (Date.now() < end) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    // A replica that goes may reset a connection.
    for (let count = 0; count < 100; count += 1) await ask(agent).catch(() => undefined);
    agent.destroy();
  }
}

await Promise.all(Array.from({ length: 20 }, client));
