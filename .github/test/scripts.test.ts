// The scripts of the workflows, with fakes of the programs that need a cluster, a registry or GitHub.

import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'f2c-scripts-'));
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Puts a program on PATH that notes how it was called, and then does what `body` says. */
function fake(name: string, body = ''): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/usr/bin/env bash\necho "${name} $*" >>"$CALLS"\n${body}\n`, { mode: 0o755 });
}

/** Runs a program in the folder, in which there is nothing but what the test has put there. */
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

test('cluster.bash loads the images of this version, and waits for metrics that it has pinned', async () => {
  fake('npm', `echo '"1.2.3"'`);
  fake('kind');
  fake('kubectl');
  const { exitCode, calls } = await run(script('cluster.bash'));
  expect(exitCode).toBe(0);
  expect(calls).toContain('kind load docker-image f2c-function:1.2.3 f2c-tfserving:1.2.3 f2c-loadtest:1.2.3\n');
  expect(calls).toMatch(/kubectl apply --filename https:\S+\/v\d+\.\d+\.\d+\/components.yaml\n/);
  expect(calls).toMatch(/kubectl wait .*\n$/);
});
