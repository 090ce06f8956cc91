// The four files that Locust writes of a load, by Locust's own rules.

import { max, min } from 'simple-statistics';
import type { CsvKind, Target } from '../../files.ts';
import { countsOf, csv, type Cell } from './files.ts';
import { BUCKET_US, failuresOf, total, type Second } from './second.ts';

/** What Locust keeps of requests, in ms. */
interface Tally {
  count: number;
  failures: number;
  sum: number;
  /** By time with two digits. */
  times: Map<number, number>;
}

interface Kept extends Second {
  tally: Tally;
}

/** Requests that Locust counts together. */
interface Group {
  /** Method and name of each row that has them. */
  labels: string[][];
  seconds: Kept[];
}

const ALL = ['', 'Aggregated'];
const SHARES = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1];

export function locustFiles(target: Target, seconds: Second[]): [CsvKind, string][] {
  const kept = seconds.map((second) => ({ ...second, tally: tallyOf(second) }));
  const groups = groupsOf(target, kept);
  return [
    ['stats', csv('stats', statsRows(groups, kept), 'windows')],
    ['stats_history', csv('stats_history', historyRows(groups, kept), 'windows')],
    ['failures', csv('failures', groups.flatMap(failureRows), 'windows')],
    ['exceptions', csv('exceptions', [], 'windows')],
  ];
}

function groupsOf(target: Target, seconds: Kept[]): Group[] {
  const batches = [...new Set(busyOf(seconds).map(({ batch }) => batch))];
  const labelOf = (batch: number) => [target === 'function' && batch === 1 ? 'GET' : 'POST', `${batch} a request`];
  // Where there is one name only, it has all.
  if (batches.length === 1) return [{ labels: [...batches.map(labelOf), ALL], seconds }];
  const named = batches.map((batch) => ({
    labels: [labelOf(batch)],
    seconds: seconds.filter((second) => second.batch === batch),
  }));
  return [...named, { labels: [ALL], seconds }];
}

function busyOf(seconds: Kept[]): Kept[] {
  return seconds.filter(({ all }) => all.length > 0);
}

function statsRows(groups: Group[], seconds: Kept[]): Cell[][] {
  const busy = busyOf(seconds);
  const [begin, end] = [busy[0]?.time ?? 0, (busy.at(-1)?.time ?? 0) + 0.98];
  return groups.flatMap(({ labels, seconds: its }) => {
    const tally = tallyBetween(its, 0, Infinity);
    const rates = [tally.count, tally.failures].map((each) => each / (end - begin));
    const cells = [tally.count, tally.failures, ...summary(tally), ...rates, ...percentiles(tally)];
    return labels.map((label) => [...label, ...cells]);
  });
}

function historyRows(groups: Group[], seconds: Kept[]): Cell[][] {
  const growing = groups.map((group) => ({ ...group, soFar: tallyBetween([], 0, 0) }));
  const times = Array.from({ length: seconds.length + 2 }, (_, index) => (seconds[0]?.time ?? 0) + index);
  return times.flatMap((time, index) =>
    growing.flatMap(({ labels, seconds: its, soFar }) => {
      add(soFar, tallyBetween(its, time - 1, time));
      const known = tallyBetween(its, time - 13, time - 3);
      const cells = [
        ...[known.count, known.failures].map((each) => (each / 10).toFixed(6)),
        ...(soFar.count > 0 ? percentiles(tallyBetween(its, time - 10, time)) : SHARES.map(() => 'N/A')),
        ...[soFar.count, soFar.failures, ...summary(soFar)],
      ];
      // Locust knows a name from its first request on.
      const shown = labels.filter((label) => label === ALL || soFar.count > 0);
      return shown.map((label) => [time, seconds[index]?.users ?? 0, ...label, ...cells]);
    }),
  );
}

function failureRows({ labels, seconds }: Group): Cell[][] {
  const failed = seconds.filter((second) => failuresOf(second) > 0);
  if (failed.length === 0) return [];
  const seen = [failed[0], failed.at(-1)].map((second) => utc(second?.time ?? 0));
  const cells = ['LocustBadStatusCode(code=503)', total(failed, failuresOf), ...seen];
  return labels.filter((label) => label !== ALL).map((label) => [...label, ...cells]);
}

/** To the second. */
function utc(time: number): string {
  return new Date(time * 1000).toISOString().replace('.000', '');
}

function tallyOf(second: Second): Tally {
  const { all } = second;
  const sum = all.reduce((before, each) => before + (each + BUCKET_US / 2) / 1000, 0);
  return { count: all.length, failures: failuresOf(second), sum, times: countsOf(Array.from(all, inMs)) };
}

/** A time in µs as Locust keeps it: in ms, with two digits. */
function inMs(microseconds: number): number {
  const unit = microseconds < 100_000 ? 1 : 10 ** Math.floor(Math.log10(microseconds / 10_000));
  return unit * Math.round(microseconds / 1000 / unit);
}

function tallyBetween(seconds: Kept[], from: number, to: number): Tally {
  const result: Tally = { count: 0, failures: 0, sum: 0, times: new Map() };
  for (const { time, tally } of seconds) if (time >= from && time < to) add(result, tally);
  return result;
}

function add(tally: Tally, more: Tally): void {
  for (const key of ['count', 'failures', 'sum'] as const) tally[key] += more[key];
  for (const [key, value] of more.times) tally.times.set(key, (tally.times.get(key) ?? 0) + value);
}

/** By Locust's rule. */
function percentiles({ count, times }: Tally): number[] {
  const falling = [...times].sort(([a], [b]) => b - a);
  return SHARES.map((share) => {
    let left = count;
    return falling.find(([, its]) => (left -= its) <= Math.floor(count * share))?.[0] ?? 0;
  });
}

/** Median, mean, least and most of the times, and the mean size, which is made up. */
function summary(tally: Tally): Cell[] {
  const { count, sum, times } = tally;
  if (count === 0) return [0, 0, 0, 0, 0];
  return [percentiles(tally)[0] ?? 0, sum / count, min([...times.keys()]), max([...times.keys()]), 60];
}
