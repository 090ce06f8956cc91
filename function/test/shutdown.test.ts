// Does to the process what a cluster does: sends signals, and restarts it behind a load balancer.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { startClient } from './client.ts';
import { checkContract } from './contract.ts';
import { ask, eventually, RUNTIMES, type ServiceProcess, startForTest } from './service.ts';

const messages = ({ log }: ServiceProcess) => log.map(({ msg }) => msg);

/** Sends a request whose body still lacks its last byte, and waits until the server has it. */
async function sendAlmost(service: ServiceProcess): Promise<Socket> {
  const socket = connect(service.port, '127.0.0.1');
  const body = '{"fahrenheit":212}';
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`);
  socket.write(`expect: 100-continue\r\n\r\n`);
  await once(socket, 'data');
  socket.write(body.slice(0, -1));
  return socket;
}

describe.each(RUNTIMES)('on %s', (FUNCTION_RUNTIME) => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s drains', async (signal) => {
    const service = await startForTest({ FUNCTION_RUNTIME, DRAIN_DELAY_SECONDS: '2' });
    service.process.kill(signal);
    await eventually(() => expect(messages(service)).toContain('draining: new work is still served for 2 s'));

    const readiness = await ask(service, { path: '/readyz' });
    expect(readiness.status).toBe(503);
    checkContract({ path: '/readyz' }, readiness);
    for (const path of ['/?fahrenheit=212', '/healthz']) {
      const answer = await ask(service, { path, headers: { connection: 'keep-alive' } });
      expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    }

    expect(await service.exitCode).toBe(0);
    expect(messages(service)).toEqual(['ready', 'draining: new work is still served for 2 s', 'stopped']);
    await expect(ask(service)).rejects.toThrow('ECONNREFUSED');
  });

  test('a request in flight finishes after the listener has closed', async () => {
    const service = await startForTest({ FUNCTION_RUNTIME, DRAIN_DELAY_SECONDS: '0' });
    const socket = await sendAlmost(service);
    service.process.kill('SIGTERM');
    await eventually(() => expect(ask(service)).rejects.toThrow('ECONNREFUSED'));
    socket.write('}');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\nconnection: close\r\n/);
    expect(answer).toContain('{"celsius":100,');
    expect(await service.exitCode).toBe(0);
  });

  test('the drain time-out cuts off a request that does not finish', async () => {
    const service = await startForTest({ FUNCTION_RUNTIME, DRAIN_DELAY_SECONDS: '0', DRAIN_TIMEOUT_SECONDS: '0.2' });
    await sendAlmost(service);
    service.process.kill('SIGTERM');
    expect(await service.exitCode).toBe(1);
    expect(messages(service).at(-1)).toBe('stopped: requests that took over 0.2 s more were cut off');
  });

  test('a second signal ends it at once', async () => {
    const service = await startForTest({ FUNCTION_RUNTIME, DRAIN_DELAY_SECONDS: '60' });
    service.process.kill('SIGTERM');
    await eventually(() => expect(messages(service)).toHaveLength(2));
    service.process.kill('SIGINT');
    expect(await service.exitCode).toBe(1);
    expect(messages(service).at(-1)).toBe('stopped at once by a second signal');
  });

  test('the same signal again within a second counts once', async () => {
    const service = await startForTest({ FUNCTION_RUNTIME, DRAIN_DELAY_SECONDS: '0.5' });
    service.process.kill('SIGINT');
    await eventually(() => expect(messages(service)).toHaveLength(2));
    service.process.kill('SIGINT');
    expect(await service.exitCode).toBe(0);
  });

  test('64 busy keep-alive connections see no failed request while both instances restart', async () => {
    const env = { FUNCTION_RUNTIME, DRAIN_DELAY_SECONDS: '2' };
    const old = [await startForTest(env), await startForTest(env)] as const;
    const successors: ServiceProcess[] = [];
    const balancer = await startBalancer(old);
    const clients = Array.from({ length: 64 }, () => startClient(balancer));
    try {
      for (const instance of old) {
        const before = clients.map((client) => client.answers.length);
        await eventually(() => {
          expect(clients.every((client, i) => client.answers.length > before[i]! + 5)).toBe(true);
        });
        instance.process.kill('SIGTERM');
        expect(await instance.exitCode).toBe(0);
        successors.push(await startForTest(env));
        balancer.add(successors.at(-1)!);
      }
      // A connection moves only when its instance ends, so the first new instance got all of them.
      const { appId } = successors[0]!.log[0]!;
      await eventually(() => {
        expect(clients.every((client) => client.answers.at(-1) === appId)).toBe(true);
      });
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
      balancer.close();
    }
    expect(clients.flatMap((client) => client.failures)).toEqual([]);
  }, 60_000);
});

/**
 * Starts a load balancer that works like a Service of Kubernetes: it balances connections, not requests, over the
 * instances that were ready when it last checked.
 */
async function startBalancer(instances: readonly ServiceProcess[]) {
  const all = [...instances];
  let ready = [...instances];
  let count = 0;
  const server = createServer((client) => {
    const { port } = ready[count++ % ready.length]!;
    const instance = connect(port, '127.0.0.1');
    client.pipe(instance).pipe(client);
    client.on('error', () => instance.destroy());
    instance.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const probe = setInterval(() => {
    const answers = all.map((instance) => ask(instance, { path: '/readyz' }).then(({ status }) => status === 200));
    void Promise.allSettled(answers).then((results) => {
      ready = all.filter((_, i) => results[i]?.status === 'fulfilled' && results[i].value);
    });
  }, 100);
  return {
    port: (server.address() as AddressInfo).port,
    add: (instance: ServiceProcess) => void all.push(instance),
    close: () => {
      clearInterval(probe);
      server.close();
    },
  };
}
