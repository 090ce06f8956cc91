// A stub in place of TensorFlow Serving, for tests without its image: over REST, it converts what it is asked, and knows
// nothing else. Figures that are measured against it mean nothing.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** @returns its URL on the loopback interface, and what ends it */
export async function startStub(): Promise<{ url: string; stop: () => void }> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { instances } = JSON.parse(body || '{"instances":[]}') as { instances: number[] };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ predictions: instances.map((fahrenheit) => ((fahrenheit - 32) * 5) / 9) }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => server.close().closeAllConnections(),
  };
}
