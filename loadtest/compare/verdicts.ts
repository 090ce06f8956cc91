// What only a comparison can tell of a load: whether its figures count, beside what the load generator itself found.

import { max, min } from 'simple-statistics';
import { fileName, type CsvKind, type Row, type Target, type Verdict } from '../../results/files.ts';
import { parse } from '../../results/read.ts';
import { format } from '../../results/write.ts';
import type { Files } from './place.ts';

/** Long enough for each connection to be made anew, so that every replica gets its share. */
const END_SECONDS = 20;

/** Whether replicas that were ready at the end of a load answered nothing. @returns sentences, none if it is fine */
export function idleReplicas(replicas: Row<'replicas'>[], timeline: Row<'timeline'>[]): string[] {
  const end = max([0, ...replicas.map(({ timestamp_s }) => timestamp_s)]);
  const isLate = ({ timestamp_s }: { timestamp_s: number }) => timestamp_s > end - END_SECONDS && timestamp_s <= end;
  const answered = new Set(replicas.filter(isLate).map(({ app_id }) => app_id)).size;
  const samples = timeline.filter(isLate);
  const ready = samples.length > 0 ? min(samples.map(({ ready_replicas }) => ready_replicas)) : 0;
  if (answered >= ready) return [];
  return [
    `Only ${answered} of ${ready} ready replicas answered in the last ${END_SECONDS} s: the load was not balanced.`,
  ];
}

/** Whether a target was faster than the load generator can measure. @returns sentences, none if it is fine */
export function tooFast(steps: Row<'steps'>[], bound: number): string[] {
  const throughput = highestThroughput(steps);
  // A rate at the bound may come out a little higher.
  if (throughput <= bound * 1.02) return [];
  return [
    `The target answered ${throughput.toFixed(0)} requests/s, more than the ${bound.toFixed(0)} that the load generator ` +
      'sends without strain: lower --cpu-limit, or give the generator more processes and CPU.',
  ];
}

/** Requests/s of the step that had most. */
export function highestThroughput(steps: Row<'steps'>[]): number {
  return max([0, ...steps.map(({ requests, failures, start_s, end_s }) => (requests - failures) / (end_s - start_s))]);
}

export function judged(verdict: Verdict, reasons: string[]): Verdict {
  if (reasons.length === 0) return verdict;
  return { ...verdict, verdict: 'INVALID', reasons: [...verdict.reasons, ...reasons] };
}

/** @throws ResultsError if the file is not what it should be */
export function rowsOf<K extends CsvKind>(files: Files, target: Target, kind: K): Row<K>[] {
  const name = fileName(target, kind);
  return parse(kind, files.get(name) ?? Buffer.from(''), name);
}

/** @throws ResultsError if the file is not what it should be */
export function verdictOf(files: Files, target: Target): Verdict {
  const name = fileName(target, 'verdict');
  return parse('verdict', files.get(name) ?? Buffer.from(''), name);
}

/** Adds a file with rows to files. @returns the files */
export function csv<K extends Parameters<typeof format>[0]>(
  files: Files,
  target: Target,
  kind: K,
  rows: Row<K>[],
): Files {
  return files.set(fileName(target, kind), Buffer.from(format(kind, rows)));
}
