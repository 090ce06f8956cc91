// Doubles numbers, and answers in an odd way, which KIND names.

const { createServer } = require('node:http');
const { env, stdout } = require('node:process');
const { gzipSync } = require('node:zlib');

const ANSWERS = {
  redirect: (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  html: (_, response) => response.end('<html><body>Welcome</body></html>'),
  nan: (_, response) => response.end('{"double": NaN}'),
  text: (double, response) => response.end(JSON.stringify({ double: String(double) })),
  missing: (_, response) => response.end('{}'),
  loading: (_, response) => {
    stdout.write('Loading the model\n');
    response.writeHead(503).end();
  },
  gzip: (double, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(JSON.stringify({ double })));
  },
  chunked: (double, response) => {
    response.write('{"double":');
    response.end(`${double}}`);
  },
  closing: (double, response) => {
    response.writeHead(200, { connection: 'close' });
    response.end(JSON.stringify({ double }));
  },
};

createServer((request, response) => {
  ANSWERS[env.KIND](2 * Number(request.url.slice(1)), response);
}).listen(env.PORT);
