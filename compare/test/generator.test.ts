// Installs and runs the load generator on this machine, with fakes of Python, so that nothing is downloaded.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openShell } from '../../lib/shell.ts';
import { openGenerator } from '../local/generator.ts';

/** What Debian's python3 prints on standard output where the package python3-venv is missing. */
const DEBIAN = `The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3.11-venv`;

const ASKED = { target: 'function', url: 'http://127.0.0.1:8080', record: '{}' };

let folder: string;
let venv: string;
let python: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'generator-'));
  venv = join(folder, '.venv');
  python = join(venv, 'bin/python');
  mkdirSync(join(folder, 'bin'));
  vi.stubEnv('PATH', [join(folder, 'bin'), process.env.PATH].join(delimiter));
  fake(join(folder, 'bin/uv'), 'exit 1');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Makes a program that records its arguments, and then runs `body`. */
function fake(file: string, body: string): void {
  writeFileSync(file, `#!/bin/sh\necho "$*" >>'${join(folder, 'calls')}'\n${body}\n`, { mode: 0o755 });
}

/** Makes a python3 whose venv has a working pip. */
function fakePython(generator = 'exit 0'): void {
  const installed = join(folder, 'python');
  fake(installed, `case $2 in f2c_loadtest) ${generator};; esac`);
  fake(join(folder, 'bin/python3'), `rm -rf '${venv}'; mkdir -p '${join(venv, 'bin')}'; cp '${installed}' '${python}'`);
}

const open = () => openGenerator(openShell(new AbortController().signal), () => undefined, venv);
const calls = () => readFileSync(join(folder, 'calls'), 'utf8').split('\n');

describe('the Python environment', () => {
  test('that Debian can only half make: its own words say which package is missing', async () => {
    fake(
      join(folder, 'bin/python3'),
      `mkdir -p '${join(venv, 'bin')}'; ln -s "$0" '${python}'; printf '%s\\n' '${DEBIAN}'; exit 1`,
    );
    await expect(open()).rejects.toMatchObject({
      message: `This failed: python3 -m venv --clear ${venv}`,
      details: DEBIAN,
    });
    expect(existsSync(python)).toBe(true);

    fakePython();
    await open();
    expect(calls()).toContain(`-m venv --clear ${venv}`);
    expect(calls().at(-2)).toMatch(/^-m pip install .*--require-hashes --requirement .*loadtest\/requirements\.txt$/);
  });

  test('whose Python is gone is made anew', async () => {
    mkdirSync(join(venv, 'bin'), { recursive: true });
    symlinkSync(join(folder, 'gone'), python);
    fakePython();
    await open();
    expect(calls()).toContain(`-m venv --clear ${venv}`);
  });

  test('that works is used again', async () => {
    fakePython();
    await open();
    writeFileSync(join(folder, 'calls'), '');
    await open();
    expect(calls()).toContain(`-m venv ${venv}`);
  });
});

describe('an environment that is set up for other Pythons', () => {
  test('changes nothing: packages come into the environment of the project, and its modules are found', async () => {
    const names = ['PIP_USER', 'PIP_TARGET', 'PYTHONHOME', 'PYTHONPATH', 'PYTHONSAFEPATH', 'UV_SYSTEM_PYTHON'];
    for (const name of names) vi.stubEnv(name, '1');
    fakePython(`env >'${join(folder, 'env')}'; exit 1`);
    const { load: generate } = await open();
    const load = { target: 'function', steps: [], settleSeconds: 0, seed: 1 } as const;
    await expect(generate({ ...load, steps: [] }, ASKED)).rejects.toThrow('ended with exit code 1');
    const seen = readFileSync(join(folder, 'env'), 'utf8').split('\n');
    expect(seen.filter((line) => names.includes(line.replace(/=.*/, '')))).toEqual(['PIP_USER=0']);
  });

  test('by a file is named, where pip would install elsewhere', async () => {
    fakePython();
    const installed = join(folder, 'python');
    fake(installed, `case "$*" in *'config list'*) echo "install.target='/elsewhere'";; esac`);
    await expect(open()).rejects.toThrow(
      `pip is set to install packages elsewhere than in ${venv}: install.target='/elsewhere'.`,
    );
    expect(calls().join()).not.toContain('pip install');
  });

  test('on Windows is said not to be supported, before anything is installed', async () => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32');
    await expect(open()).rejects.toThrow('does not run on Windows: run this in WSL');
    vi.restoreAllMocks();
    expect(existsSync(join(folder, 'calls'))).toBe(false);
  });
});

test.each([
  ['kill -KILL $$', 'was killed by SIGKILL, as also happens when a machine runs out of memory (exit code 137).'],
  ['echo BROKEN function: why; exit 1', 'ended with exit code 1: BROKEN function: why'],
])('a load generator that ends by %j says so', async (generator, how) => {
  fakePython(generator);
  const { load: generate } = await open();
  const load = { target: 'function', steps: [{ seconds: 1, users: 1 }], settleSeconds: 0, seed: 1 } as const;
  const ended = generate({ ...load, steps: [...load.steps] }, ASKED);
  await expect(ended).rejects.toThrow(`The load generator ${how}`);
});
