// Runs npm's scripts as users and process managers do: with signals to npm, and without the Node that they need.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, eventually, type ServiceProcess, startCommand } from '../function/test/service.ts';
import packageJson from '../package.json' with { type: 'json' };

describe('npm start', () => {
  /** Starts npm in a process group of its own, as a shell does. */
  async function npmStart(env: Record<string, string>): Promise<ServiceProcess> {
    const service = await startCommand('npm', ['start', '--silent'], env, { detached: true });
    onTestFinished(() => {
      if (service.process.exitCode === null) process.kill(-service.process.pid!, 'SIGKILL');
    });
    return service;
  }

  const messages = ({ log }: ServiceProcess) => log.map(({ msg }) => msg);
  const DRAINED = ['ready', 'draining: new work is still served for 1 s', 'stopped'];

  test.each(['SIGTERM', 'SIGINT'] as const)('%s to npm drains the function, and nothing is left', async (signal) => {
    const service = await npmStart({ DRAIN_DELAY_SECONDS: '1' });
    service.process.kill(signal);
    await once(service.process, 'close');
    expect(messages(service)).toEqual(DRAINED);
    expect(await service.exitCode).toBe(0);
    await expect(ask(service)).rejects.toThrow('ECONNREFUSED');
  });

  test('Ctrl-C, which the function gets from the terminal and from npm, drains it', async () => {
    const service = await npmStart({ DRAIN_DELAY_SECONDS: '1' });
    process.kill(-service.process.pid!, 'SIGINT');
    await once(service.process, 'close');
    expect(messages(service)).toEqual(DRAINED);
    expect(await service.exitCode).toBe(0);
  });

  test('a second Ctrl-C stops it at once', async () => {
    const service = await npmStart({ DRAIN_DELAY_SECONDS: '60' });
    // The function takes a second Ctrl-C for the first one as long as it may still come from npm.
    const pressing = setInterval(() => process.kill(-service.process.pid!, 'SIGINT'), 1200);
    onTestFinished(() => clearInterval(pressing));
    await eventually(() => expect(messages(service).at(-1)).toBe('stopped at once by a second signal'));
    clearInterval(pressing);
    expect(await service.exitCode).toBe(1);
  });
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s to npm ends npm run collect, and nothing is left', async (signal) => {
  const child = spawn('npm', ['run', '--silent', 'collect', '--', 'never-made'], { detached: true });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
  });
  // npm forwards signals only once it has started the script, which here waits for its input.
  const started = new RegExp(`^ *${child.pid} .*node .*collect.ts`, 'm');
  await eventually(async () => expect((await execa('ps', ['-A', '-o', 'pgid=,args='])).stdout).toMatch(started));
  child.kill(signal);
  // The event comes when the last process has closed its output.
  await once(child, 'close');
});

describe('without the Node that the project needs', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'f2c-node-'));
    cpSync('node-version.cjs', join(folder, 'node-version.cjs'));
    const devDependencies = { node: '^999.1.0' };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...packageJson, devDependencies }));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('a script says how to get it', async () => {
    const { exitCode, stderr } = await execa('npm', ['run', '--silent', 'start'], { cwd: folder, reject: false });
    expect(stderr).toBe(
      `This is Node ${process.versions.node}, but the project needs Node 999: ` +
        'run `npm ci --ignore-scripts=false --include=dev`, which brings it, or install it yourself.',
    );
    expect(exitCode).toBe(1);
  });
});
