// The plainest handler on node:http alone.

const { Buffer } = require('node:buffer');
const { randomUUID } = require('node:crypto');
const { createServer } = require('node:http');
const { env } = require('node:process');
const { URLSearchParams } = require('node:url');
const toCelsius = require('./to-celsius.cjs');

const appId = randomUUID();

createServer((req, res) => {
  if (req.method === 'POST') {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => answer(res, JSON.parse(Buffer.concat(chunks)).fahrenheit));
  } else {
    const query = new URLSearchParams(req.url.slice(req.url.indexOf('?')));
    answer(res, Number(query.get('fahrenheit')));
  }
}).listen(env.PORT);

function answer(res, fahrenheit) {
  const body = JSON.stringify({ celsius: toCelsius(fahrenheit), appId });
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  res.end(body);
}
