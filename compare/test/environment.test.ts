// What a run records of its surroundings, asked of a real git.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openShell } from '../../lib/shell.ts';
import { describeIf } from '../../test/needs.ts';
import { commitOf } from '../environment.ts';

const describeWithGit = describeIf(spawnSync('git', ['--version']).status === 0, 'git is not on PATH');

describeWithGit('the commit of a run', () => {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'f2c-git-')));
  afterAll(() => rmSync(place, { recursive: true }));
  afterEach(() => void vi.unstubAllEnvs());

  const own = join(place, 'own');
  const other = join(place, 'other');
  const git = async (folder: string, ...args: string[]) =>
    (await execa('git', ['-C', folder, '-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args])).stdout;
  const asked = (folder: string) => commitOf(folder, openShell(new AbortController().signal));
  let commit: string;
  beforeAll(async () => {
    for (const folder of [own, other]) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'package.json'), folder);
      await git(folder, 'init', '--quiet');
      await git(folder, 'add', '.');
      await git(folder, 'commit', '--quiet', '--message=first');
    }
    commit = await git(own, 'rev-parse', 'HEAD');
  });

  test('is that of its clone, also where it is one inside another, a worktree or has another name', async () => {
    expect(await asked(own)).toEqual({ commit, dirty: false });
    const inside = join(other, 'clone');
    await git(place, 'clone', '--quiet', own, inside);
    const renamed = join(other, 'renamed');
    renameSync(inside, renamed);
    expect(await asked(renamed)).toEqual({ commit, dirty: false });
    const worktree = join(other, 'worktree');
    await git(own, 'worktree', 'add', '--quiet', worktree);
    expect(await asked(worktree)).toEqual({ commit, dirty: false });
  });

  test('is none where the files were unpacked inside the clone of something else', async () => {
    const unpacked = join(other, 'unpacked');
    mkdirSync(unpacked);
    cpSync(join(own, 'package.json'), join(unpacked, 'package.json'));
    expect(await asked(unpacked)).toBeNull();
    vi.stubEnv('GIT_DIR', join(other, '.git'));
    expect(await asked(unpacked)).toBeNull();
  });

  test('is not that which the environment names', async () => {
    vi.stubEnv('GIT_DIR', join(other, '.git'));
    vi.stubEnv('GIT_WORK_TREE', other);
    expect(await asked(own)).toEqual({ commit, dirty: false });
  });

  test('says of changed and of new files that they differ, and not of results', async () => {
    const changed = join(place, 'changed');
    cpSync(own, changed, { recursive: true });
    mkdirSync(join(changed, 'results'));
    writeFileSync(join(changed, 'results/summary.csv'), '');
    await git(changed, 'config', 'status.showUntrackedFiles', 'no');
    expect(await asked(changed)).toEqual({ commit, dirty: false });
    writeFileSync(join(changed, 'new.ts'), '');
    expect(await asked(changed)).toEqual({ commit, dirty: true });
  });
});
