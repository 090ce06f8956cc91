// Runs the load generator on this machine, in a Python environment of its own.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describeEnding } from '../../lib/exit-reason.ts';
import { Failure } from '../../lib/failure.ts';
import { ROOT } from '../../lib/project.ts';
import type { Shell } from '../../lib/shell.ts';
import type { Interface } from '../../results/files.ts';
import type { Load } from '../place.ts';
import type { Files } from '../run/files.ts';
import { parseChecks, type Check } from '../servers/check.ts';

const FOLDER = join(ROOT, 'loadtest');
const REQUIREMENTS = ['--quiet', '--require-hashes', '--requirement', join(FOLDER, 'requirements.txt')];

/**
 * What the environment may have for other Pythons, and would keep this one from finding its modules, or have its packages
 * installed elsewhere. pip takes such settings from its files, too, but a variable wins over them.
 */
const PYTHON_ENVIRONMENT = {
  PIP_USER: '0',
  ...Object.fromEntries(
    ['PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT', 'PIP_PYTHON', 'UV_PYTHON', 'UV_SYSTEM_PYTHON'].map((name) => [
      name,
      undefined,
    ]),
  ),
  PYTHONHOME: undefined,
  PYTHONPATH: undefined,
  PYTHONSAFEPATH: undefined,
  // Its sentences may have letters of any script.
  PYTHONUTF8: '1',
};

/** Where a target is asked, and how. */
export interface Asked {
  target: Interface;
  url: string;
  /** The record, in JSON. */
  record: string;
}

export interface Generator {
  /** Runs a load. @throws Failure if it left no results */
  load: (load: Load, asked: Asked) => Promise<Files>;
  /** Asks once instead: the first case, or all, again and again until it is answered rightly or the seconds are over. */
  check: (asked: Asked, options: { all: boolean; wait: number; signal?: AbortSignal }) => Promise<Check[]>;
}

/**
 * @param venv the folder of its Python environment, which is made if it is missing
 * @returns what the load generator can do with a URL
 */
export async function openGenerator(
  shell: Shell,
  say: (sentence: string) => void,
  venv = join(ROOT, '.venv'),
): Promise<Generator> {
  if (process.platform === 'win32') {
    throw new Failure('The load generator does not run on Windows: run this in WSL, or compare in a cluster.');
  }
  say('The load generator is installed in .venv, the Python environment of the project.');
  const python = join(venv, 'bin/python');
  await installPackages(shell, venv, python);
  const run = async ({ target, url, record }: Asked, args: readonly string[], signal = shell.signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'f2c-record-'));
    const file = join(folder, 'record.json');
    await writeFile(file, record);
    const asked = [`--record=${file}`, `--target=${target}`, `--host=${url}`];
    const ended = await execa(python, ['-m', 'f2c_loadtest', ...asked, ...args], {
      cwd: FOLDER,
      env: PYTHON_ENVIRONMENT,
      cancelSignal: AbortSignal.any([shell.signal, signal]),
      detached: true,
      reject: false,
    }).finally(() => rm(folder, { recursive: true }));
    shell.signal.throwIfAborted();
    return ended;
  };
  const load: Generator['load'] = async (load, asked) => {
    const results = await mkdtemp(join(tmpdir(), 'f2c-loadtest-'));
    try {
      const args = [...argumentsOf(load), `--results=${results}`, '--no-archive'];
      const { stdout, stderr, exitCode, signal, shortMessage } = await run(asked, args);
      // 0 means VALID and 3 means INVALID; both have results.
      if (exitCode !== 0 && exitCode !== 3) {
        const broken = /^BROKEN .*$/m.exec(stdout)?.[0];
        const code = signal ? 128 + constants.signals[signal] : exitCode;
        const how = code === undefined ? shortMessage : describeEnding({ exitCode: code, message: broken });
        throw new Failure(`The load generator ${how}`, stderr);
      }
      const names = await readdir(results);
      return new Map(
        await Promise.all(names.map(async (name) => [name, await readFile(join(results, name))] as const)),
      );
    } finally {
      await rm(results, { recursive: true });
    }
  };
  return {
    load,
    async check(asked, { all, wait, signal }) {
      const args = ['--check', `--wait=${wait}`, ...(all ? [] : ['--only-case=0'])];
      const { stdout, stderr } = await run(asked, args, signal);
      return parseChecks(stdout, stderr);
    },
  };
}

/** Installs the load generator. It prefers uv, which does not need the machine's Python, to venv and pip. */
async function installPackages({ run }: Shell, venv: string, python: string): Promise<void> {
  const shell: Pick<Shell, 'run'> = { run: (program, args) => run(program, args, { env: PYTHON_ENVIRONMENT }) };
  if (await works(shell, 'uv', ['--version'])) {
    // An environment that works may be of another Python, with packages of those who work on the project.
    if (!(await works(shell, python, ['--version']))) await shell.run('uv', ['venv', '--quiet', '--clear', venv]);
    await shell.run('uv', ['pip', 'install', '--python', python, ...REQUIREMENTS]);
    return;
  }
  // venv does not mend an environment that was interrupted, or that lacks pip or its Python, but makes it anew.
  const isWhole = await works(shell, python, ['-m', 'pip', '--version']);
  await shell.run('python3', ['-m', 'venv', ...(isWhole ? [] : ['--clear']), venv]);
  const settings = await shell.run(python, ['-m', 'pip', 'config', 'list']);
  const elsewhere = settings.match(/^(global|install)\.(target|prefix|root|python)=.*$/gm);
  if (elsewhere) {
    throw new Failure(
      `pip is set to install packages elsewhere than in ${venv}: ${elsewhere.join(', ')}. Take that out of the file that ` +
        '`python3 -m pip config debug` names, or install uv, which does not read it.',
    );
  }
  await shell.run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', ...REQUIREMENTS]);
}

async function works(shell: Pick<Shell, 'run'>, program: string, args: string[]): Promise<boolean> {
  try {
    await shell.run(program, args);
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function argumentsOf(load: Load): string[] {
  return [
    `--seed=${load.seed}`,
    `--steps=${JSON.stringify(load.steps)}`,
    `--settle=${load.settleSeconds}`,
    ...(load.arrivals ? [`--arrivals=${load.arrivals}`] : []),
    // The bare server has only the answer to the first case.
    ...(load.toBareServer ? ['--only-case=0'] : []),
  ];
}
