// The part of environment.json that does not depend on the place: where and how a run was made.

import { cpus, release, totalmem, type } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT, VERSION } from '../lib/project.ts';
import type { Shell } from '../lib/shell.ts';
import { againOf, type Environment, type Interface } from '../results/files.ts';
import type { Place } from './place.ts';
import { now } from './run/folder.ts';
import { interfaceOf, type Comparison } from './servers/comparison.ts';
import type { Settings } from './settings.ts';

/** Describes a run before anything is measured. It says `interrupted` until the run has finished. */
export async function beginEnvironment(settings: Settings, shell: Shell, place: Place): Promise<Environment> {
  const { local, quick, note, comparison, ...options } = settings;
  const { title, file, baseline, threats, cases } = comparison;
  return {
    version: VERSION,
    started: now(),
    ended: now(),
    mode: local ? 'local' : 'cluster',
    quick,
    interrupted: true,
    ...(note !== undefined && { note }),
    comparison: {
      title,
      ...(file !== undefined && { file: basename(file) }),
      baseline,
      threats: [...threats],
      columns: Object.keys(cases),
    },
    options: { local, quick, ...options },
    seed: settings.seed,
    git: await commitOf(ROOT, shell),
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
    interfaces: Object.fromEntries([
      ...place.interfaces.map((target) => [target, describe(comparison, target)] as const),
      ...(place.interfaces.includes(baseline)
        ? [[againOf(baseline), again(describe(comparison, baseline))] as const]
        : []),
    ]),
    pods: place.pods,
    plan: {},
    verdicts: [],
  };
}

function describe(comparison: Comparison, target: Interface): Environment['interfaces'][string] {
  const { server, name, label, protocol, method, asks, answer } = interfaceOf(comparison, target);
  return { server, name, label, protocol: protocol === 'grpc' ? 'grpc' : 'http', method, asks, answer };
}

function again<T extends { name: string; label: string }>(measured: T): T {
  return { ...measured, name: `${measured.name} again`, label: `${measured.label}, again` };
}

/**
 * What is checked out in a folder. Null if the folder is no clone, or git is not there: a folder around it may be one, but
 * of another project, as may that which GIT_DIR names.
 */
export async function commitOf(folder: string, shell: Shell): Promise<Environment['git']> {
  const repository = ['-C', folder, `--git-dir=${join(folder, '.git')}`, `--work-tree=${folder}`];
  const ask = (...args: string[]) => shell.run('git', [...repository, ...args]);
  try {
    const commit = await ask('rev-parse', '--verify', 'HEAD');
    // Results of earlier runs change nothing of what runs; a new file may, whatever git is set to show.
    const changes = await ask('status', '--porcelain', '--untracked-files=normal', '--', '.', ':!results/*');
    return { commit, dirty: changes !== '' };
  } catch {
    shell.signal.throwIfAborted();
    return null;
  }
}
