// The folder of a run: written while it goes on, so that whatever ends it, what was measured is there.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../lib/failure.ts';
import {
  ENVIRONMENT,
  runName,
  whatIs,
  type Environment,
  type ExperimentName,
  type Kind,
  type Plan,
  type TargetName,
  type Verdict,
} from '../../results/files.ts';
import { describe, formatEnvironment } from '../../results/write.ts';
import type { Files } from './files.ts';

export interface ResultsFolder {
  readonly path: string;
  /** Verdicts of all loads so far. */
  readonly verdicts: readonly Environment['verdicts'][number][];
  /** Whether anything was measured. */
  readonly isEmpty: boolean;
  /** Writes the files of a trial, over those of the same name. */
  write(experiment: ExperimentName, trial: number, files: Files): void;
  /** Keeps the verdict of a load on a target. */
  judge(experiment: ExperimentName, trial: number, target: TargetName, verdict: Verdict): void;
  /** Keeps what an experiment is to measure. */
  plan(experiment: ExperimentName, plan: Plan): void;
  /** Keeps, as a sentence, what is not measured, and why. */
  leaveOut(sentence: string): void;
  /** Keeps what is known of the environment. */
  add(members: Partial<Environment>): void;
  /** Says in the folder that the run has ended as it should. */
  finish(): void;
}

/**
 * @param results folder in which a folder named by date and time is made, once there is something to write
 * @throws Failure if it can't be written
 */
export function openFolder(results: string, environment: Environment): ResultsFolder {
  const path = join(results, runName(environment));
  const kinds = new Set<Kind>();
  let current = environment;

  function save(): void {
    if (kinds.size === 0) return;
    put(path, ENVIRONMENT, formatEnvironment(current));
    put(path, 'README.md', describe(heading(current), kinds));
  }

  return {
    path,
    get verdicts() {
      return current.verdicts;
    },
    get isEmpty() {
      return kinds.size === 0;
    },
    write(experiment, trial, files) {
      for (const [name, content] of files) {
        put(join(path, experiment, String(trial)), name, content);
        const { kind } = whatIs(name) ?? {};
        if (kind) kinds.add(kind);
      }
      save();
    },
    judge(experiment, trial, target, { verdict, reasons }) {
      const verdicts = [...current.verdicts, { experiment, trial, target, verdict, reasons }];
      current = { ...current, verdicts, ended: now() };
      save();
    },
    plan(experiment, plan) {
      current = { ...current, plan: { ...current.plan, [experiment]: plan } };
    },
    leaveOut(sentence) {
      current = { ...current, leftOut: [...current.leftOut, sentence] };
    },
    add(members) {
      current = { ...current, ...members, ended: now() };
      save();
    },
    finish() {
      current = { ...current, interrupted: false, ended: now() };
      save();
    },
  };
}

export function now(): string {
  return new Date().toISOString();
}

/** Writes a file as a whole or not at all: on a full disk, the file that is there stays as it is. */
function put(folder: string, name: string, content: string | Buffer): void {
  const path = join(folder, name);
  const unfinished = `${path}.unfinished`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(unfinished, content);
    renameSync(unfinished, path);
  } catch (error) {
    if (existsSync(unfinished)) rmSync(unfinished);
    throw new Failure(`${path} can't be written: ${(error as Error).message}`);
  }
}

/** Markdown: what this run is, and how far it can be trusted. */
function heading({ started, mode, quick, interrupted, note, verdicts, leftOut, version }: Environment): string {
  const invalid = verdicts.filter(({ verdict }) => verdict === 'INVALID');
  const name = ({ experiment, trial, target }: (typeof verdicts)[number]) => `\`${experiment}/${trial}\` of ${target}`;
  return [
    `# Comparison of ${started.slice(0, 16).replace('T', ' ')} UTC`,
    `Made by \`npm run compare\` of fahrenheit-to-celsius ${version}, ` +
      (mode === 'cluster' ? 'in a cluster.' : 'on one machine, without a cluster.'),
    ...(quick ? ['**Quick:** it measured for minutes only. That is a first impression, not a result.'] : []),
    ...(interrupted ? ['**Not complete:** it stopped or broke before everything was measured.'] : []),
    ...(note === undefined ? [] : [note.replaceAll(/^/gm, '> ')]),
    `${verdicts.length - invalid.length} of ${verdicts.length} loads are valid.`,
    ...(invalid.length > 0
      ? [invalid.map((each) => `- INVALID: ${name(each)}. ${each.reasons.join(' ')}`).join('\n')]
      : []),
    ...(leftOut.length > 0 ? [`Left out:\n\n${leftOut.map((sentence) => `- ${sentence}`).join('\n')}`] : []),
    'The loads in `calibrate` go to a bare server, to find what the load generator can send. Their verdicts may say that\n' +
      'the generator is the bottleneck: that is what these loads are for.',
  ].join('\n\n');
}
