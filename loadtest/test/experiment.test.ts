// Tests which loads an experiment puts on its targets, with made-up answers of the place where it runs.

import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Environment } from '../../results/files.ts';
import { measureInTurns, type Comparison } from '../compare/experiment.ts';
import { openFolder } from '../compare/folder.ts';
import { readOptions } from '../compare/options.ts';
import type { Load, Place } from '../compare/place.ts';

const FIXTURE = 'results/test/fixtures/run';
const trial = join(FIXTURE, 'autoscale/1');
const ofFunction = readdirSync(trial).filter((name) => name.startsWith('function_'));

/** A place where each load ends as in the fixture. */
function comparisonOf(loads: Load[], said: string[]): Comparison {
  const place = {
    targets: ['function'],
    controls: () => false,
    prepare: () => Promise.resolve(),
    load: (load: Load) => {
      loads.push(load);
      return Promise.resolve(new Map(ofFunction.map((name) => [name, readFileSync(join(trial, name))])));
    },
  } as unknown as Place;
  const environment = JSON.parse(readFileSync(join(FIXTURE, 'environment.json'), 'utf8')) as Environment;
  return {
    place,
    options: readOptions([]),
    progress: {
      step: '',
      expect: () => undefined,
      begin: () => undefined,
      end: () => undefined,
      say: (sentence) => said.push(sentence),
    },
    folder: openFolder(mkdtempSync(join(tmpdir(), 'f2c-experiment-')), { ...environment, verdicts: [], leftOut: [] }),
    limits: { bound: 200, targets: new Map([['function', { open: 200, closed: 400, cpuSeconds: 0.0001 }]]) },
    capacities: new Map(),
  };
}

test('rates beyond what the load generator sends are left out and named, and the plan is kept', async () => {
  const [loads, said]: [Load[], string[]] = [[], []];
  const comparison = comparisonOf(loads, said);
  const steps = [100, 200, 300].map((rate) => ({ seconds: 10, users: 4, rate }));
  const plan = { trials: 2, scaling: 'core', steps } as const;
  await measureInTurns(comparison, { name: 'latency', targets: ['function', 'tfserving'] }, { ...plan, steps });

  expect(loads.map((load) => load.steps.map(({ rate }) => rate))).toEqual([
    [100, 200],
    [100, 200],
  ]);
  const leftOut =
    'latency: 1 of 3 rates to the function, which are more than the load generator can send without strain, or the nodes ' +
    'have CPU for.';
  expect(said).toContain(`Left out: ${leftOut}`);
  const { path } = comparison.folder;
  const written = JSON.parse(readFileSync(join(path, 'environment.json'), 'utf8')) as Environment;
  expect(written).toMatchObject({ leftOut: [leftOut], plan: { latency: plan } });
  expect(existsSync(join(path, 'latency/2/function_verdict.json'))).toBe(true);
});
