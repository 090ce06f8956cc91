// Stands in for `kubectl proxy`: answers each request with what the fake kubectl prints for `get --raw` of its path.

import { execFile } from 'node:child_process';
import { createServer } from 'node:http';

const STATUS_BY_REASON: [reason: string, status: number][] = [
  ['(NotFound)', 404],
  ['(Forbidden)', 403],
  ['(ServiceUnavailable)', 503],
];

const [, , , ...options] = process.argv;
const socket = options.find((option) => option.startsWith('--unix-socket='))?.replace('--unix-socket=', '');
const choice = options.filter((option) => !option.startsWith('--unix-socket='));
createServer((request, response) => {
  execFile('kubectl', [...choice, 'get', '--raw', request.url ?? ''], (error, stdout, stderr) => {
    const status = error ? (STATUS_BY_REASON.find(([reason]) => stderr.includes(reason))?.[1] ?? 502) : 200;
    response.writeHead(status).end(error ? stderr : stdout);
  });
}).listen(socket, () => console.log(`Starting to serve on ${socket ?? ''}`));
process.on('SIGTERM', () => process.exit());
