// Tests the folder of a run while it is written, with synthetic content.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { Environment, Verdict } from '../../results/files.ts';
import { readRun } from '../../results/read.ts';
import { openFolder } from '../run/folder.ts';

const FIXTURE = 'results/test/fixtures/run';
const trial = join(FIXTURE, 'autoscale/1');
const files = new Map(readdirSync(trial).map((name) => [name, readFileSync(join(trial, name))]));
const verdict = JSON.parse(readFileSync(join(trial, 'function_verdict.json'), 'utf8')) as Verdict;

function begin() {
  const environment = JSON.parse(readFileSync(join(FIXTURE, 'environment.json'), 'utf8')) as Environment;
  const results = mkdtempSync(join(tmpdir(), 'f2c-folder-'));
  return openFolder(results, { ...environment, interrupted: true, verdicts: [], leftOut: [] });
}
const readme = (path: string) => readFileSync(join(path, 'README.md'), 'utf8');

test('a run that has measured nothing leaves nothing', () => {
  const folder = begin();
  folder.add({ quick: true });
  expect(folder.isEmpty).toBe(true);
  expect(existsSync(folder.path)).toBe(false);
});

test('a run that ends early has complete files so far, and says that it is not finished', () => {
  const folder = begin();
  folder.write('autoscale', 1, files);
  folder.judge('autoscale', 1, 'function', verdict);
  const { environment, experiments } = readRun(folder.path);
  expect(environment()).toMatchObject({ interrupted: true, verdicts: [{ experiment: 'autoscale', trial: 1 }] });
  expect(experiments).toHaveLength(1);
  expect(readme(folder.path)).toMatch(/\*\*Not complete:\*\*/);
  for (const [name, bytes] of files) expect(readFileSync(join(folder.path, 'autoscale/1', name))).toEqual(bytes);
});

test('a run that is finished says so, and lists what does not count', () => {
  const folder = begin();
  folder.write('autoscale', 1, files);
  folder.judge('autoscale', 1, 'function', { ...verdict, verdict: 'INVALID', reasons: ['It was too hot.'] });
  folder.finish();
  expect(readRun(folder.path).environment().interrupted).toBe(false);
  expect(readme(folder.path)).not.toMatch(/Not complete/);
  expect(readme(folder.path)).toMatch('- INVALID: `autoscale/1` of function. It was too hot.');
});

test('the folder is named by the time at which the run began', () => {
  expect(begin().path).toMatch(/\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/);
});

test('a folder that can not be written is an error in one sentence', () => {
  const folder = begin();
  mkdirSync(join(folder.path, '..'), { recursive: true });
  writeFileSync(folder.path, 'a file is in its place');
  expect(() => folder.write('autoscale', 1, files)).toThrow(/autoscale\/1.* can't be written: /);
});

test('a file that finds no more room leaves what is there as it was', async () => {
  const folder = begin();
  folder.write('autoscale', 1, files);
  const before = readFileSync(join(folder.path, 'environment.json'));
  // The kernel refuses to write more than that into one file, as a full disk does.
  const kilobytes = 1;
  const program = `
    const { openFolder } = await import('./compare/run/folder.ts');
    const folder = openFolder(${JSON.stringify(dirname(folder.path))}, ${before.toString()});
    try {
      folder.write('autoscale', 1, new Map([['function_verdict.json', Buffer.alloc(100_000)]]));
    } catch (error) {
      console.log(error.message);
    }`;
  const limited = `ulimit -f ${kilobytes} && exec "$0" --input-type=module --eval "$1"`;
  const { stdout } = await execa('bash', ['-c', limited, process.execPath, program]);
  expect(stdout).toMatch(/function_verdict\.json can't be written: EFBIG/);
  expect(readdirSync(join(folder.path, 'autoscale/1')).toSorted()).toEqual([...files.keys()].toSorted());
  for (const [name, bytes] of files) expect(readFileSync(join(folder.path, 'autoscale/1', name))).toEqual(bytes);
});
