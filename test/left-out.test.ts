import { execa } from 'execa';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';

test.each([
  ['', 0],
  ['true', 1],
])('with CI=%j, a run without helm ends with %i', async (CI, expected) => {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/charts.test'];
  const env = { CI, PATH: dirname(process.execPath) };
  const { exitCode, stdout } = await execa(process.execPath, vitest, { env, reject: false });
  expect(stdout).toMatch(/^Tests left out: \d+ because helm is not on PATH\.$/m);
  expect(exitCode).toBe(expected);
});
