// Runs the image with the restrictions that it has in a cluster. It needs Docker. The environment variable
// TFSERVING_IMAGE selects another image.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { configOf, docker, remove, startContainer, type Container } from '../../../function/test/image/docker.ts';
import { ask, eventually } from '../../../function/test/service.ts';

const IMAGE = process.env.TFSERVING_IMAGE ?? 'f2c-tfserving';
const REST_PORT = 8501;
const MODEL = '/v1/models/fahrenheit_to_celsius';

// The server writes nothing. TensorFlow in Python, its stand-in where its image can't be pulled, needs /tmp.
const OPTIONS = ['--memory', '1g', '--tmpfs', '/tmp'];

const available = (container: Container) =>
  eventually(async () => {
    const { text } = await ask(container, { path: MODEL });
    expect(JSON.parse(text)).toMatchObject({ model_version_status: [{ version: '1', state: 'AVAILABLE' }] });
  });

/** Runs the server until the test ends. */
async function startForTest(options: string[], port = REST_PORT, args: string[] = []): Promise<Container> {
  const container = startContainer(IMAGE, port, [...OPTIONS, ...options], args);
  onTestFinished(() => void remove(container));
  await available(container);
  return container;
}

describe('running', () => {
  let server: Container;
  beforeAll(async () => {
    server = startContainer(IMAGE, REST_PORT, OPTIONS);
    await available(server);
  }, 20_000);
  afterAll(() => void remove(server));

  test('it answers the known temperatures', async () => {
    const rows = parse<Record<'fahrenheit' | 'celsius', string>>(readFileSync('model/known-temperatures.csv'), {
      columns: true,
    });
    const known = rows
      .map((row) => ({ fahrenheit: Number(row.fahrenheit), celsius: Number(row.celsius) }))
      // The model takes values beyond float32 as infinite, and JSON can not represent infinity.
      .filter(({ fahrenheit }) => Number.isFinite(Math.fround(fahrenheit)));

    const body = JSON.stringify({ instances: known.map(({ fahrenheit }) => fahrenheit) });
    const { status, text } = await ask(server, { method: 'POST', path: `${MODEL}:predict`, body });
    expect(status).toBe(200);
    const { predictions } = JSON.parse(text) as { predictions: number[] };
    expect(predictions).toHaveLength(known.length);
    for (const [index, { fahrenheit, celsius }] of known.entries()) {
      // model/README.md derives this tolerance.
      const tolerance = 3 * 2 ** -24 * Math.abs(celsius) + Math.abs(fahrenheit - Math.fround(fahrenheit));
      expect(Math.abs(predictions[index]! - celsius), `${fahrenheit} °F`).toBeLessThanOrEqual(tolerance);
    }
  });

  test('it says what is wrong with a request', async () => {
    const body = '{"instances": ["warm"]}';
    const { status, text } = await ask(server, { method: 'POST', path: `${MODEL}:predict`, body });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ error: expect.any(String) as string });
  });

  test('it shows metrics for Prometheus', async () => {
    const { status, headers, text } = await ask(server, { path: '/monitoring/prometheus/metrics' });
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(text).toContain(':tensorflow:serving:request_count');
  });
});

test('arguments are added to its own, and the last one counts', async () => {
  await startForTest([], 9000, ['--rest_api_port=9000']);
});

test('it runs as any user', async () => {
  await startForTest(['--user', '12345:12345']);
});

test('SIGTERM stops it if it runs below an init', async () => {
  const { id } = await startForTest(['--init']);
  docker('kill', '--signal', 'TERM', id);
  await eventually(() => {
    // 143 is 128 + 15: SIGTERM ended the server.
    expect(docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', id)).toBe('exited 143');
  });
});

test('it has labels, a user that is not root, and no shell before the server', () => {
  const { User: user, Labels: labels, Entrypoint: entrypoint } = configOf(IMAGE);
  expect(user).toBe('65532:65532');
  expect(labels).toMatchObject({
    'org.opencontainers.image.title': 'f2c-tfserving',
    'org.opencontainers.image.licenses': 'Apache-2.0',
  });
  expect(entrypoint[0]).toBe('tensorflow_model_server');
});

test.each([
  ['no numbered directory', 'model/fahrenheit_to_celsius/v1/saved_model.pb'],
  ['a numbered directory without a model', 'model/fahrenheit_to_celsius/1/saved_model.txt'],
  ['no model at all', 'model/known-temperatures.csv'],
])('it is not built from %s', (_, file) => {
  const context = mkdtempSync(join(tmpdir(), 'f2c-tfserving-'));
  onTestFinished(() => {
    rmSync(context, { recursive: true });
  });
  for (const part of ['tfserving/Dockerfile', 'tfserving/monitoring.config']) cpSync(part, join(context, part));
  mkdirSync(join(context, dirname(file)), { recursive: true });
  writeFileSync(join(context, file), '');

  const build = spawnSync('docker', ['build', '--force-rm', '--file', 'tfserving/Dockerfile', '.'], {
    cwd: context,
    encoding: 'utf8',
  });
  expect(build.stderr).toContain('There is no model/fahrenheit_to_celsius/1/saved_model.pb to serve');
  expect(build.status).not.toBe(0);
});
