// Replays answers, as fast as possible: each of REPLAYS, a list in JSON, at a port of its own, over HTTP or gRPC. How many
// requests it gets is the most that the load generator can send.

const { Buffer } = require('node:buffer');
const { createServer } = require('node:http');
const http2 = require('node:http2');
const process = require('node:process');

/** Headers that belong to a connection, to how a body was sent, or to a time. Node makes its own. */
const OWN = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date'];

for (const replay of JSON.parse(process.env.REPLAYS)) (replay.message === undefined ? overHttp : overGrpc)(replay);

function overHttp({ port, status, headers, body: base64 }) {
  const body = Buffer.from(base64, 'base64');
  const kept = headers.filter(([name]) => !OWN.includes(name.toLowerCase()));
  const head = [...kept, ['content-length', String(body.length)]].flat();
  createServer((request, response) => {
    request.resume();
    response.writeHead(status, head).end(body);
  }).listen(port);
}

function overGrpc({ port, message: base64 }) {
  const message = Buffer.from(base64, 'base64');
  // gRPC writes before each message a byte, 0 if it is not compressed, and its length.
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const body = Buffer.concat([prefix, message]);
  http2
    .createServer()
    .on('stream', (stream) => {
      stream.resume();
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(body);
    })
    .listen(port);
}

// Without a handler, the first process of a container ignores SIGTERM.
process.on('SIGTERM', () => process.exit());
