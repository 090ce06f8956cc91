// Asks an address once, and prints how long its answer took and what it was: node --eval "$(cat ask-once.cjs)" URL

const { get } = require('node:http');
const { performance } = require('node:perf_hooks');
const process = require('node:process');

const start = performance.now();
get(process.argv[1], async (response) => {
  const text = (await response.setEncoding('utf8').toArray()).join('');
  const milliseconds = performance.now() - start;
  process.stdout.write(JSON.stringify({ milliseconds, status: response.statusCode, text }));
});
