// Runs `npm run compare` as a process, for tests.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished, vi } from 'vitest';
import { kindsOfLoad, type Kind, type Interface } from '../../../results/files.ts';
import { readRun, type Run } from '../../../results/read.ts';

export interface Comparison {
  /** Returns the folder of the run, and throws if there is none. */
  folder: () => string;
  run: () => Run;
  /** Waits until the output of the command matches. */
  said: (what: RegExp, seconds: number) => Promise<void>;
  interrupt: () => void;
  /** The whole output of the command, and its exit code. */
  ended: Promise<{ text: string; exitCode: number | undefined }>;
}

export function compare(...args: string[]): Comparison {
  return compareWith({}, ...args);
}

/** The same with environment variables beside those of the tests. */
export function compareWith(env: Record<string, string>, ...args: string[]): Comparison {
  const results = mkdtempSync(join(tmpdir(), 'f2c-compare-'));
  onTestFinished(({ task }) => {
    // Where a test fails, they may tell why.
    if (task.result?.state === 'pass') rmSync(results, { recursive: true });
  });
  let text = '';
  const child = execa(process.execPath, ['compare/main.ts', '--results', results, ...args], {
    all: true,
    env,
    reject: false,
  });
  child.all.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const folder = () => {
    const [name] = readdirSync(results);
    if (!name) throw new Error(`There are no results. The command said:\n${text}`);
    return join(results, name);
  };
  return {
    folder,
    run: () => readRun(folder()),
    said: (what, seconds) =>
      vi.waitFor(
        () => {
          if (!what.test(text)) throw new Error(`It has not said ${what.source}, but:\n${text}`);
        },
        { timeout: seconds * 1000, interval: 200 },
      ),
    interrupt: () => child.kill('SIGINT'),
    ended: child.then(({ exitCode }) => ({ text, exitCode })),
  };
}

/** Returns the sorted kinds of files of each target in a trial. It reads every file, and throws if one is broken. */
export function kindsOf(run: Run, experiment: string, trial = 1): Partial<Record<Interface, Kind[]>> {
  const { trials = [] } = run.experiments.find(({ name }) => name === experiment) ?? {};
  const { targets = [] } = trials.find(({ number }) => number === trial) ?? {};
  return Object.fromEntries(
    targets.map(({ target, kinds, read }) => {
      for (const kind of kinds) read(kind);
      return [target, kinds.toSorted()];
    }),
  );
}

const TARGETS = ['function', 'tfserving', 'tfserving-grpc'];

/** Returns the kinds of files that each load leaves, plus others, for each target. */
export function kindsFor(...others: Kind[]): Record<Interface, Kind[]> {
  const kinds = TARGETS.map((target) => [target, [...kindsOfLoad(target === 'function'), ...others].toSorted()]);
  return Object.fromEntries(kinds) as Record<Interface, Kind[]>;
}
