// Starts servers of a file as processes on this machine.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openShell } from '../../lib/shell.ts';
import type { RunningServer } from '../local/running-server.ts';
import { findServers, startBareServer } from '../local/servers.ts';
import type { Recorded } from '../servers/bare-server.ts';
import { readServersFile } from '../servers/file.ts';

const LIMITS = { cores: 1, memoryBytes: 2 ** 29 };
const shell = openShell(new AbortController().signal);

let folder: string;
const running: Pick<RunningServer, 'stop'>[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-local-'));
  writeFileSync(join(folder, 'cases.csv'), 'a\n1\n');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Starts the only server of a file, which runs a program in Node. */
async function start(program: string, members = '', command = process.execPath): Promise<RunningServer> {
  writeFileSync(join(folder, 'server.cjs'), program);
  const form = '{ ask: { method: GET, path: /, json: null }, answer: { is: a } }';
  const file = join(folder, 'servers.yaml');
  writeFileSync(
    file,
    `title: It
cases: { file: cases.csv, columns: { a: number } }
servers:
  it:
    command: [${command}, server.cjs, $(PORT), $(ADMIN_V2_PORT)]
    interfaces: { http: ${form}, admin-v2: ${form} }
${members}`,
  );
  const comparison = readServersFile(file);
  const { starters } = await findServers(comparison, shell, () => undefined);
  const server = await starters.get('it')!(LIMITS);
  running.push(server);
  return server;
}

const SAYS = `require('node:http').createServer((request, response) => response.end(JSON.stringify(
  { arguments: process.argv.slice(2), port: process.env.PORT, other: process.env.ADMIN_V2_PORT, key: process.env.KEY }
))).listen(process.env.PORT);`;

/** What a server answers, once it listens. */
function answer(server: RunningServer): Promise<Record<string, unknown>> {
  return vi.waitFor(async () => (await (await fetch(server.url('it'))).json()) as Record<string, unknown>, 10_000);
}

test('a server finds its ports and its secrets in its environment, and the ports in its command', async () => {
  vi.stubEnv('PRICE_KEY', 'not for everybody');
  const server = await start(SAYS, '    env: { KEY: { fromEnv: PRICE_KEY } }\n');
  const [port, other] = ['it', 'it-admin-v2'].map((target) => new URL(server.url(target)).port);
  expect(port).not.toBe(other);
  expect(await answer(server)).toEqual({ arguments: [port, other], port, other, key: 'not for everybody' });
});

test('a server that ends says how, and what it said last', async () => {
  const server = await start(`console.log('starting'); console.error('no model'); process.exit(7);`);
  await vi.waitFor(() => expect(server.ended.aborted).toBe(true), 10_000);
  expect(server.ending()).toBe('ended with exit code 7: starting\nno model');
});

test('a program that is not there is named', async () => {
  const server = await start('', '', './nowhere');
  await vi.waitFor(() => expect(server.ending()).toBe('does not start: ENOENT'), 10_000);
});

test('processes that a server has started end with it', async () => {
  const server = await start(
    `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    require('node:http').createServer((request, response) => response.end(JSON.stringify({ pid: child.pid })))
      .listen(process.env.PORT);`,
  );
  const { pid } = await answer(server);
  await server.stop();
  await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH'), 10_000);
});

test('the bare server replays status, headers and body at a port of each target', async () => {
  const of = (body: string, status = 200): Recorded => ({
    case: 0,
    asked: '',
    wrong: null,
    answer: {
      status,
      headers: [
        ['x-mine', body],
        ['transfer-encoding', 'chunked'],
      ],
      body: Buffer.from(body).toString('base64'),
    },
  });
  const server = await startBareServer(
    shell,
    new Map([
      ['a', of('one')],
      ['b', of('two', 203)],
    ]),
  );
  running.push(server);
  const answers = await Promise.all(['a', 'b'].map((target) => fetch(server.url(target))));
  expect(answers.map(({ status, headers }) => [status, headers.get('x-mine'), headers.get('content-length')])).toEqual([
    [200, 'one', '3'],
    [203, 'two', '3'],
  ]);
});
