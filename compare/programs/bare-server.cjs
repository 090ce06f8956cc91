// Answers every request with a constant, as fast as possible: over HTTP on PORT, and over gRPC on GRPC_PORT if that is
// set. How many requests it gets is the most that the load generator can send.

const { Buffer } = require('node:buffer');
const { createServer } = require('node:http');
const http2 = require('node:http2');
const process = require('node:process');

// All answers are right only for 98.6 °F, so the load generator sends nothing else.
const FUNCTION = '{"celsius":37,"appId":"static"}';
const TFSERVING = '{"predictions":[37.0]}';
// TensorFlow Serving's PredictResponse: its output `celsius` has one value.
const PREDICT_RESPONSE = Buffer.from(
  'ChkKB2NlbHNpdXMSDggBEgQSAggBKgQAABRCEiwKFWZhaHJlbmhlaXRfdG9fY2Vsc2l1cxICCAEaD3NlcnZpbmdfZGVmYXVsdA==',
  'base64',
);

createServer((request, response) => {
  request.resume();
  const body = request.url.startsWith('/v1/') ? TFSERVING : FUNCTION;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}).listen(process.env.PORT);

if (process.env.GRPC_PORT) {
  // gRPC writes before each message a byte, 0 if it is not compressed, and its length.
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(PREDICT_RESPONSE.length, 1);
  const body = Buffer.concat([prefix, PREDICT_RESPONSE]);
  http2
    .createServer()
    .on('stream', (stream) => {
      stream.resume();
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(body);
    })
    .listen(process.env.GRPC_PORT);
}
// Without a handler, the first process of a container ignores SIGTERM.
process.on('SIGTERM', () => process.exit());
