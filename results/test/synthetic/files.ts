// What the load test itself writes of a load, beside Locust's files: its tables, and its verdict.

import { stringify } from 'csv-stringify/sync';
import { max, median, sum } from 'simple-statistics';
import type { Step } from '../../../loadtest/compare/place.ts';
import { KINDS, type CsvKind, type Kind, type Row, type Verdict } from '../../files.ts';
import { rounded } from './draws.ts';
import { SPAWN_RATE } from './load.ts';
import { failuresOf, TIMES, total, type Load, type Second } from './second.ts';

export type Cell = string | number | null;

export function csv(kind: CsvKind, rows: (Cell[] | object)[], end: 'unix' | 'windows' = 'unix'): string {
  const columns = Object.keys(KINDS[kind].schema.entries);
  return stringify(rows, { header: true, columns, record_delimiter: end });
}

/** @param steps rows of stepRows */
export function loadTestFiles(steps: Row<'steps'>[], seconds: Second[], verdict: Verdict): [Kind, string][] {
  const files: [Kind, string][] = [
    ['steps', csv('steps', steps)],
    [
      'latency',
      csv(
        'latency',
        steps.flatMap(({ step }) => latencyRows(step, seconds)),
      ),
    ],
    ['seconds', csv('seconds', seconds.map(secondRow))],
    ['generator', csv('generator', seconds.map(generatorRow))],
    ['verdict', `${JSON.stringify(verdict, null, 2)}\n`],
  ];
  if (verdict.target === 'function') files.push(['replicas', csv('replicas', seconds.flatMap(replicaRows))]);
  return files;
}

export function stepRows(steps: Step[], seconds: Second[]): Row<'steps'>[] {
  return steps.map(({ users, batch = 1, rate = null }, step) => {
    const measured = seconds.filter((second) => second.step === step);
    const start_s = measured[0]?.time ?? 0;
    const requests = total(measured, ({ all }) => all.length);
    const counts = { requests, failures: total(measured, failuresOf), wrong_answers: 0, saturated: 0 };
    return { step, users, batch, offered_rate: rate, start_s, end_s: start_s + measured.length, ...counts };
  });
}

function latencyRows(step: number, seconds: Second[]): Cell[][] {
  const measured = seconds.filter((second) => second.step === step);
  return TIMES.flatMap((kind) => {
    const counts = countsOf(joined(measured.map(({ times }) => times[kind])));
    const rising = [...counts].sort(([a], [b]) => a - b);
    return rising.map(([bucket, count]) => [step, ...kind.split(' '), bucket, count]);
  });
}

function joined(parts: Int32Array[]): Int32Array {
  const whole = new Int32Array(sum([0, ...parts.map(({ length }) => length)]));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}

/** How often there is each value. */
export function countsOf(values: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function secondRow(second: Second): Cell[] {
  const { time, users, all } = second;
  return [time, users, all.length, failuresOf(second), ...[0.5, 0.99, 1].map((share) => percentile(all, share))];
}

function generatorRow({ time, generator }: Second): Cell[] {
  return [time, 'local', generator.cores.toFixed(4), generator.lagMs.toFixed(3), '0', '0', '0'];
}

function replicaRows({ time, answers }: Second): Cell[][] {
  return [...answers].sort().map(([appId, its]) => [time, appId, its]);
}

/** As the load test judges it, as far as it can come out so here; `more` reasons are compare's, and the asked ones. */
export function judge(load: Load, seed: number, steps: Step[], seconds: Second[], more: string[]): Verdict {
  const { target } = load;
  const measured = seconds.filter(({ step }) => step !== undefined);
  const ofStep = (number: number) => measured.filter(({ step }) => step === number);
  const requests = total(measured, ({ all }) => all.length);
  const failures = total(measured, failuresOf);
  const throughput = rounded(requests / measured.length, 3);
  const rates = steps.flatMap(({ rate }) => rate ?? []);
  const times = joined(measured.map(({ all }) => all)).sort();
  const lags = measured.map(({ generator }) => generator.lagMs).sort((a, b) => a - b);
  const cpuCores = max(steps.map((_, index) => median(ofStep(index).map(({ generator }) => generator.cores))));
  const busy =
    `The load generator was the bottleneck: a process of it used ${cpuCores.toFixed(2)} cores, more than 0.9. ` +
    'Give it more --processes or --workers, or offer less.';
  const failed = `${failures} of ${requests} requests failed, more than the share of 0.01 that may.`;
  const reasons = [...(cpuCores > 0.9 ? [busy] : []), ...(failures > 0.01 * requests ? [failed] : []), ...more];
  const appIds = new Set(ofStep(steps.length - 1).flatMap(({ answers }) => [...answers.keys()]));
  return {
    target,
    verdict: reasons.length > 0 ? 'INVALID' : 'VALID',
    reasons,
    requests,
    failures,
    wrongAnswers: 0,
    seconds: measured.length,
    throughput,
    offeredRate: rates.length > 0 ? sum(rates) / rates.length : null,
    sentRate: rates.length > 0 ? throughput : null,
    p50Us: percentile(times, 0.5),
    p99Us: percentile(times, 0.99),
    generator: { processes: 1, cpuCores: rounded(cpuCores, 4), lagMs: percentile(lags, 0.9) },
    replicas: { answered: target === 'function' ? appIds.size : null, ready: null },
    locust: '2.47.0',
    python: '3.13.5',
    settings: {
      target,
      host: `http://f2c-${target}`,
      steps: steps.map(({ rate = null, batch = 1, ...step }) => ({ ...step, rate, batch })),
      'spawn-rate': SPAWN_RATE,
      seed,
      settle: load.settle,
      'until-saturated': load.experiment === 'capacity',
      processes: 1,
    },
  };
}

/**
 * By the rule of loadtest/f2c_loadtest/recorder.py: the first value up to which there is the share.
 * @param rising sorted
 */
function percentile(rising: ArrayLike<number>, share: number): number | null {
  return rising[max([1, Math.ceil(share * rising.length)]) - 1] ?? null;
}
