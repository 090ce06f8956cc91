// A server that does nothing but answer: what is sent to it is the most that the load generator can send.

const { createServer } = require('node:http');
const process = require('node:process');

// Both are right for 98.6 °F only, which is all that is asked.
const FUNCTION = '{"celsius":37,"appId":"static"}';
const TFSERVING = '{"predictions":[37.0]}';

createServer((request, response) => {
  request.resume();
  const body = request.url.startsWith('/v1/') ? TFSERVING : FUNCTION;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}).listen(process.env.PORT);
// Without it, the first process of a container would not end at SIGTERM.
process.on('SIGTERM', () => process.exit());
