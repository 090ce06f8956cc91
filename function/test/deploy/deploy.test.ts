// Builds and runs the function as platforms do that deploy it from its sources: with what they upload, their commands, and
// each Node that they offer.

import { execa } from 'execa';
import getPort from 'get-port';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import packageLock from '../../../package-lock.json' with { type: 'json' };
import { ask, eventually, startCommand } from '../service.ts';

const NODES = ['22', '24'];
const SOURCES = /^(package\.json|package-lock\.json|\.npmrc|function\/src\/[\w./-]+\.ts)$/;

/** The packages that only development needs, by their folders. */
const DEVELOPMENT = Object.entries(packageLock.packages).flatMap(([path, of]) => ('dev' in of ? path : []));

let folder: string;
let checkout: string;
let uploaded: string;
const nodeOf = (major: string) => join(folder, `node${major}/node_modules/node/bin/node`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-deploy-'));
  checkout = join(folder, 'checkout');
  uploaded = join(folder, 'uploaded');
  const { stdout } = await execa('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  for (const file of stdout.split('\0').filter(Boolean)) cpSync(file, join(checkout, file));
  await execa('git', ['init', '--quiet'], { cwd: checkout });
  for (const file of await through('.gcloudignore')) cpSync(join(checkout, file), join(uploaded, file));

  await Promise.all(
    NODES.map((major) => {
      mkdirSync(join(folder, `node${major}`));
      const options = ['--prefix', join(folder, `node${major}`), '--no-audit', '--no-fund', '--ignore-scripts=false'];
      return execa('npm', ['install', ...options, `node@${major}`], { cwd: folder });
    }),
  );
  for (const command of [['ci'], ['run', 'gcp-build'], ['prune', '--omit=dev']]) {
    await execa('npm', command, { cwd: uploaded, env: { PATH: pathWith('22') }, extendEnv: true });
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** PATH as a platform has it: its own Node first, and nothing of this project. */
function pathWith(major: string): string {
  const others = (process.env.PATH ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
  return [dirname(nodeOf(major)), ...others].join(delimiter);
}

/** The files of the checkout that a file of exceptions lets through. */
async function through(exceptions: string): Promise<string[]> {
  const list = ['ls-files', '--others', '-z', `--exclude-from=${exceptions}`];
  return (await execa('git', list, { cwd: checkout })).stdout.split('\0').filter(Boolean);
}

interface Deployed {
  port: number;
  /** Ends it as a platform does. @returns its exit code */
  stop: () => Promise<number | undefined>;
}

/** Starts the function as a platform does, and waits for its first answer. */
async function start(major: string, env: Record<string, string> = {}): Promise<Deployed> {
  const port = await getPort();
  const cli = 'node_modules/@google-cloud/functions-framework/build/src/main.js';
  const service = execa(nodeOf(major), [cli, '--target=fahrenheitToCelsius'], {
    cwd: uploaded,
    env: { PATH: pathWith(major), PORT: `${port}`, K_SERVICE: 'f2c-function', ...env },
    extendEnv: false,
    reject: false,
  });
  onTestFinished(() => void service.kill('SIGKILL'));
  await eventually(async () => expect((await ask({ port }, { path: '/?fahrenheit=32' })).status).toBe(200));
  const stop = async () => {
    service.kill('SIGTERM');
    return (await service).exitCode;
  };
  return { port, stop };
}

describe('what is uploaded', () => {
  test.each(['.gcloudignore', '.funcignore'])('by %s has no results, charts or tests', async (file) => {
    const files = await through(file);
    for (const file of files) expect(file).toMatch(SOURCES);
    expect(files).toEqual(expect.arrayContaining(['package-lock.json', 'function/src/function.ts']));
  });

  test('by project.toml is the same', async () => {
    const [, include = ''] = /^include = (.*)$/m.exec(readFileSync('project.toml', 'utf8')) ?? [];
    writeFileSync(join(folder, 'include'), (JSON.parse(include) as string[]).join('\n'));
    const list = ['ls-files', '--others', '--ignored', '-z', `--exclude-from=${join(folder, 'include')}`];
    const { stdout } = await execa('git', list, { cwd: checkout });
    expect(stdout.split('\0').filter(Boolean).sort()).toEqual((await through('.gcloudignore')).sort());
  });
});

test('what package.json names as the main file is there, without what only development needs', () => {
  expect(globSync(packageJson.main, { cwd: uploaded })).toEqual([packageJson.main]);
  expect(DEVELOPMENT).not.toHaveLength(0);
  for (const path of DEVELOPMENT) expect(globSync(path, { cwd: uploaded }), path).toEqual([]);
});

describe.each(NODES)('under Node %s', (major) => {
  test('it answers, and stops on SIGTERM', async () => {
    const { port, stop } = await start(major);
    const { status, text } = await ask({ port }, { path: '/?fahrenheit=212' });
    expect({ status, text }).toEqual({ status: 200, text: expect.stringContaining('"celsius":100,') as string });
    const body = '{"fahrenheit":[32,-500]}';
    const refused = await ask({ port }, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(refused.status).toBe(422);
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await ask({ port }, { path })).status).toBe(404);
    expect(await stop()).toBe(0);
  });

  test('it loads its main file and the packages that it depends on, and nothing else', async () => {
    const coverage = join(folder, `loaded-${major}`);
    const { stop } = await start(major, { NODE_V8_COVERAGE: coverage });
    await stop();
    const loaded = globSync(`${coverage}/*.json`).flatMap((file) => {
      const { result } = JSON.parse(readFileSync(file, 'utf8')) as { result: { url: string }[] };
      return result.flatMap(({ url }) => (url.startsWith('file:') ? relative(uploaded, fileURLToPath(url)) : []));
    });
    const own = loaded.filter((file) => !file.startsWith('node_modules/'));
    expect(own).toEqual([packageJson.main]);
    for (const path of DEVELOPMENT)
      expect(
        loaded.filter((file) => file.startsWith(`${path}/`)),
        path,
      ).toEqual([]);
  });

  test('it starts within the time of npm start', async () => {
    const seconds = { here: [] as number[], npmStart: [] as number[] };
    const timed = async (begin: () => Promise<unknown>) => {
      const before = performance.now();
      await begin();
      return (performance.now() - before) / 1000;
    };
    for (let i = 0; i < 3; i++) {
      seconds.here.push(await timed(() => start(major)));
      seconds.npmStart.push(
        await timed(async () => {
          const service = await startCommand('npm', ['start', '--silent'], { DRAIN_DELAY_SECONDS: '0' }, {});
          service.process.kill('SIGTERM');
        }),
      );
    }
    const [here, npmStart] = [Math.min(...seconds.here), Math.min(...seconds.npmStart)];
    console.log(`first answer under Node ${major}: ${here.toFixed(2)} s; npm start: ${npmStart.toFixed(2)} s`);
    expect(here).toBeLessThan(npmStart);
  });
});
