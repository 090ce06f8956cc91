// Tests how the server around the function treats clients that send too much, too slowly, or for too long.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Settings } from '../src/settings.ts';
import { isProblem } from './contract.ts';
import { ask, askRaw, RUNTIMES, type Service, startForTest, startHere } from './service.ts';

const HEAD = /^The head is too large; accepted are less than 16384 bytes\.$/;

describe.each(RUNTIMES)('on %s', (runtime) => {
  async function start(changed: Partial<Settings> = {}): Promise<Service> {
    const service = await startHere(runtime, changed);
    onTestFinished(service.stop);
    return service;
  }

  test('a body over the limit is refused before it is sent, if the client asks first', async () => {
    const service = await start({ BODY_LIMIT_BYTES: 10 });
    const head = 'POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n';
    const { received, socket } = await send(service, head);
    expect(received).toMatch(/^HTTP\/1.1 413 .*accepted are at most 10 bytes\./s);
    socket.destroy();
  });

  test.each([
    ['with a length', 'content-length: 4000000'],
    ['in chunks', 'transfer-encoding: chunked'],
  ])('a client that sends too much %s gets the whole answer while it goes on sending', async (_, header) => {
    const service = await start({ BODY_LIMIT_BYTES: 1000 });
    const { received, socket } = await send(service, `POST / HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n${chunk(2000)}`);
    expect(received).toMatch(/^HTTP\/1.1 413 Payload Too Large\r\n/);
    expect(received).toMatch(/connection: close/i);
    expect(received).toMatch(/"detail":"The body is too large; accepted are at most 1000 bytes."}$/);
    for (let sent = 0; sent < 100; sent++) socket.write(chunk(2000));
    socket.end();
    expect(await text(socket)).toBe('');
  });

  test('a body at the limit is accepted', async () => {
    const service = await start({ BODY_LIMIT_BYTES: 1000 });
    const body = '{"fahrenheit":212}'.padEnd(1000);
    const answer = await ask(service, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(answer.status).toBe(200);
  });

  test('a body in pieces is put together', async () => {
    const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    const pieces = ['{"fahrenheit"', ':2', '12}'].map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
    const { received, socket } = await send(await start(), `${head}${pieces.join('')}0\r\n\r\n`);
    expect(received).toContain('{"celsius":100,');
    socket.destroy();
  });

  test('a client that goes away in the middle of its body does no harm', async () => {
    const service = await start();
    const socket = connect(service.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
    await once(socket, 'ready');
    socket.resetAndDestroy();
    expect((await ask(service, { path: '/?fahrenheit=212' })).status).toBe(200);
  });

  test.each([
    ['head', 'GET / HTTP/1.1\r\nhost:'],
    ['body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{'],
  ])('a %s that does not arrive in time is answered with 408', async (_, bytes) => {
    const service = await start({ HEADERS_TIMEOUT_SECONDS: 0.1, REQUEST_TIMEOUT_SECONDS: 0.2 });
    checkProblem(await askRaw(service, bytes), 408, /^The request did not arrive in time; accepted is a faster one\.$/);
  });

  test('an idle connection is closed after its time', async () => {
    const service = await start({ KEEP_ALIVE_TIMEOUT_SECONDS: 0.1 });
    const received = await askRaw(service, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  });

  test.each([
    ['no limit', 0, ['keep-alive', 'keep-alive', 'keep-alive', 'keep-alive']],
    ['a limit of 3', 3, ['keep-alive', 'keep-alive', 'close']],
  ])('a connection serves as many requests as it may: %s', async (_, limit, expected) => {
    const service = await start({ MAX_REQUESTS_PER_CONNECTION: limit, KEEP_ALIVE_TIMEOUT_SECONDS: 0.5 });
    const requests = 'GET /?fahrenheit=212 HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(4);
    const received = await askRaw(service, requests);
    const connections = [...received.matchAll(/connection: (\S+)/gi)].map(([, value]) => value);
    expect(connections.slice(0, expected.length)).toEqual(expected);
    expect(received).not.toMatch(/HTTP\/1.1 (?!200)/);
  });

  test.each([
    [
      'a broken request',
      'GARBAGE\r\n\r\n',
      400,
      /^The request is not valid HTTP\/1\.1 \(Invalid method encountered\)\.$/,
    ],
    [
      'a broken chunk',
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      400,
      /^The request is not valid HTTP\/1\.1 \(Invalid character in chunk size\)\.$/,
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, /^The header Host is missing; accepted is HTTP\/1\.1 with it\.$/],
    ['a query of 100 000 characters', `GET /?fahrenheit=${'9'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431, HEAD],
    ['a head of 20 kB', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, HEAD],
    [
      'chunk extensions of 20 kB',
      `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\n1\r\n0\r\n\r\n`,
      413,
      /^The chunk extensions are too large; accepted are chunks without them\.$/,
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      /^The request is not valid HTTP\/1\.1 \(Duplicate Content-Length\)\.$/,
    ],
  ])('%s is answered with a problem document', async (_, bytes, status, detail) => {
    const service = await start();
    checkProblem(await askRaw(service, bytes), status, detail);
    expect((await ask(service, { path: '/?fahrenheit=212' })).status).toBe(200);
  });

  test('a request that ends too early is answered with a problem document', async () => {
    const socket = connect({ port: (await start()).port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end('GET / HTTP/1.1\r\nhost:');
    checkProblem(await text(socket), 400, /^The request is not valid HTTP\/1\.1 \(Invalid EOF state\)\.$/);
  });

  test.each([
    ['a head that is too large', `GET /?fahrenheit=${'9'.repeat(20_000)}`, 431, HEAD],
    ['no HTTP', 'GARBAGE\r\n', 400, /^The request is not valid HTTP\/1\.1 \(Invalid method encountered\)\.$/],
    [
      'a broken chunk',
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      400,
      /^The request is not valid HTTP\/1\.1 \(Invalid character in chunk size\)\.$/,
    ],
  ])('a client that sends %s gets the whole answer while it goes on sending', async (_, bytes, status, detail) => {
    const service = await start();
    const { received, socket } = await send(service, bytes);
    checkProblem(received, status, detail);
    for (let sent = 0; sent < 100; sent++) {
      await new Promise((resolve) => socket.write('9'.repeat(2000), resolve));
    }
    socket.end();
    expect(await text(socket)).toBe('');
  });

  test('an answer to a broken request follows the answers to the requests before it', async () => {
    const received = await askRaw(await start(), 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGARBAGE\r\n\r\n');
    expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });
});

describe('in a process of its own', () => {
  const megabyte = Buffer.alloc(2 ** 20, '9');
  const head = (length: number) => `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;

  test('a client that sends 12 MB before it reads still gets the answer', async () => {
    const socket = connect((await startForTest()).port, '127.0.0.1').pause();
    socket.write(head(12 * megabyte.length));
    for (let sent = 0; sent < 12; sent++) await new Promise((resolve) => socket.write(megabyte, resolve));
    expect(await text(socket)).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a client that never stops sending a broken request is disconnected', async () => {
    const { socket } = await send(await startForTest(), 'GARBAGE\r\n');
    const closed = new Promise<void>((resolve) => socket.on('error', () => undefined).on('close', () => resolve()));
    const sending = setInterval(() => socket.write('9'.repeat(2000)), 10);
    await closed;
    clearInterval(sending);
  });

  test('a body of 400 MB does not get into memory', async () => {
    const service = await startForTest();
    const before = await residentMemory(service);
    const socket = connect(service.port, '127.0.0.1');
    socket.write(head(400 * megabyte.length));
    let largest = 0;
    let received = '';
    socket.on('data', (bytes) => (received += String(bytes)));
    // The client goes on sending after the answer, until the server reads no more.
    for (let sent = 0; sent < 400; sent++) {
      socket.write(megabyte);
      largest = Math.max(largest, await residentMemory(service));
      if (socket.writableLength > 4 * megabyte.length) break;
    }
    socket.destroy();
    expect(received).toMatch(/^HTTP\/1.1 413 /);
    expect(largest - before).toBeLessThan(50 * 2 ** 20);
  });
});

async function residentMemory(service: Service): Promise<number> {
  const { text } = await ask(service, { path: '/metrics' });
  return Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1]);
}

const chunk = (length: number) => `${length.toString(16)}\r\n${'9'.repeat(length)}\r\n`;

/** Expects one complete answer with a problem document, which says that it is the last of its connection. */
function checkProblem(received: string, status: number, detail: RegExp): void {
  const [head = '', body = ''] = received.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/^content-type: application\/problem\+json$/im);
  expect(head).toMatch(/^connection: close$/im);
  expect(head).toMatch(new RegExp(`^content-length: ${body.length}$`, 'im'));
  expect(isProblem(JSON.parse(body))).toBe(true);
  expect(JSON.parse(body)).toMatchObject({ status, detail: expect.stringMatching(detail) as string });
}

/** Sends bytes, and returns the first complete answer. The connection stays open, even if the server sends no more. */
async function send({ port }: Service, bytes: string): Promise<{ received: string; socket: Socket }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(bytes);
  let received = '';
  while (!received.endsWith('}')) received += String((await once(socket, 'data'))[0]);
  return { received, socket };
}
