import { execa } from 'execa';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import packageLock from '../../package-lock.json' with { type: 'json' };
import { notesOf, release } from '../scripts/changelog.ts';
import { movingTags } from '../scripts/release/versions.ts';
import { describeWithHelm } from '../../test/needs.ts';
import { PLACES } from '../scripts/version.ts';

describe('the version', () => {
  test('of the lockfile is that of package.json', () => {
    expect([packageLock.version, packageLock.packages[''].version]).toEqual([packageJson.version, packageJson.version]);
  });

  test.each(PLACES)('in %s is that of package.json', (file, pattern) => {
    const versions = readFileSync(file, 'utf8').match(pattern);
    expect(versions).not.toBeNull();
    expect(new Set(versions)).toEqual(new Set([packageJson.version]));
  });

  test('of an image is named nowhere else', () => {
    const skipped = /(^|\/)(node_modules|dist|\.venv|coverage|tests|fixtures)\/|^\.github\/test\//;
    const files = globSync(['**/*.{ts,md,yaml,hcl}', '.github/**/*.{ts,yaml,bash}', '.ci/run'], {
      exclude: (file) => skipped.test(`${file}/`),
    });
    const known = PLACES.map(([file]) => file);
    // In an address, a port follows the name.
    const image = /(?<!\/\/)\bf2c-(function|tfserving|loadtest):\d/;
    const naming = files.filter((file) => image.test(readFileSync(file, 'utf8')));
    expect(naming).not.toHaveLength(0);
    expect(naming.filter((file) => !known.includes(file))).toEqual([]);
  });
});

describe('npm version', () => {
  let copy: string;
  beforeAll(async () => {
    copy = mkdtempSync(join(tmpdir(), 'f2c-version-'));
    const left = new Set(['node_modules', '.git', '.venv', 'coverage', 'dist']);
    cpSync('.', copy, { recursive: true, filter: (file) => !left.has(basename(file)) });
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
    writeFileSync(join(copy, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- New.\n');
    await execa('npm', ['version', '9.8.7-rc.1'], { cwd: copy });
  });
  afterAll(() => {
    rmSync(copy, { recursive: true });
  });

  test('changes it everywhere, and nothing else', () => {
    for (const [file, pattern] of PLACES) {
      const [before, after] = ['.', copy].map((folder) => readFileSync(join(folder, file), 'utf8'));
      expect(after).toBe(before!.replaceAll(pattern, '9.8.7-rc.1'));
      expect(after).toContain('9.8.7-rc.1');
    }
    for (const file of ['package.json', 'package-lock.json']) {
      expect(readFileSync(join(copy, file), 'utf8')).toContain('"version": "9.8.7-rc.1"');
    }
  });

  test('leaves what was unreleased as the notes of the release', async () => {
    const { stdout } = await execa('npm', ['run', '--silent', 'notes', '--', 'v9.8.7-rc.1'], { cwd: copy });
    expect(stdout).toBe('- New.');
  });

  test.each([
    [
      'nothing is unreleased',
      () => writeFileSync(join(copy, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n'),
      'nothing under',
    ],
    ['a file has no version', () => writeFileSync(join(copy, 'function/openapi.yaml'), ''), 'names no version'],
    ['a file is missing', () => rmSync(join(copy, 'README.md')), 'ENOENT'],
    ["a file can't be written", () => mkdirSync(join(copy, 'README.md.next')), 'EISDIR'],
  ])('changes nothing where %s', async (_, spoil, message) => {
    const git = (...args: string[]) =>
      execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: copy });
    await git('init', '--quiet');
    writeFileSync(join(copy, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- Newer.\n');
    await git('add', '--all', '--force', '.', ':!node_modules');
    await git('commit', '--quiet', '--allow-empty', '--message', 'before');
    spoil();
    const state = async () => [(await git('diff')).stdout, (await git('status', '--short')).stdout];
    const before = await state();
    const { exitCode, stderr } = await execa('npm', ['version', '9.9.9'], { cwd: copy, reject: false });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(message);
    expect((await state())[0]).toBe(before[0]);
    expect((await state())[1]).not.toContain('.next');
    await git('checkout', '--quiet', 'HEAD', '.');
  });

  describeWithHelm('with helm', () => {
    test('is the version of the charts that are published, and of their images', async () => {
      await execa('npm', ['run', 'package:charts', '--', '--registry', 'docker.io/me'], { cwd: copy });
      const packages = globSync('dist/charts/*.tgz', { cwd: copy }).sort();
      const names = ['f2c-function', 'f2c-loadtest', 'f2c-tfserving'];
      expect(packages.map((file) => basename(file))).toEqual(names.map((name) => `${name}-chart-9.8.7-rc.1.tgz`));
      for (const [index, file] of packages.entries()) {
        const { stdout: chart } = await execa('helm', ['show', 'chart', file], { cwd: copy });
        expect(parse(chart)).toMatchObject({ version: '9.8.7-rc.1', appVersion: '9.8.7-rc.1' });
        const { stdout: objects } = await execa('helm', ['template', 'f2c', file], { cwd: copy });
        const images = objects.match(/(?<=\bimage: ")[^"]+/g);
        expect(images).toContain(`docker.io/me/${names[index]!}:9.8.7-rc.1`);
        for (const image of images!) expect(image).toMatch(/^docker\.io\/me\/f2c-\w+:9\.8\.7-rc\.1$/);
        expect(objects).toContain(`app.kubernetes.io/name: "${names[index]!}"\n`);
      }
    });
  });
});

describe('the tags of images', () => {
  test.each([
    ['0.2.0', ['0.1.0', 'edge', 'sha-0123456'], ['0.2', 'latest']],
    ['0.1.1', ['0.1.0', '0.2.0'], ['0.1']],
    ['1.0.0', ['0.2.0', '1.0.0-rc.1'], ['1.0', '1', 'latest']],
    ['1.4.1', ['1.4.0', '1.10.0', '2.0.0'], ['1.4']],
    ['1.10.1', ['1.9.9', '1.10.0', '2.0.0-rc.1', '2', '2.0', 'latest'], ['1.10', '1', 'latest']],
    ['1.2.3', ['1.2.3', '1.2.4'], []],
    ['2.0.0-rc.1', ['1.0.0'], []],
  ])('that move to %s after %j', (version, published, expected) => {
    expect(movingTags(version, published)).toEqual(expected);
  });
});

describe('the changelog', () => {
  const CHANGELOG = '# Changelog\n\n## Unreleased\n\n### Added\n\n- Two.\n\n## 1.0.0 - 2026-01-01\n\n- One.\n';

  test('has what was unreleased under the version, and room for more', () => {
    const released = release(CHANGELOG, '1.1.0', '2026-02-02');
    expect(released).toContain('\n## Unreleased\n\n## 1.1.0 - 2026-02-02\n\n### Added\n\n- Two.\n\n## 1.0.0');
    expect(notesOf(released, 'v1.1.0', '1.1.0')).toBe('### Added\n\n- Two.');
    expect(notesOf(released, 'v1.0.0', '1.0.0')).toBe('- One.');
  });

  test('has in a final version what its candidates have brought, once and in their order', () => {
    const add = (changelog: string, entries: string) => changelog.replace('Unreleased\n', `Unreleased\n\n${entries}\n`);
    const first = release(add(CHANGELOG, '### Fixed\n\n- Three.'), '1.1.0-rc.1', '2026-02-02');
    const second = release(add(first, '### Added\n\n- Four.'), '1.1.0-rc.10', '2026-02-03');
    expect(notesOf(second, 'v1.1.0-rc.10', '1.1.0-rc.10')).toBe('### Added\n\n- Four.');
    const final = release(second, '1.1.0', '2026-02-04');
    expect(notesOf(final, 'v1.1.0', '1.1.0')).toBe('### Fixed\n\n- Three.\n\n### Added\n\n- Two.\n- Four.');
    expect(final).not.toContain('rc');
    expect(final).toMatch(/\n## Unreleased\n\n## 1\.1\.0 - 2026-02-04\n[^]*\n\n## 1\.0\.0 - 2026-01-01\n\n- One\.\n$/);
    expect(release(add(second, '- Five.'), '1.2.0', '')).toContain('rc.10');
  });

  test.each([
    ['a version that is there', () => release(CHANGELOG, '1.0.0', '2026-02-02'), 'tells of 1.0.0 already'],
    ['nothing to release', () => release(release(CHANGELOG, '1.1.0', ''), '1.2.0', ''), 'nothing under "Unreleased"'],
    ['a tag of another version', () => notesOf(CHANGELOG, 'v1.0.1', '1.0.0'), 'v1.0.1 is on a commit of version 1.0.0'],
    ['a version without notes', () => notesOf(CHANGELOG, 'v1.0', '1.0'), 'says nothing of 1.0:'],
  ])('refuses %s', (_, body, message) => {
    expect(body).toThrow(message);
  });
});
