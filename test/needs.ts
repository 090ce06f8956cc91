// Describes tests that need a program which not every machine has.

import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';

/** @returns a `describe` whose tests are left out unless `isThere`. `left-out.ts` then says why at the end of the run. */
export function describeIf(isThere: boolean, reason: string) {
  return (title: string, tests: () => void): void => {
    if (isThere) describe(title, tests);
    else describe.skip(`${title} (left out: ${reason})`, tests);
  };
}

/** @returns a `test` that is left out in the same way */
export function testIf(isThere: boolean, reason: string) {
  return (title: string, body: () => Promise<void>, milliseconds?: number): void => {
    if (isThere) test(title, body, milliseconds);
    else test.skip(`${title} (left out: ${reason})`, body);
  };
}

export const describeWithHelm = describeIf(spawnSync('helm', ['version']).status === 0, 'helm is not on PATH');
