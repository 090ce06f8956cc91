// What the report makes of a run's loads. The runs are SYNTHETIC.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileName, type Environment } from '../files.ts';
import { read } from '../read.ts';
import { partsOf, readMeasurements, throttledShare } from '../report/measurements.ts';
import { format } from '../write.ts';
import { changeEnvironment } from './golden.ts';
import { writeSyntheticRun } from './synthetic.ts';

const folders = mkdtempSync(join(tmpdir(), 'measurements-'));
afterAll(() => rmSync(folders, { recursive: true }));
const WHOLE = join(folders, 'whole');
beforeAll(() => {
  writeSyntheticRun(WHOLE, { trials: 2, experiments: ['autoscale'], targets: ['function'] });
});

function trialsOf(folder: string) {
  return partsOf({ measurements: readMeasurements(folder), key: 'function' }, 'autoscale');
}

test('a load in which `compare` has found a fault does not count, whatever its own verdict says', () => {
  const folder = mkdtempSync(join(folders, 'found-'));
  cpSync(WHOLE, folder, { recursive: true });
  const found = 'Only 1 of 2 ready replicas answered.';
  const verdict: Environment['verdicts'][number] = {
    experiment: 'autoscale',
    trial: 1,
    target: 'function',
    verdict: 'INVALID',
    reasons: [found],
  };
  changeEnvironment(folder, { verdicts: [verdict] });
  expect(trialsOf(folder).map(({ reasons }) => reasons)).toEqual([[found], []]);
});

test('the share of throttled periods is that of the measured time', () => {
  const folder = mkdtempSync(join(folders, 'throttled-'));
  cpSync(WHOLE, folder, { recursive: true });
  const load = join(folder, 'autoscale/1');
  const [first] = read('steps', join(load, fileName('function', 'steps')));
  const row = (after: number, periods: number, throttled_periods: number) => {
    return { timestamp_s: first!.start_s + after, pod: 'a', periods, throttled_periods };
  };
  const [part] = trialsOf(folder);
  expect(throttledShare(part!)).toBeUndefined();
  writeFileSync(
    join(load, fileName('function', 'throttling')),
    format('throttling', [row(-1, 0, 0), row(0.5, 100, 50), row(1.5, 120, 55)]),
  );
  expect(throttledShare(trialsOf(folder)[0]!)).toBeCloseTo(5 / 20);
});
