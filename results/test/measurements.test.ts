// Loads as the report puts them together. The runs are SYNTHETIC.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileName, type Environment, type Verdict } from '../files.ts';
import { read } from '../read.ts';
import { bestStep, isValid, latencyOf, partsOf, readMeasurements, throttledShare } from '../report/measurements.ts';
import { format } from '../write.ts';
import { changeEnvironment } from './golden.ts';
import { writeSyntheticRun } from './synthetic.ts';

const folders = mkdtempSync(join(tmpdir(), 'measurements-'));
afterAll(() => rmSync(folders, { recursive: true }));
const WHOLE = join(folders, 'whole');
beforeAll(() => {
  writeSyntheticRun(WHOLE, { trials: 2, experiments: ['capacity'], targets: ['function'] });
});

/** What `compare` leaves of the same run: one load for each number of users, each a trial of its own. */
function splitBySteps(): { folder: string; loads: number } {
  const folder = mkdtempSync(join(folders, 'split-'));
  cpSync(join(WHOLE, 'environment.json'), join(folder, 'environment.json'));
  const verdicts: Environment['verdicts'] = [];
  let loads = 0;
  for (const round of [1, 2]) {
    const from = join(WHOLE, 'capacity', String(round));
    for (const { step, requests, start_s, end_s } of read('steps', join(from, fileName('function', 'steps')))) {
      loads += 1;
      const to = join(folder, 'capacity', String(loads));
      mkdirSync(to, { recursive: true });
      for (const name of readdirSync(from)) {
        const text = readFileSync(join(from, name), 'utf8');
        const isOfSteps = /_(steps|latency)\./.test(name);
        writeFileSync(join(to, name), isOfSteps ? onlyStep(text, step) : text);
      }
      editVerdict(folder, loads, { throughput: requests / (end_s - start_s) });
      verdicts.push({
        experiment: 'capacity',
        trial: loads,
        round,
        target: 'function',
        verdict: 'VALID',
        reasons: [],
      });
    }
  }
  changeEnvironment(folder, { verdicts });
  return { folder, loads };
}

/** The rows of one step, which is the only one then. */
function onlyStep(csv: string, step: number): string {
  const [header, ...rows] = csv.split(/(?<=\n)/);
  const start = `${step},`;
  return [header, ...rows.filter((row) => row.startsWith(start)).map((row) => `0,${row.slice(start.length)}`)].join('');
}

function editVerdict(folder: string, trial: number, change: Partial<Verdict>): void {
  const path = join(folder, 'capacity', String(trial), fileName('function', 'verdict'));
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as Verdict), ...change }));
}

function roundsOf(folder: string) {
  return partsOf({ measurements: readMeasurements(folder), key: 'function' }, 'capacity');
}

test('a load in which `compare` has found a fault does not count, whatever its own verdict says', () => {
  const folder = mkdtempSync(join(folders, 'found-'));
  cpSync(WHOLE, folder, { recursive: true });
  const found = 'Only 1 of 2 ready replicas answered.';
  const verdict: Environment['verdicts'][number] = {
    experiment: 'capacity',
    trial: 1,
    target: 'function',
    verdict: 'INVALID',
    reasons: [found],
  };
  changeEnvironment(folder, { verdicts: [verdict] });
  expect(roundsOf(folder).map(({ reasons }) => reasons)).toEqual([[found], []]);
});

describe('the loads of capacity', () => {
  test('are merged into rounds from few to many users', () => {
    const { folder, loads } = splitBySteps();
    const [whole, rounds] = [roundsOf(WHOLE), roundsOf(folder)];
    expect(loads).toBeGreaterThan(2);
    expect(rounds.map(({ trial }) => trial)).toEqual([1, 2]);
    for (const [index, round] of rounds.entries()) {
      expect(round.read('steps')).toEqual(whole[index]!.read('steps'));
      expect(bestStep(round)).toEqual(bestStep(whole[index]!));
      expect(latencyOf(round, 1)).toEqual(latencyOf(whole[index]!, 1));
    }
  });

  test('a round survives an INVALID load unless that load was its best', () => {
    const { folder } = splitBySteps();
    const best = bestStep(roundsOf(WHOLE)[0]!).step + 1;
    const other = best === 1 ? 2 : 1;
    editVerdict(folder, other, { verdict: 'INVALID', reasons: ['It rained.'] });
    const [without] = roundsOf(folder);
    expect(isValid(without!)).toBe(true);
    expect(without!.read('steps')).toHaveLength(roundsOf(WHOLE)[0]!.read('steps').length - 1);
    editVerdict(folder, best, { verdict: 'INVALID', reasons: ['It snowed.'] });
    expect(roundsOf(folder).map(({ reasons }) => reasons)).toEqual([['It snowed.'], []]);
  });
});

test('the share of throttled periods is that of the measured time', () => {
  const folder = mkdtempSync(join(folders, 'throttled-'));
  cpSync(WHOLE, folder, { recursive: true });
  const load = join(folder, 'capacity/1');
  const [first] = read('steps', join(load, fileName('function', 'steps')));
  const row = (after: number, periods: number, throttled_periods: number) => {
    return { timestamp_s: first!.start_s + after, pod: 'a', periods, throttled_periods };
  };
  const [part] = roundsOf(folder);
  expect(throttledShare(part!)).toBeUndefined();
  writeFileSync(
    join(load, fileName('function', 'throttling')),
    format('throttling', [row(-1, 0, 0), row(0.5, 100, 50), row(1.5, 120, 55)]),
  );
  expect(throttledShare(roundsOf(folder)[0]!)).toBeCloseTo(5 / 20);
});
