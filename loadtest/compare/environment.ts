// The part of environment.json that does not depend on the place: where and how a run was made.

import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { type Environment } from '../../results/files.ts';
import { now } from './folder.ts';
import type { Options } from './options.ts';
import type { Place } from './place.ts';
import type { Shell } from './shell.ts';
import { DEFINITIONS } from './targets/index.ts';

export const ROOT = join(import.meta.dirname, '../..');
/** The version of the project, which its images and charts share. */
export const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

/** Before anything is measured: `interrupted` until it is finished. */
export async function beginEnvironment(options: Options, shell: Shell, place: Place): Promise<Environment> {
  const { local, quick, seed, note, ...others } = options;
  return {
    version: VERSION,
    started: now(),
    ended: now(),
    mode: local ? 'local' : 'cluster',
    quick,
    interrupted: true,
    ...(note !== undefined && { note }),
    options: { local, quick, seed, ...others },
    seed,
    git: await git(shell),
    machine: {
      cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
      cpus: cpus().length,
      memoryBytes: totalmem(),
      kernel: release(),
      os: type(),
    },
    ...(await place.environment()),
    ceiling: null,
    leftOut: [...place.leftOut],
    targets: Object.fromEntries(
      place.targets.map((target) => {
        const { name, chart } = DEFINITIONS[target];
        return [target, { name, release: `f2c-${chart}` }];
      }),
    ),
    plan: {},
    verdicts: [],
  };
}

async function git(shell: Shell): Promise<Environment['git']> {
  const ask = (...args: string[]) => shell.run('git', ['-C', ROOT, ...args]);
  try {
    const commit = await ask('rev-parse', 'HEAD');
    // Results of earlier runs change nothing of what runs.
    return { commit, dirty: (await ask('status', '--porcelain', '--', '.', ':!results/*')) !== '' };
  } catch {
    shell.signal.throwIfAborted();
    return null;
  }
}
