// What Docker's engine tells of containers, wherever it runs. The engine is a fake of Docker's program on the path.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openShell } from '../../lib/shell.ts';
import { engineHost, usageOf } from '../local/engine.ts';
import { findServers } from '../local/servers.ts';
import { readOptions } from '../options.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-engine-'));
  vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
  vi.stubEnv('DOCKER_HOST', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** @param replies what `docker` does, in sh, by a pattern of its arguments */
function fakeDocker(replies: Record<string, string>): void {
  const cases = Object.entries(replies).map(([pattern, body]) => `${pattern}) ${body} ;;`);
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\ncase "$*" in\n${cases.join('\n')}\nesac\n`, { mode: 0o755 });
}

/** Carries a request to an engine that answers with these lines, and then waits for more, as in `stream=true`. */
function fakeEngine(...lines: string[]): string {
  const program = `process.stdin.once('data', (request) => {
    if (!String(request).startsWith('GET /containers/it/stats?stream=true ')) process.exit(1);
    process.stdout.write('HTTP/1.1 200 OK\\r\\n\\r\\n' + ${JSON.stringify(lines.join('\n'))} + '\\n');
  });`;
  writeFileSync(join(folder, 'engine.cjs'), program);
  return `exec '${process.execPath}' '${folder}/engine.cjs'`;
}

const sample = (nanoseconds: number, memory: object) =>
  JSON.stringify({
    read: '2026-01-31T12:00:00.5Z',
    cpu_stats: { cpu_usage: { total_usage: nanoseconds } },
    memory_stats: memory,
  });

test.each([
  ['cgroup v2', { usage: 5000, stats: { inactive_file: 1000 } }],
  ['cgroup v1', { usage: 5000, stats: { inactive_file: 7, total_inactive_file: 1000 } }],
])('CPU and memory of a container come from the engine, with %s', async (_, memory) => {
  fakeDocker({ 'system*dial-stdio': fakeEngine(sample(2_500_000_000, memory)) });
  const timestamp_s = Date.parse('2026-01-31T12:00:00.5Z') / 1000;
  expect(await usageOf('it')()).toEqual({ timestamp_s, cpu_seconds: 2.5, memory_bytes: 4000 });
});

test.each([
  ['says nothing', ':'],
  ['does not know how to carry requests', 'echo "unknown command" >&2; exit 1'],
  ['answers 404', `cat >/dev/null & printf 'HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n'; sleep 5`],
])('they are not known where the engine %s', async (_, body) => {
  fakeDocker({ 'system*': body });
  const usage = usageOf('it');
  expect([await usage(), await usage()]).toEqual([undefined, undefined]);
});

test('they are not known any more when the container has ended', async () => {
  fakeDocker({ 'system*': fakeEngine(sample(1, { usage: 1 }), sample(0, {})) });
  const usage = usageOf('it');
  expect(await usage()).toMatchObject({ memory_bytes: 1 });
  expect(await usage()).toBeUndefined();
});

test.each([
  ['unix:///var/run/docker.sock', undefined],
  ['npipe:////./pipe/docker_engine', undefined],
  ['tcp://127.0.0.1:2375', undefined],
  ['tcp://box.example:2376', 'box.example'],
  ['ssh://me@box', 'box'],
  ['', undefined],
])('an engine at %s publishes ports on %s', async (endpoint, host) => {
  const shell = openShell(new AbortController().signal);
  fakeDocker({ 'context*inspect*': `echo '${endpoint}'` });
  expect(await engineHost(shell)).toBe(host);
  vi.stubEnv('DOCKER_HOST', endpoint);
  fakeDocker({ 'context*': 'exit 1' });
  expect(await engineHost(shell)).toBe(host);
  fakeDocker({ 'context*inspect*': 'echo unix:///the/context/wins.sock' });
  expect(await engineHost(shell)).toBeUndefined();
});

test.each([
  ['unix:///var/run/docker.sock', '--publish 127.0.0.1::8080', 'http://127.0.0.1:32768'],
  ['tcp://box.example:2376', '--publish 8080', 'http://box.example:32768'],
])('a container of an engine at %s is asked there', async (endpoint, published, url) => {
  vi.stubEnv('DOCKER_HOST', endpoint);
  fakeDocker({
    'image*f2c-function*': `echo '[{"Id":"sha256:it","Size":1}]'`,
    'image*': 'exit 1',
    [`run*"${published} "*`]: 'echo it',
    'port*': endpoint.startsWith('tcp') ? 'echo 0.0.0.0:32768; echo "[::]:32768"' : 'echo 127.0.0.1:32768',
  });
  const { comparison } = readOptions(['--local']);
  const { starters } = await findServers(comparison, openShell(new AbortController().signal), () => undefined);
  const server = await starters.get('function')?.({ cores: 0.1, memoryBytes: 2 ** 29 });
  expect(server?.url('function')).toBe(url);
  await server?.stop();
});

test('images of two architectures are refused, as Docker would emulate one of them', async () => {
  fakeDocker({
    'image*f2c-function*': `echo '[{"Id":"sha256:it","Size":1,"Architecture":"arm64"}]'`,
    'image*': `echo '[{"Id":"sha256:it","Size":1,"Architecture":"amd64"}]'`,
  });
  const { comparison } = readOptions(['--local']);
  await expect(findServers(comparison, openShell(new AbortController().signal), () => undefined)).rejects.toThrow(
    /not be fair: f2c-function:\S+ is for arm64, f2c-tfserving:\S+ is for amd64, and Docker emulates one of them/,
  );
});
