// Tests how `npm run compare` reads its command line, before anything runs.

import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { EXPERIMENT_NAMES } from '../../results/files.ts';
import type { Experiment } from '../experiments/experiment.ts';
import { EXPERIMENTS } from '../experiments/index.ts';
import { readOptions } from '../options.ts';

/** Runs the command, and returns its output and its exit code. */
async function compare(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    const command = [process.execPath, ['compare/main.ts', ...args]] as const;
    return { ...(await promisify(execFile)(...command)), code: 0 };
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number };
  }
}

describe('without an option', () => {
  const options = readOptions([]);

  test('it runs all experiments in the cluster: five sweeps, three trials of the others, and ten cold starts', () => {
    expect(options).toMatchObject({ local: false, quick: false, keep: false, experiments: EXPERIMENT_NAMES });
    expect(options.pace).toMatchObject({ sweepTrials: 5, trials: 3, runTime: 300, coldStarts: 10 });
    expect(options.within).toEqual([{ percentile: 99, milliseconds: 10 }]);
  });
});

describe('options', () => {
  test('--quick measures for shorter times, and options that are given win over it', () => {
    const { pace } = readOptions(['--quick', '--trials', '2', '--run-time', '2m']);
    expect(pace).toMatchObject({ sweepTrials: 2, trials: 2, runTime: 120 });
    expect(pace.shortestStep).toBeLessThan(readOptions([]).pace.shortestStep);
  });

  test('--quick leaves out what takes long for what it tells, unless it is named', () => {
    expect(readOptions(['--quick']).experiments).not.toContain('scale-from-zero');
    const named = ['--quick', '--experiment', 'scale-from-zero'];
    expect(readOptions(named).experiments).toContain('scale-from-zero');
  });

  test.each([
    ['90', 90],
    ['90s', 90],
    ['5m', 300],
    ['1h30m', 5400],
  ])('--run-time %s is %d seconds', (text, seconds) => {
    expect(readOptions(['--run-time', text]).pace.runTime).toBe(seconds);
  });

  test('bounds of latency are read with their unit, in their order', () => {
    expect(readOptions(['--within', 'p99.9<0.5s', '--within', 'p50<2.5ms']).within).toEqual([
      { percentile: 99.9, milliseconds: 500 },
      { percentile: 50, milliseconds: 2.5 },
    ]);
  });

  test('experiments run in the order of their names', () => {
    expect(EXPERIMENTS.map(({ name }) => name)).toEqual(EXPERIMENT_NAMES);
  });

  test.each(EXPERIMENTS.map((each: Experiment) => [each.name, each.needs] as const))(
    '%s runs after those that it needs, and after no other',
    (name, needs) => expect(readOptions(['--experiment', name]).experiments).toEqual([...needs, name]),
  );

  test('the command line is kept, to repeat it', () => {
    expect(readOptions(['--quick', '--trials', '2']).arguments).toEqual(['--quick', '--trials', '2']);
  });

  test('a note is kept, from the command line or from a file, but not to repeat it', () => {
    const given = readOptions(['--quick', '--note', 'Two words.', '--seed=2']);
    expect(given).toMatchObject({ note: 'Two words.', arguments: ['--quick', '--seed=2'] });
    const file = join(mkdtempSync(join(tmpdir(), 'f2c-note-')), 'note.txt');
    writeFileSync(file, 'One.\n\nTwo.\n');
    const read = readOptions([`--note-file=${file}`, '--local']);
    expect(read).toMatchObject({ note: 'One.\n\nTwo.', arguments: ['--local'] });
  });

  test('a cluster is chosen as for kubectl, and is in the command line that repeats the run', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'f2c-options-')), 'config');
    writeFileSync(file, '');
    const args = ['--context', 'mine', '--kubeconfig', file];
    expect(readOptions(args)).toMatchObject({ context: 'mine', kubeconfig: file, arguments: args });
  });

  test('experiments run in their own order, whatever the order of the options', () => {
    const { experiments } = readOptions(['--experiment', 'coldstart', '--experiment', 'batch']);
    expect(experiments).toEqual(['calibrate', 'batch', 'coldstart']);
  });

  test('--set and --values are kept by chart, in their order', () => {
    const set = ['function.image.tag=2', 'loadtest.nodeSelector.a=b', 'function.x=a=b'];
    const options = readOptions([...set.flatMap((value) => ['--set', value]), '--values', 'tfserving=my.values.yaml']);
    expect(options.set).toEqual({ function: ['image.tag=2', 'x=a=b'], loadtest: ['nodeSelector.a=b'] });
    expect(options.values.tfserving).toEqual(['my.values.yaml']);
  });

  test('URLs lose their slash', () => {
    const { comparison } = readOptions(['--tfserving-url', 'http://localhost:8501/']);
    expect(comparison.interfaces.get('tfserving')?.url).toBe('http://localhost:8501');
  });
});

describe('wrong use', () => {
  test.each([
    ['an unknown option', ['--trails', '3'], /unknown option '--trails'/],
    ['a bare word', ['locust'], /too many arguments/],
    ['an unknown experiment', ['--experiment', 'speed'], /Known are calibrate, sweep, batch/],
    ['no trials', ['--trials', '0'], /whole number from 1/],
    ['a time that is too short', ['--run-time', '5s'], /from 20s to 24h/],
    ['no time at all', ['--run-time', 'm'], /from 20s to 24h/],
    ['an unknown chart', ['--set', 'chart.image.tag=2'], /Known are function, tfserving, loadtest/],
    ['a value without a chart', ['--set', 'image'], /name of a chart and "\."/],
    ['a URL with a path', ['--function-url', 'http://localhost/v1'], /without a path/],
    ['a bound without a time', ['--within', 'p99<10'], /A percentile and a time are wanted, such as 'p99<10ms'/],
    ['a bound that all requests must keep', ['--within', 'p100<10ms'], /A percentile and a time are wanted/],
    ['a bound of no time', ['--within', 'p99<0ms'], /A percentile and a time are wanted/],
    ['more workers than users', ['--workers', '33'], /At most 32 are possible/],
    ['workers without a cluster', ['--local', '--workers', '2'], /cannot be used with option '--local'/],
    ['an empty note', ['--note', ' '], /A note has text\./],
    ['two notes', ['--note', 'One.', '--note-file', 'package.json'], /cannot be used with option '--note-file/],
    ['a note that is not there', ['--note-file', 'nowhere.txt'], /nowhere\.txt can't be read as text in UTF-8: ENOENT/],
    [
      'chart values without charts',
      ['--local', '--set', 'function.image.tag=2'],
      /cannot be used with option '--local'/,
    ],
  ])('%s ends with exit code 2 and a sentence, before anything runs', async (_, args, sentence) => {
    const { code, stdout, stderr } = await compare(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('--help has examples, and ends with 0', async () => {
    const { code, stdout } = await compare('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}npm run compare /);
  });
});
