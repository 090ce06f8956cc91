// Preloaded into each server: tells its CPU time and memory when asked.

const process = require('node:process');

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() });
});
process.channel.unref();
