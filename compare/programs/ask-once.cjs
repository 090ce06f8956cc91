// Asks an address once, and prints how long its answer took and what it was: node --eval "$(cat ask-once.cjs)" URL REQUEST.
// The request is JSON, with a method, headers and a body.

const { request } = require('node:http');
const { performance } = require('node:perf_hooks');
const process = require('node:process');

const start = performance.now();
const { method, headers, body } = JSON.parse(process.argv[2]);
const asked = request(process.argv[1], { method, headers }, async (response) => {
  const text = (await response.setEncoding('utf8').toArray()).join('');
  const milliseconds = performance.now() - start;
  process.stdout.write(JSON.stringify({ milliseconds, status: response.statusCode, text }));
});
asked.end(body ?? undefined);
