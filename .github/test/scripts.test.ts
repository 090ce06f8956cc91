// Runs those scripts of the workflows that decide something, with fakes of the programs that need a registry or GitHub.

import { execa } from 'execa';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeIf } from '../../test/needs.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-scripts-'));
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Puts a program on PATH that records its arguments, and then runs `body`. */
function fake(name: string, body = ''): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/usr/bin/env bash\necho "${name} $*" >>"$CALLS"\n${body}\n`, { mode: 0o755 });
}

/** Runs a program in the folder, which has only the files that the test has put there. */
async function run(command: string[], env: Record<string, string> = {}) {
  const [program = '', ...args] = command;
  const output = join(folder, 'output');
  const calls = join(folder, 'calls');
  for (const file of [output, calls]) writeFileSync(file, '');
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter);
  const { all, exitCode } = await execa(program, args, {
    cwd: folder,
    env: { ...env, PATH, CALLS: calls, GITHUB_OUTPUT: output },
    all: true,
    reject: false,
  });
  return { all, exitCode, output: readFileSync(output, 'utf8'), calls: readFileSync(calls, 'utf8') };
}

const git = (...args: string[]) =>
  execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder });

const script = (name: string, ...args: string[]) => [resolve('.github/scripts', name), ...args];
const typescript = (name: string, ...args: string[]) => [process.execPath, ...script(name, ...args)];

test.each([
  [0, { ended: 0, hasReport: true, isNoticed: false }],
  [3, { ended: 0, hasReport: true, isNoticed: true }],
  [1, { ended: 1, hasReport: false, isNoticed: false }],
])('compare.bash, where compare ends with %i: %j', async (compared, expected) => {
  fake('npm', `[[ $* != *' compare '* ]] || { echo dist/comparison/1; exit ${compared}; }`);
  const { exitCode, all, calls } = await run(script('compare.bash'));
  const hasReport = calls.includes('report -- dist/comparison/1\n');
  const isNoticed = all.includes('::notice title=Some loads are INVALID::');
  expect({ ended: exitCode, hasReport, isNoticed }).toEqual(expected);
});

describe('helm.bash', () => {
  /** Runs it where Helm's site has a release whose helm tells its own version. */
  async function install(major: string, sum?: string) {
    const [, version = ''] = new RegExp(`HELM_${major}=(.*)`).exec(readFileSync('.github/scripts/helm.bash', 'utf8'))!;
    const platform = `linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
    mkdirSync(join(folder, platform));
    writeFileSync(join(folder, platform, 'helm'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const archive = `helm-${version}-${platform}.tar.gz`;
    await execa('tar', ['--create', '--gzip', '--file', archive, platform], { cwd: folder });
    const { stdout } = await execa('sha256sum', [archive], { cwd: folder });
    writeFileSync(join(folder, `${archive}.sha256sum`), sum ? `${sum}  ${archive}\n` : stdout);
    const paths = join(folder, 'paths');
    const env = { HELM_RELEASES: `file://${folder}`, GITHUB_PATH: paths, TMPDIR: folder };
    const ended = await run(script('helm.bash', major), env);
    return { ...ended, path: existsSync(paths) ? readFileSync(paths, 'utf8').trim() : undefined };
  }

  test.each(['3', '4'])('puts Helm %s on the PATH of later steps', async (major) => {
    const { path = '', all } = await install(major);
    expect((await execa(join(path, 'helm'))).stdout, all).toMatch(new RegExp(`^v${major}\\.`));
  });

  test('takes no Helm whose checksum is wrong', async () => {
    const { exitCode, all, path } = await install('3', '0'.repeat(64));
    expect(exitCode).not.toBe(0);
    expect(all).toContain('FAILED');
    expect(path).toBeUndefined();
  });
});

const describeWithGit = describeIf(spawnSync('git', ['--version']).status === 0, 'git is not on PATH');

describeWithGit('changes.bash', () => {
  const ALL = ['charts', 'compare', 'e2e', 'function', 'helm4', 'images', 'python', 'workflows'];
  const CLUSTER = ['compare', 'e2e', 'helm4'];

  /** The jobs that a pull request needs which adds some files. */
  async function jobsFor(...files: string[]): Promise<string[]> {
    await git('init', '--quiet');
    await git('commit', '--quiet', '--allow-empty', '--message', 'base');
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), '');
      await git('add', file);
    }
    await git('commit', '--quiet', '--allow-empty', '--message', 'change');
    const { exitCode, all, output } = await run(script('changes.bash'), { GITHUB_EVENT_NAME: 'pull_request' });
    expect(exitCode, all).toBe(0);
    return JSON.parse(output.replace('jobs=', '')) as string[];
  }

  test.each([
    ['nothing', [], []],
    ['a README', ['README.md', 'loadtest/README.md', 'CHANGELOG.md'], []],
    ['a README that values.yaml makes', ['chart/README.md'], ['charts']],
    ['the function', ['function/src/celsius.ts'], [...CLUSTER, 'function', 'images'].sort()],
    ['a chart', ['tfserving/chart/values.yaml'], ['charts', ...CLUSTER].sort()],
    ['an image', ['model/Dockerfile'], [...CLUSTER, 'images', 'workflows'].sort()],
    ['the load generator', ['loadtest/f2c_loadtest/timer.py'], [...CLUSTER, 'images', 'python'].sort()],
    ['what compare asks', ['compare/servers/function.ts'], [...CLUSTER, 'python'].sort()],
    ['what every job uses', ['package-lock.json'], ALL],
    ['a README and something that is not known', ['README.md', 'new/thing with a space'], ALL],
  ])('with %s', async (_, files, jobs) => {
    expect(await jobsFor(...files)).toEqual(jobs);
  });

  test('with a file that is moved, which is missing where it was', async () => {
    await jobsFor('model/build_model.py');
    await git('mv', 'model/build_model.py', 'moved.md');
    await git('commit', '--quiet', '--message', 'move');
    const { output } = await run(script('changes.bash'), { GITHUB_EVENT_NAME: 'pull_request' });
    expect(output).toContain('"python"');
  });

  test('all of them on a push', async () => {
    const { output } = await run(script('changes.bash'), { GITHUB_EVENT_NAME: 'push' });
    expect(JSON.parse(output.replace('jobs=', ''))).toEqual(ALL);
  });
});

describe('verdict.bash', () => {
  const needs = (jobs: string, results: Record<string, string>) => {
    const others = Object.entries(results).map(([id, result]) => [id, { result, outputs: {} }]);
    const changes = { result: jobs ? 'success' : 'failure', outputs: jobs ? { jobs } : {} };
    return { NEEDS: JSON.stringify({ changes, ...Object.fromEntries(others) }) };
  };

  test.each([
    ['succeeded', needs('["e2e"]', { lint: 'success', e2e: 'success' }), 0],
    ['was left out, as no change needs it', needs('[]', { lint: 'success', e2e: 'skipped' }), 0],
    ['was left out although it is needed', needs('["e2e"]', { lint: 'success', e2e: 'skipped' }), 1],
    ['failed', needs('["e2e"]', { lint: 'success', e2e: 'failure' }), 1],
    ['was cancelled', needs('[]', { lint: 'cancelled', e2e: 'skipped' }), 1],
    ['was left out because the list failed', needs('', { lint: 'success', e2e: 'skipped' }), 1],
  ])('where a job %s', async (_, env, expected) => {
    const { exitCode, all } = await run(script('verdict.bash'), env);
    expect(exitCode, all).toBe(expected);
    expect(all).toContain(' e2e');
  });
});

describe('account.bash', () => {
  const secrets = { DOCKERHUB_USERNAME: 'me', DOCKERHUB_TOKEN: 'hunter2' };
  const onTag = { GITHUB_REF_TYPE: 'tag', FORK: 'false' };
  const onMain = { GITHUB_REF_TYPE: 'branch', FORK: 'false' };

  test.each([
    [{ ...secrets, ...onTag }, 'publish=true\n'],
    [{ ...secrets, ...onMain }, 'publish=true\n'],
    [{ ...secrets, ...onMain, DOCKERHUB_TOKEN: '' }, 'publish=false\n'],
    [{ ...onTag, FORK: 'true' }, 'publish=false\n'],
  ])('with %j says %j', async (env, expected) => {
    const { exitCode, all, output } = await run(script('account.bash'), env);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: expected });
    expect(all.includes('::notice title=Nothing is published::')).toBe(expected.includes('false'));
    expect(all).not.toContain('hunter2');
  });

  test.each([{}, { DOCKERHUB_USERNAME: 'me' }])('fails on a tag of its own repository with %j alone', async (some) => {
    const { exitCode, all, output } = await run(script('account.bash'), { ...onTag, ...some });
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(all).toContain('::error title=Nothing is published::The secrets DOCKERHUB_USERNAME and DOCKERHUB_TOKEN');
  });

  test.each(['Me', 'me@example.org', ' me', 'me\n', ' ', 'me/you', '-me', 'mé'])(
    'refuses %j, which no image can have in its name, before anything is built',
    async (DOCKERHUB_USERNAME) => {
      const env = { ...secrets, ...onTag, DOCKERHUB_USERNAME };
      const { exitCode, all, output } = await run(script('account.bash'), env);
      expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
      expect(all).toBe(
        '::error title=Nothing is published::The secret DOCKERHUB_USERNAME is no name that images can have: ' +
          'set it to the Docker ID alone, in lowercase letters and digits, without spaces.',
      );
    },
  );
});

describe('keep-digest.bash', () => {
  const env = { IMAGE: 'function', ARCH: 'arm64' };

  test('keeps the digest of what was pushed', async () => {
    const METADATA = JSON.stringify({ function: { 'containerimage.digest': DIGEST } });
    const { exitCode, all } = await run(script('keep-digest.bash'), { ...env, METADATA });
    expect(exitCode, all).toBe(0);
    expect(readFileSync(join(folder, 'dist/digests/f2c-function-arm64'), 'utf8')).toBe(`${DIGEST}\n`);
  });

  test.each([
    '',
    '{}',
    '{"function":{}}',
    '{"function":{"containerimage.digest":""}}',
    '{"function":{"containerimage.digest":"sha256:1"}}',
    'no JSON',
  ])('fails with %j, where there is none', async (METADATA) => {
    const { exitCode } = await run(script('keep-digest.bash'), { ...env, METADATA });
    expect(exitCode).not.toBe(0);
    expect(existsSync(join(folder, 'dist'))).toBe(false);
  });
});

test.each([
  [['--registry', 'docker.io/Me'], 'A registry is wanted'],
  [['--registry', 'docker.io/'], 'A registry is wanted'],
  [['--registry', 'a', '--chart-version', '1.2'], 'A version is wanted, such as 1.2.3 or 1.2.3-rc.1.'],
  [['--registry', 'a', '--image-tag', 'sha-+'], 'A tag is wanted'],
])('npm run package:charts packages nothing with %j', async (options, sentence) => {
  fake('helm');
  const { exitCode, all, calls } = await run(typescript('package-charts.ts', ...options));
  expect(exitCode).not.toBe(0);
  expect(all).toContain(sentence);
  expect(calls).not.toContain('helm');
});

describeWithGit('publish-results.bash', () => {
  const env = { GITHUB_RUN_ID: '7', GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'me/f2c' };
  const origin = () => join(folder, 'origin');
  const published = async (branch: string) =>
    (await execa('git', ['ls-tree', '-r', '--name-only', branch], { cwd: origin() })).stdout.split('\n');

  beforeEach(async () => {
    await execa('git', ['init', '--quiet', '--bare', origin()]);
    await git('init', '--quiet', '--initial-branch', 'main');
    mkdirSync(join(folder, 'results'));
    writeFileSync(join(folder, 'results/files.ts'), '');
    await git('add', 'results');
    await git('commit', '--quiet', '--message', 'before');
    await git('remote', 'add', 'origin', origin());
    const download = 'mkdir -p dist/comparison/2026; echo PDF >dist/comparison/2026/report.pdf';
    // A pull request is there once it was created.
    fake(
      'gh',
      `case $1\\ $2 in run*) ${download} ;; pr\\ create) touch pr ;; pr\\ list) ! test -e pr || echo 1 ;; esac`,
    );
  });

  test('opens a pull request with what was measured, and not another one when it is started again', async () => {
    const files = ['results/2026/report.pdf', 'results/files.ts', 'results/report.pdf'];
    const first = await run(script('publish-results.bash'), env);
    expect(first.exitCode, first.all).toBe(0);
    expect(first.calls).toContain('gh pr create --head results-7');
    expect(await published('results-7')).toEqual(files);
    // A job that is started again has a checkout of its own.
    await git('switch', '--quiet', 'main');
    await git('branch', '--delete', '--force', 'results-7');
    rmSync(join(folder, 'dist'), { recursive: true });
    const again = await run(script('publish-results.bash'), env);
    expect(again.exitCode, again.all).toBe(0);
    expect(again.calls).not.toContain('gh pr create');
    expect(await published('results-7')).toEqual(files);
  });

  test('once its pull request is merged, it has nothing to publish', async () => {
    await run(script('publish-results.bash'), env);
    await git('switch', '--quiet', 'main');
    await git('merge', '--quiet', 'results-7');
    await git('branch', '--delete', '--force', 'results-7');
    const { exitCode, all, calls } = await run(script('publish-results.bash'), env);
    expect(exitCode, all).toBe(0);
    expect(all).toContain('has them already');
    expect(calls).not.toContain('gh pr create');
  });
});

describe('base-images.ts', () => {
  /** Runs it for an image, with a registry that gives this digest. */
  function pin(image: string, digest: string) {
    fake('docker', `echo ${digest}`);
    return run(typescript('base-images.ts', image));
  }
  const pinned = (image: string) =>
    parse(readFileSync(join(folder, `base-images-${image}.json`), 'utf8')) as {
      target: Record<string, { args: Record<string, string>; labels: Record<string, string> }>;
    };

  test('pins base images whose digest is not there yet, and records the last one', async () => {
    mkdirSync(join(folder, 'any'));
    const lines = [
      'NODE=26',
      'BUILD_IMAGE=node:${NODE}-slim',
      `TOOL_IMAGE=tool@sha256:1`,
      'RUN_IMAGE=run:1',
      'REVISION=x',
    ];
    writeFileSync(join(folder, 'any/Dockerfile'), lines.map((line) => `ARG ${line}\n`).join(''));
    const { exitCode, all } = await pin('any', DIGEST);
    expect(exitCode, all).toBe(0);
    const args = {
      BUILD_IMAGE: `node:26-slim@${DIGEST}`,
      TOOL_IMAGE: 'tool@sha256:1',
      RUN_IMAGE: `run:1@${DIGEST}`,
    };
    const labels = { 'org.opencontainers.image.base.name': 'run:1', 'org.opencontainers.image.base.digest': DIGEST };
    expect(pinned('any')).toEqual({ target: { any: { args, labels } } });
  });

  test.each(['function', 'tfserving', 'loadtest'])('leaves no base image of %s without a digest', async (image) => {
    symlinkSync(resolve(image), join(folder, image));
    const { exitCode, all } = await pin(image, DIGEST);
    expect(exitCode, all).toBe(0);
    const stages = readFileSync(join(image, 'Dockerfile'), 'utf8').matchAll(/^FROM \$\{(\w+)\}/gm);
    const digests = [...stages].map(([, name]) => [name, expect.stringMatching(`.@${DIGEST}$`) as string]);
    expect(pinned(image).target[image]!.args).toEqual(Object.fromEntries(digests));
  });

  test('wants an image that is there', async () => {
    const { exitCode, all } = await pin('functoin', DIGEST);
    expect({ exitCode, all }).toEqual({
      exitCode: 2,
      all: 'base-images wants the folders of images, such as function; functoin/Dockerfile is not there.',
    });
  });

  test('fails where the registry gives no digest', async () => {
    symlinkSync(resolve('function'), join(folder, 'function'));
    const { exitCode, all } = await pin('function', 'nothing');
    expect(exitCode).not.toBe(0);
    expect(all).toContain('The registry gave no digest of node:');
  });
});
