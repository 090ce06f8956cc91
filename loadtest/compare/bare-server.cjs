// Answers every request with a constant, as fast as possible. How many requests it gets is the most that the load
// generator can send.

const { createServer } = require('node:http');
const process = require('node:process');

// Both answers are right only for 98.6 °F, so the load generator sends nothing else.
const FUNCTION = '{"celsius":37,"appId":"static"}';
const TFSERVING = '{"predictions":[37.0]}';

createServer((request, response) => {
  request.resume();
  const body = request.url.startsWith('/v1/') ? TFSERVING : FUNCTION;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}).listen(process.env.PORT);
// Without a handler, the first process of a container ignores SIGTERM.
process.on('SIGTERM', () => process.exit());
