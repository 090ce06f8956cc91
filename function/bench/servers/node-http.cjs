// The plainest handler on node:http alone.

const { randomUUID } = require('node:crypto');
const { createServer } = require('node:http');
const { env } = require('node:process');
const { URLSearchParams } = require('node:url');

const appId = randomUUID();

createServer((req, res) => {
  const query = new URLSearchParams(req.url.slice(req.url.indexOf('?')));
  const body = JSON.stringify({ celsius: ((Number(query.get('fahrenheit')) - 32) * 5) / 9, appId });
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  res.end(body);
}).listen(env.PORT);
