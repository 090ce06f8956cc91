// Settles once which cluster a command works with, and tells kubectl and Helm of it at every call.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { parse } from 'yaml';
import { Failure } from '../failure.ts';
import type { Shell } from '../shell.ts';

/** What the user says of the cluster; by default it is the one that kubectl points to. */
export interface Choice {
  kubeconfig?: string;
  context?: string;
}

/** The options of every command that works with a cluster, by the names that kubectl gives them. */
export const choiceOptions = (): readonly [Option, Option] => [
  new Option('--context <name>', "the cluster, by its context in kubectl's configuration (default: the current one)"),
  new Option('--kubeconfig <file>', "kubectl's configuration (default: as for kubectl)").argParser((file) => {
    // kubectl takes a file that is not there for an empty one.
    if (!existsSync(file)) throw new InvalidArgumentError(`There is no file ${file}.`);
    return resolve(file);
  }),
];

export interface Connection {
  /** What sentences call the cluster. */
  name: string;
  /** A folder that only the caller may open. It is removed when this process ends. */
  folder: string;
  /** The options of kubectl that name the cluster. */
  options: readonly string[];
  /** The environment with which kubectl and Helm find the cluster. */
  env: Readonly<Record<string, string>>;
  /** Makes a shell whose kubectl and Helm work with this cluster. */
  shell: (shell: Shell) => Shell;
  /** Returns a command for the user's own shell, also for later, that works with this cluster. */
  command: (program: 'kubectl' | 'helm' | 'npm run compare --', ...args: readonly string[]) => string;
}

/**
 * Reads which cluster is meant, and copies what is known of it, so that neither another current context nor an edited
 * configuration moves a command that runs. Without a context, both programs find the cluster of the pod that they run in.
 * @throws Failure if the configuration can't be read, or if the environment names another cluster to Helm
 */
export async function connect(
  shell: Shell,
  choice: Choice,
  say: (sentence: string, kind: 'warning') => void,
): Promise<Connection> {
  const from = choice.kubeconfig === undefined ? [] : ['--kubeconfig', choice.kubeconfig];
  const context = choice.context ?? (await currentContext(shell, from));
  refuseOtherClusters(context);
  if (context === undefined) {
    say(
      'kubectl has no current context: whatever it reaches without one is used, such as the cluster of a pod.',
      'warning',
    );
  }
  const named = context === undefined ? [] : ['--context', context];
  const view = ['config', 'view', '--minify', '--flatten', '--raw', '--output', 'json'];
  const text = context === undefined ? '' : await shell.run('kubectl', [...from, ...named, ...view]);

  const folder = mkdtempSync(join(tmpdir(), 'f2c-cluster-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const copy = join(folder, 'kubeconfig');
  writeFileSync(copy, JSON.stringify(withFullPaths(text, sourcesOf(choice))), { mode: 0o600 });

  // Preferences in a kuberc give kubectl's commands other defaults, such as to ask before it deletes.
  const env = { KUBECONFIG: copy, KUBERC: 'off' };
  const before = { kubectl: named, helm: context === undefined ? [] : ['--kube-context', context] };
  return {
    name: context ?? 'what kubectl reaches without a context',
    folder,
    options: named,
    env,
    shell: (base) => ({
      ...base,
      run: (program, args, options) =>
        program === 'kubectl' || program === 'helm'
          ? base.run(program, [...before[program], ...args], { ...options, env: { ...options?.env, ...env } })
          : base.run(program, args, options),
    }),
    command(program, ...args) {
      const [file, ...more] = sourcesOf(choice, false);
      const several = more.length > 0 ? [`KUBECONFIG=${quoted([file, ...more].join(delimiter))}`] : [];
      const one = file === undefined || more.length > 0 ? [] : ['--kubeconfig', quoted(file)];
      return [
        ...several,
        program,
        ...one,
        ...before[program === 'helm' ? 'helm' : 'kubectl'].map(quoted),
        ...args,
      ].join(' ');
    },
  };
}

/** @returns undefined where kubectl has none, as in a pod */
async function currentContext(shell: Shell, from: readonly string[]): Promise<string | undefined> {
  try {
    return (await shell.run('kubectl', [...from, 'config', 'current-context'])).trim();
  } catch (error) {
    if (error instanceof Failure && error.details.includes('current-context is not set')) return undefined;
    throw error;
  }
}

/**
 * Helm reads more variables than kubectl: with these, it would work with another cluster, or as another user.
 * @throws Failure that names them
 */
export function refuseOtherClusters(context: string | undefined): void {
  const others = Object.entries(process.env).filter(
    ([name, value = '']) =>
      (name.startsWith('HELM_KUBE') &&
        !['', 'false'].includes(value) &&
        !(name === 'HELM_KUBECONTEXT' && value === context)) ||
      (name === 'HELM_DRIVER' && value === 'memory'),
  );
  if (others.length === 0) return;
  const contexts = others.map(([name]) => name).join(', ');
  throw new Failure(
    `The environment gives Helm another cluster, user or store than kubectl has${context ? `, which is ${context}` : ''}: ` +
      `unset ${contexts}. --context and --kubeconfig choose the cluster for both.`,
  );
}

/** @returns the files that kubectl reads its configuration from; without `usual`, only those that the user named */
function sourcesOf({ kubeconfig }: Choice, usual = true): string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const named = (process.env.KUBECONFIG ?? '').split(delimiter).filter(Boolean);
  return named.length > 0 || !usual ? named.map((file) => resolve(file)) : [join(homedir(), '.kube/config')];
}

interface Kubeconfig {
  users?: { user?: { tokenFile?: string; exec?: { command: string } } }[] | null;
}

/** Paths count from the file that has them. kubectl reads the certificates into its copy, but leaves these as they are. */
function withFullPaths(text: string, sources: readonly string[]): Kubeconfig {
  const config = (parse(text) ?? { apiVersion: 'v1', kind: 'Config' }) as Kubeconfig;
  const full = (path: string) => sources.map((file) => resolve(dirname(file), path)).find(existsSync) ?? path;
  for (const { user } of config.users ?? []) {
    if (user?.tokenFile !== undefined) user.tokenFile = full(user.tokenFile);
    // A name without a folder is looked for on the path.
    if (user?.exec && /[\\/]/.test(user.exec.command)) user.exec.command = full(user.exec.command);
  }
  return config;
}

/** Quotes a word for a shell, where it needs that. */
function quoted(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
