// Runs the scripts of the workflows, with fakes of the programs that need a cluster, a registry or GitHub.

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

const script = (name: string, ...args: string[]) => [resolve('.github/scripts', name), ...args];

describe('compare.bash', () => {
  const compare = (exitCode: number) => `[[ $* != *' compare '* ]] || { echo dist/comparison/1; exit ${exitCode}; }`;

  test.each([
    [0, false],
    [3, true],
  ])('makes a report when compare ends with %i', async (compared, isNoticed) => {
    fake('npm', compare(compared));
    const { exitCode, all, calls } = await run(script('compare.bash', '--quick'));
    expect(exitCode).toBe(0);
    expect(calls).toBe(
      'npm run --silent compare -- --results dist/comparison --quick\nnpm run report -- dist/comparison/1\n',
    );
    expect(all.includes('::notice title=Some loads are INVALID::')).toBe(isNoticed);
  });

  test('fails when compare broke', async () => {
    fake('npm', compare(1));
    const { exitCode, calls } = await run(script('compare.bash'));
    expect(exitCode).toBe(1);
    expect(calls).not.toContain('report');
  });
});

describe('helm.bash', () => {
  /** Makes what Helm's site has of a release; its helm tells its own version. */
  async function release(major: string, sum?: string): Promise<Record<string, string>> {
    const [, version = ''] = new RegExp(`HELM_${major}=(.*)`).exec(readFileSync('.github/scripts/helm.bash', 'utf8'))!;
    const platform = `linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
    mkdirSync(join(folder, platform));
    writeFileSync(join(folder, platform, 'helm'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const archive = `helm-${version}-${platform}.tar.gz`;
    await execa('tar', ['--create', '--gzip', '--file', archive, platform], { cwd: folder });
    const { stdout } = await execa('sha256sum', [archive], { cwd: folder });
    writeFileSync(join(folder, `${archive}.sha256sum`), sum ? `${sum}  ${archive}\n` : stdout);
    return { HELM_RELEASES: `file://${folder}`, GITHUB_PATH: join(folder, 'paths') };
  }

  test.each(['3', '4'])('puts Helm %s on the PATH of later steps', async (major) => {
    const env = await release(major);
    const { exitCode, all } = await run(script('helm.bash', major), env);
    expect(exitCode, all).toBe(0);
    const bin = readFileSync(env.GITHUB_PATH!, 'utf8').trim();
    expect((await execa(join(bin, 'helm'))).stdout).toMatch(new RegExp(`^v${major}\\.`));
    rmSync(dirname(bin), { recursive: true });
  });

  test('takes no Helm whose checksum is wrong', async () => {
    const env = await release('3', '0'.repeat(64));
    const { exitCode, all } = await run(script('helm.bash', '3'), env);
    expect(exitCode).not.toBe(0);
    expect(all).toContain('FAILED');
    expect(existsSync(env.GITHUB_PATH!)).toBe(false);
  });
});

test('cluster-logs.bash collects what a cluster of kind has logged', async () => {
  fake('kind', 'mkdir -p "$3"');
  fake('kubectl', 'echo an event');
  const { exitCode, calls } = await run(script('cluster-logs.bash'));
  expect(exitCode).toBe(0);
  expect(calls).toContain('kind export logs dist/cluster-logs --name f2c\n');
  expect(readFileSync(join(folder, 'dist/cluster-logs/events.txt'), 'utf8')).toBe('an event\n');
});

const describeWithGit = describeIf(spawnSync('git', ['--version']).status === 0, 'git is not on PATH');

describeWithGit('changes.bash', () => {
  const ALL = ['charts', 'compare', 'e2e', 'function', 'helm4', 'images', 'python', 'workflows'];
  const CLUSTER = ['compare', 'e2e', 'helm4'];

  /** The jobs that a pull request needs which adds some files. */
  async function jobsFor(...files: string[]): Promise<string[]> {
    const git = (...args: string[]) =>
      execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder });
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
    const git = (...args: string[]) =>
      execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder });
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

test('download.bash takes what the jobs before have kept', async () => {
  fake('gh');
  const { exitCode, calls } = await run(script('download.bash', 'plan', 'digest-*'), { GITHUB_RUN_ID: '7' });
  expect(exitCode).toBe(0);
  expect(calls).toBe('gh run download 7 --pattern plan --dir dist\ngh run download 7 --pattern digest-* --dir dist\n');
});

describe('npm run package:charts', () => {
  const packageCharts = [process.execPath, resolve('.github/scripts/package-charts.ts')];

  test.each([
    [
      ['--registry', 'docker.io/Me'],
      "--registry <name>' argument 'docker.io/Me' is invalid. A registry is wanted, in low",
    ],
    [['--registry', 'docker.io/'], "argument 'docker.io/' is invalid. A registry is wanted"],
    [
      ['--registry', 'a', '--chart-version', '1.2'],
      "argument '1.2' is invalid. A version is wanted, such as 1.2.3 or 1.2.3-rc.1.",
    ],
    [
      ['--registry', 'a', '--image-tag', 'sha-+'],
      "argument 'sha-+' is invalid. A tag is wanted, of letters, digits, dots, dashes and",
    ],
  ])('packages nothing with %j', async (options, sentence) => {
    fake('helm');
    const { exitCode, all, calls } = await run([...packageCharts, ...options]);
    expect(exitCode).not.toBe(0);
    expect(all).toContain(sentence);
    expect(calls).not.toContain('helm');
  });
});

describeWithGit('publish-results.bash', () => {
  const env = { GITHUB_RUN_ID: '7', GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'me/f2c' };
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder });
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

  test('opens a pull request with what was measured', async () => {
    const { exitCode, all, calls } = await run(script('publish-results.bash'), env);
    expect(exitCode, all).toBe(0);
    expect(await published('results-7')).toEqual(['results/2026/report.pdf', 'results/files.ts', 'results/report.pdf']);
    expect(calls).toMatch(/gh pr create --head results-7 .*https:\/\/github.com\/me\/f2c\/actions\/runs\/7\.\n$/);
  });

  test('started again, it leaves one branch and one pull request', async () => {
    await run(script('publish-results.bash'), env);
    // A job that is started again has a checkout of its own.
    await git('switch', '--quiet', 'main');
    await git('branch', '--delete', '--force', 'results-7');
    rmSync(join(folder, 'dist'), { recursive: true });
    const { exitCode, all, calls } = await run(script('publish-results.bash'), env);
    expect(exitCode, all).toBe(0);
    expect(calls).not.toContain('gh pr create');
    expect(await published('results-7')).toHaveLength(3);
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
  const baseImages = (image: string) => [process.execPath, resolve('.github/scripts/base-images.ts'), image];

  test.each([
    ['function', { BUILD_IMAGE: 'node:', RUN_IMAGE: 'gcr.io/distroless/nodejs' }],
    ['tfserving', { TFSERVING_IMAGE: 'tensorflow/serving:' }],
    ['loadtest', { LOCUST_IMAGE: 'locustio/locust:' }],
  ])('pins all base images of %s for bake', async (image, expected) => {
    symlinkSync(resolve(image), join(folder, image));
    fake('docker', `echo ${DIGEST}`);
    const { exitCode, all } = await run(baseImages(image));
    expect(exitCode, all).toBe(0);
    const file = readFileSync(join(folder, `base-images-${image}.json`), 'utf8');
    const { target } = parse(file) as { target: Record<string, Record<'args' | 'labels', Record<string, string>>> };
    const { args, labels } = target[image]!;
    expect(Object.keys(args)).toEqual(Object.keys(expected));
    for (const [name, reference] of Object.entries(args)) {
      expect(reference.startsWith(expected[name as keyof typeof expected])).toBe(true);
      expect(reference).toMatch(new RegExp(`:[\\w.-]+@${DIGEST}$`));
    }
    const [name, digest] = Object.values(args).at(-1)!.split('@');
    expect(labels).toEqual({
      'org.opencontainers.image.base.name': name,
      'org.opencontainers.image.base.digest': digest,
    });
  });

  test('wants an image that is there', async () => {
    const { exitCode, all } = await run(baseImages('functoin'));
    expect({ exitCode, all }).toEqual({
      exitCode: 2,
      all: 'base-images wants the folders of images, such as function; functoin/Dockerfile is not there.',
    });
  });

  test('keeps a digest that is there', async () => {
    mkdirSync(join(folder, 'function'));
    writeFileSync(join(folder, 'function/Dockerfile'), `ARG RUN_IMAGE=node:26@${DIGEST}\n`);
    fake('docker');
    const { exitCode, calls } = await run(baseImages('function'));
    expect({ exitCode, calls }).toEqual({ exitCode: 0, calls: '' });
    expect(readFileSync(join(folder, 'base-images-function.json'), 'utf8')).toContain(`"node:26@${DIGEST}"`);
  });

  test('fails where the registry gives no digest', async () => {
    symlinkSync(resolve('function'), join(folder, 'function'));
    fake('docker', 'echo nothing');
    const { exitCode, all } = await run(baseImages('function'));
    expect(exitCode).not.toBe(0);
    expect(all).toContain('The registry gave no digest of node:26-trixie-slim');
  });
});
