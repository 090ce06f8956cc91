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
  const ALL = ['charts', 'compare', 'coverage', 'e2e', 'helm4', 'images', 'python', 'workflows'];
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
    ['the function', ['function/src/celsius.ts'], [...CLUSTER, 'coverage', 'images'].sort()],
    ['a chart', ['tfserving/chart/values.yaml'], ['charts', ...CLUSTER].sort()],
    ['an image', ['model/Dockerfile'], [...CLUSTER, 'images', 'workflows'].sort()],
    ['the load generator', ['loadtest/f2c_loadtest/timer.py'], [...CLUSTER, 'images', 'python'].sort()],
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
  test.each([
    [{ DOCKERHUB_USERNAME: 'me', DOCKERHUB_TOKEN: 'hunter2' }, 'publish=true\n'],
    [{ DOCKERHUB_USERNAME: 'me', DOCKERHUB_TOKEN: '' }, 'publish=false\n'],
    [{ DOCKERHUB_USERNAME: '', DOCKERHUB_TOKEN: '' }, 'publish=false\n'],
  ])('with %j says %j', async (env, expected) => {
    const { exitCode, all, output } = await run(script('account.bash'), env);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: expected });
    expect(all.includes('::notice title=Nothing is published::')).toBe(expected.includes('false'));
    expect(all).not.toContain('hunter2');
  });

  test.each(['Me', 'me@example.org', ' me', 'me\n', ' ', 'me/you', '-me', 'mé'])(
    'refuses %j, which no image can have in its name, before anything is built',
    async (DOCKERHUB_USERNAME) => {
      const env = { DOCKERHUB_USERNAME, DOCKERHUB_TOKEN: 'hunter2' };
      const { exitCode, all, output } = await run(script('account.bash'), env);
      expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
      expect(all).toBe(
        '::error title=Nothing is published::The secret DOCKERHUB_USERNAME is no name that images can have: ' +
          'set it to the Docker ID alone, in lowercase letters and digits, without spaces.',
      );
    },
  );
});

describe('sign-image.bash', () => {
  const env = { IMAGE: 'function', DOCKERHUB_USERNAME: 'me' };

  test('signs what was pushed by its digest', async () => {
    fake('cosign');
    const METADATA = JSON.stringify({ function: { 'containerimage.digest': DIGEST } });
    const { exitCode, calls } = await run(script('sign-image.bash'), { ...env, METADATA });
    expect(exitCode).toBe(0);
    expect(calls).toBe(`cosign sign --yes docker.io/me/f2c-function@${DIGEST}\n`);
  });

  test('fails where there is no digest', async () => {
    fake('cosign');
    const { exitCode, calls } = await run(script('sign-image.bash'), { ...env, METADATA: '{}' });
    expect(exitCode).not.toBe(0);
    expect(calls).toBe('');
  });
});

describe('publish-charts.bash', () => {
  const env = { DOCKERHUB_USERNAME: 'me', DOCKERHUB_TOKEN: 'secret', GITHUB_SHA: 'abcdef0123456789' };
  const onTag = { ...env, GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v1.2.3' };
  const onMain = { ...env, GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main' };
  const pushes = `[[ $1 != push ]] || echo 'Digest: ${DIGEST}' >&2; [[ $1 != registry ]] || read -r password`;

  test.each([
    [onTag, '1.2.3', '1.2.3'],
    [onMain, '0.0.0-edge', 'sha-abcdef0'],
  ])('pushes and signs each chart: %j', async (env, version, tag) => {
    fake('npm', `mkdir -p dist/charts && touch dist/charts/f2c-{function,loadtest}-chart-${version}.tgz`);
    fake('helm', pushes);
    fake('cosign');
    const { exitCode, calls } = await run(script('publish-charts.bash'), env);
    expect(exitCode).toBe(0);
    expect(calls.trim().split('\n')).toEqual([
      `npm run package:charts -- --registry docker.io/me --chart-version ${version} --image-tag ${tag}`,
      'helm registry login registry-1.docker.io --username me --password-stdin',
      ...['f2c-function-chart', 'f2c-loadtest-chart'].flatMap((name) => [
        `helm push dist/charts/${name}-${version}.tgz oci://registry-1.docker.io/me`,
        `cosign sign --yes docker.io/me/${name}@${DIGEST}`,
      ]),
    ]);
  });

  test.each([
    [
      { DOCKERHUB_USERNAME: 'Me' },
      "--registry <name>' argument 'docker.io/Me' is invalid. A registry is wanted, in low",
    ],
    [{ DOCKERHUB_USERNAME: '' }, "argument 'docker.io/' is invalid. A registry is wanted"],
    [{ GITHUB_REF_NAME: 'v1.2' }, "argument '1.2' is invalid. A version is wanted, such as 1.2.3 or 1.2.3-rc.1."],
    [
      { GITHUB_REF_TYPE: 'branch', GITHUB_SHA: '+' },
      "argument 'sha-+' is invalid. A tag is wanted, of letters, digits, dots, dashes and underscores.",
    ],
  ])('packages and pushes nothing with %j', async (wrong, sentence) => {
    fake('npm', `shift 3 && exec '${process.execPath}' '${resolve('.github/scripts/package-charts.ts')}' "$@"`);
    fake('helm');
    const { exitCode, all, calls } = await run(script('publish-charts.bash'), { ...onTag, ...wrong });
    expect(exitCode).not.toBe(0);
    expect(all).toContain(sentence);
    expect(calls).not.toContain('helm');
  });

  test('fails, and signs nothing, where helm gives no digest', async () => {
    fake('npm', 'mkdir -p dist/charts && touch dist/charts/f2c-function-chart-1.2.3.tgz');
    fake('helm');
    fake('cosign');
    const { exitCode, all, calls } = await run(script('publish-charts.bash'), onTag);
    expect(exitCode).not.toBe(0);
    expect(all).toContain('helm push gave no digest');
    expect(calls).not.toContain('cosign');
  });
});

describe('github-release.bash', () => {
  const env = { GITHUB_RUN_ID: '7', GITHUB_REF_NAME: 'v1.2.3' };
  beforeEach(() => {
    fake('npm', 'echo Notes.');
    fake('gh', '[[ $1 != run ]] || { mkdir -p dist/release/release-charts; touch dist/release/release-charts/a.tgz; }');
  });

  test('attaches what the jobs before kept', async () => {
    const { exitCode, calls } = await run(script('github-release.bash'), env);
    expect(exitCode).toBe(0);
    const options = '--verify-tag --title v1.2.3 --notes Notes.';
    expect(calls).toContain(`gh release create v1.2.3 ${options} dist/release/release-charts/a.tgz\n`);
  });

  test('attaches the report where one is published', async () => {
    mkdirSync(join(folder, 'results'));
    writeFileSync(join(folder, 'results/report.pdf'), '');
    const { calls } = await run(script('github-release.bash'), env);
    expect(calls).toContain(' dist/release/release-charts/a.tgz results/report.pdf\n');
  });

  test('calls a version such as 1.2.3-rc.1 a pre-release', async () => {
    const { calls } = await run(script('github-release.bash'), { ...env, GITHUB_REF_NAME: 'v1.2.3-rc.1' });
    expect(calls).toContain('gh release create v1.2.3-rc.1 ');
    expect(calls).toContain(' --prerelease ');
  });
});

describeWithGit('publish-results.bash', () => {
  test('opens a pull request with what was measured', async () => {
    await execa('git', ['init', '--quiet', folder]);
    fake('gh', `[[ $1 != run ]] || { mkdir -p dist/comparison/2026; echo PDF >dist/comparison/2026/report.pdf; }`);
    mkdirSync(join(folder, 'results'));
    const origin = join(folder, 'origin');
    await execa('git', ['init', '--quiet', '--bare', origin]);
    await execa('git', ['remote', 'add', 'origin', origin], { cwd: folder });
    const env = { GITHUB_RUN_ID: '7', GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'me/f2c' };
    const { exitCode, all, calls } = await run(script('publish-results.bash'), env);
    expect(exitCode, all).toBe(0);
    const { stdout } = await execa('git', ['ls-tree', '-r', '--name-only', 'results-7'], { cwd: origin });
    expect(stdout.split('\n')).toEqual(['results/2026/report.pdf', 'results/report.pdf']);
    expect(calls).toMatch(/gh pr create --head results-7 .*https:\/\/github.com\/me\/f2c\/actions\/runs\/7\.\n$/);
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
      all: 'base-images wants the folder of an image, such as function; functoin/Dockerfile is not there.',
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
