// Runs the image with the restrictions that it has in a cluster. It needs Docker. The environment variable
// FUNCTION_IMAGE selects another image.

import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ask, eventually } from '../service.ts';
import { configOf, docker, remove, startContainer, type Container } from './docker.ts';

const IMAGE = process.env.FUNCTION_IMAGE ?? 'f2c-function';

async function start(options: string[] = [], port = 8080): Promise<Container> {
  const container = startContainer(IMAGE, port, ['--memory', '128m', ...options]);
  onTestFinished(() => void remove(container));
  await eventually(async () => {
    expect((await ask(container, { path: '/readyz' })).status).toBe(200);
  });
  return container;
}

async function appIdOf(container: Container): Promise<string> {
  const { text } = await ask(container, { path: '/?fahrenheit=212' });
  return (JSON.parse(text) as { appId: string }).appId;
}

test('containers of one image have app ids of their own', async () => {
  const ids = [await appIdOf(await start()), await appIdOf(await start())];
  expect(new Set(ids).size).toBe(2);
});

test.each(['functions-framework', 'node'])(
  '128 MB survive bodies of 400 MB: %s',
  async (runtime) => {
    const container = await start(['--env', `FUNCTION_RUNTIME=${runtime}`]);
    const appId = await appIdOf(container);
    const answers = await Promise.all(Array.from({ length: 4 }, () => sendBody(container, 400 * 2 ** 20)));
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 413 Payload Too Large\r\n/);
    expect(await appIdOf(container)).toBe(appId);
  },
  60_000,
);

/** Sends a body, even after the answer, until the server closes the connection. */
async function sendBody({ port }: Container, length: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => (answer += String(bytes)));
  socket.on('error', () => undefined); // the server gave up listening
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`);
  const megabyte = Buffer.alloc(2 ** 20, '9');
  const event = (name: string) => new Promise((resolve) => socket.once(name, resolve));
  const closed = event('close');
  for (let sent = 0; sent < length && !socket.destroyed; sent += megabyte.length) {
    if (!socket.write(megabyte)) await Promise.race([event('drain'), closed]);
  }
  socket.destroy();
  return answer;
}

test('10 000 values at a time fit into 128 MB', async () => {
  const container = await start();
  const body = JSON.stringify({ fahrenheit: Array<number>(10_000).fill(-123.45678901234567) });
  const headers = { 'content-type': 'application/json' };
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => ask(container, { method: 'POST', headers, body })),
    );
    for (const { status } of answers) expect(status).toBe(200);
  }
  expect(docker('inspect', '--format', '{{.State.OOMKilled}}', container.id)).toBe('false');
});

test('it listens on PORT', async () => {
  expect((await ask(await start(['--env', 'PORT=9000'], 9000), { path: '/healthz' })).status).toBe(200);
});

test('it runs as any user', async () => {
  expect((await ask(await start(['--user', '12345:12345']), { path: '/?fahrenheit=32' })).status).toBe(200);
});

test('SIGTERM stops it, with exit code 0', async () => {
  const { id } = await start(['--env', 'DRAIN_DELAY_SECONDS=0']);
  docker('kill', '--signal', 'TERM', id);
  expect(docker('wait', id)).toBe('0');
  expect(docker('logs', id).split('\n').at(-1)).toContain('"msg":"stopped"');
});

test('a bad setting ends it with exit code 1', () => {
  const { status, stderr } = spawnSync('docker', ['run', '--rm', '--env', 'PORT=x', IMAGE], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: 'f2c-function: PORT is "x"; accepted is a whole number from 0 to 65535.\n',
  });
});

test('it uses its compile cache', async () => {
  const { id } = await start(['--env', 'NODE_DEBUG_NATIVE=COMPILE_CACHE']);
  const { stderr } = spawnSync('docker', ['logs', id], { encoding: 'utf8' });
  expect(stderr).toContain('code cache for CommonJS /function/dist/main.cjs was accepted');
});

test('it has labels, a user that is not root, and no shell', () => {
  const config = configOf(IMAGE);
  expect(config.User).toBe('65532:65532');
  expect(config.Labels).toMatchObject({
    'org.opencontainers.image.title': 'f2c-function',
    'org.opencontainers.image.licenses': 'Apache-2.0',
  });
  expect(spawnSync('docker', ['run', '--rm', '--entrypoint', '/bin/sh', IMAGE, '-c', 'true']).status).toBe(127);
});
