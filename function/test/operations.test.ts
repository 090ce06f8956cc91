// Tests what an operator sees: metrics, logs, and the framework's own command line.

import { spawn } from 'node:child_process';
import getPort from 'get-port';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { ask, eventually, RUNTIMES, type Service, startForTest } from './service.ts';

async function appIdOf(service: Service): Promise<string> {
  const { text } = await ask(service, { path: '/?fahrenheit=212' });
  return (JSON.parse(text) as { appId: string }).appId;
}

describe.each(RUNTIMES)('on %s', (FUNCTION_RUNTIME) => {
  test('/metrics describes the requests and the process', async () => {
    const service = await startForTest({ FUNCTION_RUNTIME });
    const appId = await appIdOf(service);
    for (const path of ['/?fahrenheit=x', '/?fahrenheit=32', '/nothing', '/healthz', '/readyz', '/metrics']) {
      await ask(service, { path });
    }
    const { text, headers } = await ask(service, { path: '/metrics' });
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const { version } = packageJson;
    expect(text).toContain(
      `f2c_function_info{version="${version}",runtime="${FUNCTION_RUNTIME}",app_id="${appId}"} 1\n`,
    );
    expect(text).toContain('http_requests_total{status="200"} 2\n');
    expect(text).toContain('http_requests_total{status="400"} 1\n');
    expect(text).toContain('http_requests_total{status="404"} 1\n');
    expect(text).toContain('http_request_duration_seconds_count 4\n');
    expect(text).toMatch(/http_request_duration_seconds_bucket\{le="0.00005"\} \d/);
    expect(text).toMatch(/^process_cpu_seconds_total 0\.\d+$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds [\d.e-]+$/m);
  });

  test('each process has an appId of its own, and logs it', async () => {
    const services = [await startForTest({ FUNCTION_RUNTIME }), await startForTest({ FUNCTION_RUNTIME })];
    const ids = await Promise.all(services.map(appIdOf));
    expect(new Set(ids).size).toBe(2);
    expect(services.map(({ log }) => log)).toMatchObject(
      ids.map((appId, i) => [
        {
          level: 'info',
          msg: 'ready',
          version: packageJson.version,
          runtime: FUNCTION_RUNTIME,
          port: services[i]?.port,
          appId,
        },
      ]),
    );
  });

  test('requests are logged only if LOG_REQUESTS says so', async () => {
    const quiet = await startForTest({ FUNCTION_RUNTIME });
    const talkative = await startForTest({ FUNCTION_RUNTIME, LOG_REQUESTS: 'true' });
    for (const service of [quiet, talkative]) {
      await ask(service, { path: '/?fahrenheit=x' });
      await ask(service, { path: '/healthz' });
    }
    await eventually(() => expect(talkative.log).toHaveLength(2));
    expect(talkative.log[1]).toMatchObject({ msg: 'request', method: 'GET', url: '/?fahrenheit=x', status: 400 });
    expect(quiet.log).toHaveLength(1);
  });
});

test('the framework’s own command line runs the function: npm run dev', async () => {
  const port = await getPort();
  const child = spawn('npm', ['run', 'dev', '--silent'], {
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
    detached: true,
  });
  try {
    await eventually(() => ask({ port }));
    const json = { 'content-type': 'application/json' };
    const body = '{"fahrenheit":[32,212]}';
    expect(JSON.parse((await ask({ port }, { path: '/?fahrenheit=212' })).text)).toMatchObject({ celsius: 100 });
    const many = await ask({ port }, { method: 'POST', headers: json, body });
    expect(JSON.parse(many.text)).toMatchObject({ celsius: [0, 100] });
    expect((await ask({ port }, { path: '/?fahrenheit=-500' })).status).toBe(422);
    expect((await ask({ port }, { method: 'DELETE' })).status).toBe(405);
  } finally {
    process.kill(-child.pid!, 'SIGKILL');
  }
});
