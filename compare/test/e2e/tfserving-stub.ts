// A stub in place of TensorFlow Serving, for tests without its image: it converts what it is asked, over gRPC only a single
// temperature, and knows nothing else. Figures that are measured against it mean nothing.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

/** An answer over gRPC up to its value: 0 for not compressed, a length of 27 bytes, and a PredictResponse. */
const PREDICT_RESPONSE = Buffer.from('000000001b0a190a0763656c73697573120e08011204120208012a04', 'hex');

/** @returns its URLs on the loopback interface, and what ends it */
export async function startStub(): Promise<{ url: string; grpcUrl: string; stop: () => void }> {
  const rest = createServer((request, response) => {
    void text(request).then((body) => {
      const { instances } = JSON.parse(body || '{"instances":[]}') as { instances: number[] };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ predictions: instances.map(toCelsius) }));
    });
  });
  const sessions = new Set<ServerHttp2Session>();
  const grpc = createHttp2Server();
  grpc.on('session', (session) => sessions.add(session.on('close', () => sessions.delete(session))));
  grpc.on('stream', (stream: ServerHttp2Stream) => {
    void buffer(stream).then((body) => {
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': '0' });
      });
      // The value is the last field of a PredictRequest.
      const celsius = toCelsius(body.readFloatLE(body.length - 4));
      stream.end(Buffer.concat([PREDICT_RESPONSE, Buffer.from(new Float32Array([celsius]).buffer)]));
    });
  });
  return {
    url: await listen(rest),
    grpcUrl: await listen(grpc),
    stop: () => {
      rest.close().closeAllConnections();
      grpc.close();
      for (const session of sessions) session.destroy();
    },
  };
}

const toCelsius = (fahrenheit: number) => ((fahrenheit - 32) * 5) / 9;

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
