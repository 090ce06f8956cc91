// Reports the CPU time and memory of a server on request. The benchmark preloads it into each server.

const process = require('node:process');

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() });
});
process.channel.unref();
