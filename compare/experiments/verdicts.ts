// Judges a load by what the load generator can't see, such as replicas and its own limits, and adds to its verdict.

import { max, min, sum } from 'simple-statistics';
import { type Row, type Interface, type Verdict } from '../../results/files.ts';
import { throughputOf } from '../../results/sweep.ts';
import { rowsOf, type Files } from '../run/files.ts';

/** The time at the end of a load in which every connection is opened anew, so that every replica gets its share. */
const END_SECONDS = 20;

/** Checks that all replicas that were ready at the end of a load answered. @returns a sentence if not, else none */
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

/**
 * Describes each step in which a target did not sustain the offered rate, and how many replicas it had.
 * @returns a phrase for each such step
 */
export function describeOverload(steps: readonly Row<'steps'>[], timeline: readonly Row<'timeline'>[]): string[] {
  return steps
    .filter(({ saturated }) => saturated === 1)
    .map((step) => {
      const ready = timeline
        .filter(({ timestamp_s }) => timestamp_s >= step.start_s && timestamp_s < step.end_s)
        .map(({ ready_replicas }) => ready_replicas);
      const replicas = ready.length > 0 ? `, with up to ${max(ready)} replicas` : '';
      const answered = throughputOf([step]).toFixed(0);
      return `it answers at most ${answered} of ${step.offered_rate?.toFixed(0) ?? ''} requests/s here${replicas}`;
    });
}

export function judged(verdict: Verdict, reasons: string[]): Verdict {
  if (reasons.length === 0) return verdict;
  return { ...verdict, verdict: 'INVALID', reasons: [...reasons, ...verdict.reasons] };
}

/** An error may hold a whole page; a sentence can't. */
const ERROR_LENGTH = 200;

/** Returns the end of a sentence about failed requests: their most frequent error, and its share; empty without any. */
export function mostFrequent(errors: readonly { error: string; count: number }[]): string {
  const total = sum(errors.map(({ count }) => count));
  const [mostFrequentError] = errors.toSorted((a, b) => b.count - a.count);
  if (!mostFrequentError || total === 0) return '';
  const line = mostFrequentError.error.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
  const text = line.length > ERROR_LENGTH ? `${line.slice(0, ERROR_LENGTH - 1)}…` : line;
  return `; ${Number(((100 * mostFrequentError.count) / total).toPrecision(3))} % of them: ${text}`;
}

/** Reads why requests of a load failed, in the time that is measured and before it, as it ends a sentence. */
export function whyFailed(files: Files, target: Interface): string {
  const errors = Map.groupBy(rowsOf(files, target, 'failures'), (row) => row.Error);
  return mostFrequent([...errors].map(([error, rows]) => ({ error, count: sum(rows.map((row) => row.Occurrences)) })));
}
