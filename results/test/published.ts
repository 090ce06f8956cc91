// Copies of parts of the published run, for tests that change them.

import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ENVIRONMENT, whatIs, type TargetName } from '../files.ts';

const RUN = join(import.meta.dirname, '../2026-11-28T03-33-05');

interface Parts {
  experiments: readonly string[];
  targets?: readonly TargetName[];
  /** The first so many trials of each experiment. */
  trials?: number;
}

export function copyPublished(folder: string, { experiments, targets, trials = Infinity }: Parts): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(RUN, ENVIRONMENT), join(folder, ENVIRONMENT));
  for (const experiment of experiments) {
    cpSync(join(RUN, experiment), join(folder, experiment), {
      recursive: true,
      filter: (path) => {
        const [trial, file] = path.slice(join(RUN, experiment).length + 1).split('/');
        const { target } = whatIs(file ?? '') ?? {};
        return (!trial || Number(trial) <= trials) && (!target || !targets || targets.includes(target));
      },
    });
  }
}
