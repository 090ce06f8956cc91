import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { getDefault, getMetadata } from 'valibot';
import { describe, expect, test } from 'vitest';
import { settings, settingsSchema } from '../src/settings.ts';
import { BUNDLE, SOURCE } from './service.ts';

function start(file: string, env: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync('node', [file], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 10_000,
  });
  return { status, stdout, stderr };
}

describe.each([BUNDLE, SOURCE])('%s', (file) => {
  test.each([
    ['PORT', '', 'a whole number from 0 to 65535'],
    ['PORT', '80a', 'a whole number from 0 to 65535'],
    ['PORT', '-1', 'a whole number from 0 to 65535'],
    ['PORT', '65536', 'a whole number from 0 to 65535'],
    ['PORT', 'tcp://198.51.100.7:80', 'a whole number from 0 to 65535'],
    ['FUNCTION_RUNTIME', 'deno', 'functions-framework or node'],
    ['MAX_VALUES', '0', 'a whole number from 1 to 1000000'],
    ['BODY_LIMIT_BYTES', '1e6', 'a whole number from 1 to 1073741824'],
    ['DRAIN_DELAY_SECONDS', '5s', 'a number of seconds from 0 to 3600'],
    ['LOG_REQUESTS', 'yes', 'true or false'],
  ])('a bad value ends the start: %s=%s', (name, value, accepted) => {
    expect(start(file, { [name]: value })).toEqual({
      status: 1,
      stdout: '',
      stderr: `f2c-function: ${name} is ${JSON.stringify(value)}; accepted is ${accepted}.\n`,
    });
  });

  test('each bad value has its sentence', () => {
    const { stderr } = start(file, { PORT: 'x', LOG_LEVEL: 'loud' });
    expect(stderr.trim().split('\n')).toHaveLength(2);
  });

  test('a port in use ends the start', async () => {
    const other = createServer().listen(0);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { status, stdout, stderr } = start(file, { PORT: String(port) });
    other.close();
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(
        `^f2c-function: PORT is ${port}, which can't be listened on \\(listen EADDRINUSE.*; set it to a free port.\n$`,
      ),
    );
  });
});

test('the README documents every setting', () => {
  const readme = readFileSync('function/README.md', 'utf8').replaceAll(/ +/g, ' ');
  for (const [name, schema] of Object.entries(settingsSchema.entries)) {
    const { accepted, meaning } = getMetadata(schema.wrapped);
    expect(readme).toContain(`| \`${name}\` | \`${getDefault(schema)}\` | ${accepted} | ${meaning} |`);
  }
});

test('defaults', () => {
  expect(settings).toMatchObject({ PORT: 8080, FUNCTION_RUNTIME: 'functions-framework', LOG_REQUESTS: false });
});
